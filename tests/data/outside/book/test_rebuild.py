"""Books from snapshots and differences: continued only by the next number, ended by anything else."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from tests.data.outside.book.events import SNAPSHOT, START, book_from_updates, event, random_events, table

from tradsys.core.errors import DataError
from tradsys.data.outside.book.book import Book


def rebuilt(*events, n_levels: int = 3) -> Book:
    return book_from_updates(table(*events), "test", lag=timedelta(0), n_levels=n_levels)


def test_differences_set_add_and_delete_levels() -> None:
    book = rebuilt(SNAPSHOT, event(1, (11, 12), {"bid": {99.0: 0.0, 98.5: 7.0}, "ask": {101.0: 5.0, 100.0: 1.0}}))
    assert book.bid_price.tolist() == [[99.0, 98.0, 97.0], [98.5, 98.0, 97.0]]
    assert book.bid_size.tolist() == [[1.0, 2.0, 9.0], [7.0, 2.0, 9.0]]
    assert book.ask_price[1].tolist() == [100.0, 101.0, 102.0]
    assert book.ask_size[1].tolist() == [1.0, 5.0, 4.0]
    assert book.begins.tolist() == [True, False]
    assert book.ends == {}


def test_a_gap_ends_the_book_until_the_next_snapshot() -> None:
    later = [row | {"ts": START + 3000, "first_id": 30, "last_id": 30} for row in SNAPSHOT]
    book = rebuilt(
        SNAPSHOT,
        event(1, (12, 12), {"bid": {99.5: 1.0}}),  # 11 is missing
        event(2, (13, 13), {"bid": {99.6: 1.0}}),
        later,
    )
    assert book.is_known.tolist() == [True, False, True]  # the end is told, what follows it is not
    assert ((book.received - START) / 1000).tolist() == [0, 1, 3]
    assert book.bid_price[2, 0] == 99.0
    assert book.begins.tolist() == [True, True, True]
    assert book.ends == {"sequence gap": 1}


def test_an_old_difference_is_passed_over() -> None:
    book = rebuilt(SNAPSHOT, event(1, (8, 10), {"bid": {99.0: 0.0}}), event(2, (9, 11), {"bid": {99.0: 4.0}}))
    assert book.bid_size[-1, 0] == 4.0
    assert book.ends == {}


@pytest.mark.parametrize(("previous", "goes_on"), [(15, True), (14, False)])
def test_where_ids_leave_numbers_out_the_one_before_is_named(previous: int, goes_on: bool) -> None:
    rows = [row | {"previous_id": -1} for row in SNAPSHOT]
    book = rebuilt(
        rows,
        event(1, (9, 15), {"bid": {99.0: 2.0}}, previous_id=8),
        event(2, (20, 25), {"bid": {99.0: 3.0}}, previous_id=previous),
    )
    assert bool(book.is_known[-1]) == goes_on
    assert book.ends == ({} if goes_on else {"sequence gap": 1})


def test_differences_that_overtook_their_snapshot_are_applied_when_it_comes() -> None:
    early = event(-2, (9, 10), {"bid": {99.0: 8.0}}), event(-1, (11, 11), {"bid": {99.0: 6.0}})
    book = rebuilt(*early, SNAPSHOT, event(1, (12, 12), {"ask": {101.0: 2.0}}))
    assert book.bid_size[:, 0].tolist() == [6.0, 6.0]
    assert ((book.received - START) / 1000).tolist() == [0, 1]
    gapped = rebuilt(event(-1, (12, 12), {"bid": {99.0: 6.0}}), SNAPSHOT, event(1, (13, 13), {"ask": {101.0: 2.0}}))
    assert not gapped.is_known.any()
    assert gapped.ends == {"sequence gap": 1}


def test_a_crossed_book_and_an_emptied_side_end_it() -> None:
    crossed = rebuilt(SNAPSHOT, event(1, (11, 11), {"bid": {101.0: 1.0}}), event(2, (12, 12), {"bid": {101.0: 0.0}}))
    assert crossed.is_known.tolist() == [True, False]
    assert crossed.ends == {"crossed": 1}
    emptied = rebuilt(SNAPSHOT, event(1, (11, 11), {"bid": {99.0: 0.0, 98.0: 0.0, 97.0: 0.0}}))
    assert emptied.ends == {"no best bid or ask": 1}


def test_a_crossed_snapshot_begins_no_book() -> None:
    bad = event(0, (10, 10), {"bid": {102.0: 1.0}, "ask": {101.0: 1.0}}, is_snapshot=True)
    book = rebuilt(bad, event(1, (11, 11), {"bid": {102.0: 0.0, 99.0: 1.0}}))
    assert len(book.received) == 0
    assert book.ends == {"crossed": 1}


def test_levels_behind_the_snapshot_are_not_known() -> None:
    book = rebuilt(SNAPSHOT, event(1, (11, 11), {"bid": {99.0: 0.0, 96.0: 5.0}}))
    np.testing.assert_array_equal(book.bid_price[1], [98.0, 97.0, np.nan])


def test_receipt_not_the_stamp_orders_and_dates_the_states() -> None:
    rows = [row | {"received_at": START + 500} for row in SNAPSHOT]
    late = event(1, (12, 12), {"bid": {99.0: 2.0}}, received_at=START + 2500)
    first = event(2, (11, 11), {"bid": {99.0: 3.0}}, received_at=START + 2100)
    book = rebuilt(rows, late, first)
    assert (book.received - START).tolist() == [500, 2100, 2500]
    assert book.bid_size[:, 0].tolist() == [1.0, 3.0, 2.0]
    lagged = book_from_updates(table(SNAPSHOT), "test", lag=timedelta(seconds=2))
    assert (lagged.received - START).tolist() == [2000]


def test_the_kernel_agrees_with_dictionaries() -> None:
    updates = random_events(2000, seed=1)
    book = book_from_updates(updates, "test", lag=timedelta(0), n_levels=10)
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    state = 0
    for _, rows in updates.group_by("last_id", maintain_order=True):
        for side, price, size in rows.select("side", "price", "size").iter_rows():
            (bids if side == "bid" else asks)[price] = size
        best_bids = sorted((p for p, q in bids.items() if q > 0), reverse=True)[:10]
        best_asks = sorted(p for p, q in asks.items() if q > 0)[:10]
        assert book.bid_price[state].tolist() == best_bids
        assert book.ask_price[state].tolist() == best_asks
        assert book.bid_size[state].tolist() == [bids[p] for p in best_bids]
        assert book.ask_size[state].tolist() == [asks[p] for p in best_asks]
        state += 1
    assert state == len(book.received) == 2001


def test_a_side_wider_than_the_kernel_begins_with_is_kept() -> None:
    depth = np.arange(1, 1501)
    wide = {
        "bid": dict(zip(5000.0 - depth, depth * 1.0, strict=True)),
        "ask": dict(zip(5000.0 + depth, depth * 1.0, strict=True)),
    }
    book = rebuilt(event(0, (1, 1), wide, is_snapshot=True), n_levels=1500)
    assert book.bid_price[0].tolist() == (5000.0 - depth).tolist()
    assert book.ask_size[0].tolist() == depth.tolist()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(DataError, match="a side is bid or ask, found 'buy'"):
        rebuilt(event(0, (1, 1), {"buy": {1.0: 1.0}}, is_snapshot=True))
    with pytest.raises(DataError, match="1 levels have a price or size that cannot be, the first in row 0"):
        rebuilt(event(0, (1, 1), {"bid": {1.0: -1.0}}, is_snapshot=True))
    with pytest.raises(DataError, match="needs first_id, last_id"):
        book_from_updates(table(SNAPSHOT).drop("first_id", "last_id"), "test")
    with pytest.raises(DataError, match="have no last_id, without which no gap can be seen"):
        book_from_updates(table(SNAPSHOT).with_columns(last_id=pl.lit(None, dtype=pl.Int64)), "test")
