"""What a state says, by hand, and on the development books."""

import numpy as np
import polars as pl
import pytest

from tradsys.core.errors import DataError
from tradsys.data.outside.book.book import Book, depth_slope, imbalance, microprice_bps, mid, order_flow, spread_bps
from tradsys.data.outside.book.tables import book_from_snapshots


def snapshots(*rows: tuple[list[float], list[float], list[float], list[float]], step_ms: int = 100) -> pl.DataFrame:
    n = len(rows[0][0])
    kinds = ("bid_px", "bid_sz", "ask_px", "ask_sz")
    columns = {f"{kind}_{k + 1}": [row[i][k] for row in rows] for i, kind in enumerate(kinds) for k in range(n)}
    return pl.DataFrame({"ts": [1_700_000_000_000 + step_ms * i for i in range(len(rows))]} | columns)


ONE = ([99.0, 98.0], [3.0, 5.0], [101.0, 102.0], [1.0, 1.0])


def book_of(*rows, step_ms: int = 100) -> Book:
    return book_from_snapshots(snapshots(*rows, step_ms=step_ms), "test")


def test_imbalance_microprice_and_spread_by_hand() -> None:
    book = book_of(ONE)
    assert imbalance(book, 1) == pytest.approx([0.5])
    assert imbalance(book, 2) == pytest.approx([0.6])
    assert mid(book) == pytest.approx([100.0])
    assert spread_bps(book) == pytest.approx([200.0])
    weighted = (99.0 * 1.0 + 101.0 * 3.0) / 4.0  # each price by the size on the other side
    assert microprice_bps(book) == pytest.approx([(weighted / 100.0 - 1.0) * 1e4])


def test_the_slope_is_one_where_depth_is_even_and_a_line_where_two_levels_draw_it() -> None:
    distance = np.arange(1.0, 11.0)
    even = (list(100 - distance), [2.0] * 10, list(100 + distance), [5.0] * 10)
    assert depth_slope(book_of(even)) == pytest.approx([1.0])
    bids, asks = np.log(8.0 / 3.0) / np.log(2.0), np.log(2.0) / np.log(2.0)
    assert depth_slope(book_of(ONE)) == pytest.approx([(bids + asks) / 2.0])


@pytest.mark.parametrize(
    ("bid", "ask", "flow"),
    [
        ((99.0, 7.0), (101.0, 1.0), 4.0),  # four more at the same bid
        ((99.5, 2.0), (101.0, 1.0), 2.0),  # a better bid counts whole
        ((98.0, 9.0), (101.0, 1.0), -3.0),  # the bid that was there is gone
        ((99.0, 3.0), (101.0, 6.0), -5.0),
        ((99.0, 3.0), (100.0, 2.0), -2.0),
        ((99.0, 3.0), (102.0, 9.0), 1.0),
    ],
)
def test_order_flow_by_hand(bid: tuple[float, float], ask: tuple[float, float], flow: float) -> None:
    after = ([bid[0], 90.0], [bid[1], 1.0], [ask[0], 110.0], [ask[1], 1.0])
    found = order_flow(book_of(ONE, after))
    assert np.isnan(found[0])
    assert found[1] == flow


def test_order_flow_does_not_cross_a_silence_or_an_end() -> None:
    assert np.isnan(order_flow(book_of(ONE, ONE, step_ms=61_000))).all()
    crossed = ([101.5, 98.0], *ONE[1:])
    found = order_flow(book_of(ONE, crossed, ONE, ONE))
    assert np.isnan(found).tolist() == [True, True, True, False]


def test_states_that_cannot_be_end_the_book_and_are_counted() -> None:
    crossed, negative = ([101.0, 98.0], *ONE[1:]), ([99.0, 98.0], [3.0, -1.0], *ONE[2:])
    disordered = ([99.0, 99.5], *ONE[1:])
    book = book_of(ONE, crossed, negative, disordered, ([np.nan, 98.0], *ONE[1:]), ONE)
    assert book.is_known.tolist() == [True, False, False, False, False, True]
    assert book.ends == {
        "no best bid or ask": 1,
        "a price or size that cannot be": 1,
        "crossed": 1,
        "levels out of order": 1,
    }


def test_a_missing_level_hides_those_behind_it_and_no_other() -> None:
    book = book_of(([99.0, np.nan], *ONE[1:]))
    assert imbalance(book, 1) == pytest.approx([0.5])
    assert np.isnan(imbalance(book, 2)).all()


def test_a_level_without_its_size_is_refused() -> None:
    with pytest.raises(DataError, match="found 2 bid_px, 1 bid_sz, 2 ask_px, 2 ask_sz"):
        book_from_snapshots(snapshots(ONE).drop("bid_sz_2"), "test")


@pytest.mark.needs_data
def test_five_levels_foretell_the_next_second_on_the_development_books(development_data) -> None:
    paths = sorted((development_data / "market").glob("lob-*USDT-*-100ms.parquet"))
    assert len(paths) == 3
    for path in paths:
        book = book_from_snapshots(pl.read_parquet(path), path.name)
        assert book.is_known.all()
        assert book.ends == {}
        next_second = np.log(mid(book)[10:] / mid(book)[:-10])
        assert 0.19 <= np.corrcoef(imbalance(book, 5)[:-10], next_second)[0, 1] <= 0.37
        flow = np.convolve(np.nan_to_num(order_flow(book)), np.ones(10), "valid")[1:]  # of the same second
        assert np.corrcoef(flow, next_second[: len(flow)])[0, 1] > 0.4
