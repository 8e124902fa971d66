"""Books told to bars: only what was received by the close, and nothing made up where there was no book."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from tests.data.outside.book.test_measures import ONE, snapshots
from tests.features.markets import ordinary

from tradsys.core.errors import ConfigError, DataError
from tradsys.core.outside import outside_columns
from tradsys.data import load_market
from tradsys.data.market import Market
from tradsys.data.outside.book.book_file import BookFile, columns_of, with_pieces
from tradsys.data.outside.book.tables import book_from_snapshots
from tradsys.data.outside.source import attach_outside

MINUTE = timedelta(minutes=1)
START = datetime(2024, 3, 1, tzinfo=UTC)


def bars(n: int) -> pl.DataFrame:
    ts = [START + k * MINUTE for k in range(n)]
    return pl.DataFrame({"ts": ts}, schema={"ts": pl.Datetime("ms", "UTC")})


def states(*given: tuple[float, float]) -> pl.DataFrame:
    """A state a pair of (seconds after START, size of the best bid); the other levels are those of ONE; 0: crossed."""
    rows = [((([102.0, 98.0] if not size else ONE[0]), [size or 1.0, 5.0], *ONE[2:])) for _, size in given]
    times = [round((START.timestamp() + second) * 1000) for second, _ in given]
    return snapshots(*rows).with_columns(received_at=pl.Series(times))


def states_joined(*given: tuple[float, float], n: int = 3, tolerance: timedelta = MINUTE) -> pl.DataFrame:
    book = book_from_snapshots(states(*given), "test")
    return with_pieces(bars(n), [book], n_levels=book.n_levels, interval=MINUTE, tolerance=tolerance)


def test_last_and_mean_are_of_what_was_received_by_the_close() -> None:
    found = states_joined((10, 3.0), (60, 1.0), (60.001, 9.0), (90, 4.0))
    assert found["book_imbalance_1"][:2].to_list() == pytest.approx([0.0, 0.6])  # a state at the close is known then
    assert found["book_imbalance_1_mean"][:2].to_list() == pytest.approx([0.25, (0.8 + 0.6) / 2])
    assert found["book_age_s"].to_list() == pytest.approx([0.0, 30.0, 90.0])
    assert found["book_ofi"][:2].to_list() == pytest.approx([-2.0 / 1.5, 3.0 / ((5.0 + 2.5) / 2)])


def test_a_bar_without_a_book_is_unknown_and_says_how_long() -> None:
    found = states_joined((70, 3.0), n=4)
    values = found.drop("ts", "book_age_s").to_numpy()
    assert np.isnan(values[[0, 3]]).all()
    np.testing.assert_allclose(found["book_age_s"], [np.nan, 50.0, 110.0, 170.0])
    assert np.isnan(found["book_imbalance_1"].to_numpy()).tolist() == [True, False, True, True]
    longer = states_joined((70, 3.0), n=4, tolerance=2 * MINUTE)
    assert np.isnan(longer["book_imbalance_1"].to_numpy()).tolist() == [True, False, False, True]
    assert np.isnan(longer["book_imbalance_1_mean"].to_numpy()).tolist() == [True, False, True, True]


def test_a_book_that_ended_is_not_carried_to_the_close() -> None:
    found = states_joined((10, 3.0), (20, 0.0))
    assert np.isnan(found["book_imbalance_1"][0])
    assert found["book_imbalance_1_mean"][0] == pytest.approx(0.5)  # the bar did see it
    assert found["book_age_s"][0] == 50.0


def test_what_comes_later_changes_no_bit_of_earlier_bars() -> None:
    rng = np.random.default_rng(0)
    given = [
        (float(t), float(q)) for t, q in zip(np.sort(rng.uniform(0, 1200, 900)), rng.uniform(1, 9, 900), strict=True)
    ]
    whole = states_joined(*given, n=20)
    cut = states_joined(*[one for one in given if one[0] <= 600], n=10)
    changed = states_joined(*[(t, q if t <= 600 else 2 * q) for t, q in given], n=20)
    assert whole[:10].equals(cut, null_equal=True)
    assert changed[:10].equals(cut, null_equal=True)
    assert not changed.equals(whole)


def test_no_book_has_a_column_more_than_its_levels_tell() -> None:
    assert "book_imbalance_5" not in states_joined((10, 3.0)).columns
    assert [c for c in columns_of(20) if c.startswith("book_imbalance") and not c.endswith("mean")] == [
        f"book_imbalance_{k}" for k in (1, 5, 10, 20)
    ]


@pytest.fixture
def market(tmp_path) -> Market:
    paths = []
    for symbol in ("AAA", "BBB"):
        paths.append(tmp_path / f"{symbol}-1h.parquet")
        ordinary(300).write_parquet(paths[-1])
    return load_market(paths)


def written(market: Market, tmp_path) -> str:
    opens = market.frames()["AAA"]["ts"].dt.epoch("ms").to_numpy()
    rows = [ONE] * 100
    path = tmp_path / "book.parquet"
    snapshots(*rows).with_columns(ts=pl.Series(opens[50:150] + 1000)).write_parquet(path)
    return str(path)


def test_a_symbol_without_a_book_has_nothing_to_say_and_absent_books_leave_no_column(market, tmp_path) -> None:
    attached = attach_outside(market, [BookFile.parse(f"AAA={written(market, tmp_path)}?tolerance_s=4000")])
    frames = attached.frames()
    assert set(outside_columns(attached.bars)) == set(columns_of(2))
    assert np.isfinite(frames["AAA"]["book_imbalance_1"].to_numpy()).sum() == 100
    assert np.isnan(frames["BBB"].select(columns_of(2)).to_numpy()).all()
    assert attached.fingerprint != market.fingerprint
    assert "book of AAA: 100 states of 2 levels from book.parquet" in attached.outside[0]
    assert attach_outside(market, []) is market


def test_a_book_needs_its_symbol_and_each_symbol_has_one(market, tmp_path) -> None:
    path = written(market, tmp_path)
    with pytest.raises(ConfigError, match=r"holds the book of no symbol; say which with SYMBOL=FILE, one of AAA, BBB"):
        attach_outside(market, [BookFile.parse(path)])
    with pytest.raises(ConfigError, match="AAA has two books"):
        attach_outside(market, [BookFile.parse(f"AAA={path}"), BookFile.parse(f"AAA={path}")])


def test_a_text_that_describes_no_book_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="a book is FILE or SYMBOL=FILE"):
        BookFile.parse("=x.parquet")
    with pytest.raises(ConfigError, match="sets lag, tolerance; options of a book are lag_s, tolerance_s"):
        BookFile.parse("x.parquet?lag=1&tolerance=2")
    with pytest.raises(ConfigError, match="lag_s must not be negative"):
        BookFile.parse("x.parquet?lag_s=-1")
    path = tmp_path / "bars.parquet"
    ordinary(10).write_parquet(path)
    with pytest.raises(DataError, match="holds no order book: wanted snapshots"):
        BookFile.parse(str(path)).pieces()


@pytest.mark.parametrize("shift_days", [-400, 400])
def test_a_book_of_another_year_is_refused(market, tmp_path, shift_days) -> None:
    path = written(market, tmp_path)
    pl.read_parquet(path).with_columns(pl.col("ts") + shift_days * 86_400_000).write_parquet(path)
    with pytest.raises(DataError, match=r"nothing of it was known at any of the 300 bars of AAA .*one of their time"):
        attach_outside(market, [BookFile.parse(f"AAA={path}")])


@pytest.mark.parametrize("word", ["n/a", "N/A", "", "NaN", "-"])
def test_a_cell_of_a_book_that_says_nothing_is_no_level(tmp_path, word) -> None:
    table = snapshots(*[ONE] * 50).cast({"bid_px_2": pl.String, "bid_sz_2": pl.String})
    empty = pl.int_range(pl.len()) == 7
    cells = [pl.when(empty).then(pl.lit(word)).otherwise(pl.col(name)).alias(name) for name in ("bid_px_2", "bid_sz_2")]
    table.with_columns(cells).write_csv(tmp_path / "book.csv")
    (book,) = BookFile.parse(str(tmp_path / "book.csv")).pieces()
    assert np.isnan(book.bid_price[:, 1]).tolist() == [row == 7 for row in range(50)]


def test_a_cell_of_a_book_that_is_no_number_is_named(tmp_path) -> None:
    table = snapshots(*[ONE] * 5).with_columns(pl.lit("abc").alias("bid_px_2"))
    table.write_csv(tmp_path / "book.csv")
    with pytest.raises(DataError, match="5 cells of bid_px_2 are no numbers, such as 'abc'"):
        list(BookFile.parse(str(tmp_path / "book.csv")).pieces())
