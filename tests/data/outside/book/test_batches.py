"""A book read a piece at a time is the book read at once, whatever the pieces, and bars are told the same by either."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from tests.data.outside.book.events import SNAPSHOT, START, book_from_updates, event, random_events, table

from tradsys.data.outside.book.book import Book, joined
from tradsys.data.outside.book.book_file import with_pieces
from tradsys.data.outside.book.rebuild import batches, books_from_updates

LAG = timedelta(0)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def updates() -> pl.DataFrame:
    """Three minutes of updates: some are lost, some were received late, and snapshots mend the book."""
    rows = random_events(1800, seed=3)
    fresh = rows.filter(pl.col("is_snapshot"))
    lost = rows.filter(~pl.col("last_id").is_in(rows["last_id"].unique().sort()[[500, 1300]].implode()))
    ids = {int(lost["ts"][k]) + 70: int(lost["last_id"][k]) for k in range(1000, 11_000, 1000)}
    later = [
        fresh.with_columns(
            pl.lit(ms, pl.Int64).alias("ts"),
            pl.lit(id_, pl.Int64).alias(
                "first_id",
            ),
        ).with_columns(last_id=pl.col("first_id"))
        for ms, id_ in ids.items()
    ]
    both = pl.concat([lost, *later]).sort("ts", maintain_order=True)
    late = pl.Series(np.where(np.random.default_rng(0).random(len(both)) < 0.0002, 900, 0))
    delayed = both.with_columns(late=late).with_columns(pl.col("late").max().over("ts", "last_id"))
    return delayed.with_columns(received_at=pl.col("ts") + pl.col("late")).drop("late")


def pieces_of(updates: pl.DataFrame, n_rows: int, tmp_path) -> list[Book]:
    path = tmp_path / "updates.parquet"
    updates.write_parquet(path)
    return list(books_from_updates(batches(path, LAG, n_rows=n_rows), "test", lag=LAG))


def same(a: Book, b: Book) -> bool:
    names = ("received", "bid_price", "bid_size", "ask_price", "ask_size", "begins")
    return a.ends == b.ends and all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=name != "begins") for name in names
    )


@pytest.mark.parametrize("n_rows", [7, 601, 5000])
def test_a_book_in_pieces_is_the_book(updates, n_rows, tmp_path):
    whole = book_from_updates(updates, "test", lag=LAG)
    assert whole.ends["sequence gap"] > 1
    assert 100 < whole.is_known.sum() < len(whole.received)
    pieces = pieces_of(updates if n_rows > 7 else updates[:900], n_rows, tmp_path)
    expected = whole if n_rows > 7 else book_from_updates(updates[:900], "test", lag=LAG)
    assert len(pieces) > 1
    assert same(joined(pieces), expected)


def test_differences_that_overtook_a_snapshot_in_the_batch_before_are_applied(tmp_path):
    early = [event(k - 3, (9 + 2 * k, 10 + 2 * k), {"bid": {99.0: 8.0 - k}}) for k in range(3)]
    rows = table(*early, SNAPSHOT, event(1, (15, 15), {"ask": {101.0: 2.0}}))
    pieces = joined(pieces_of(rows, 1, tmp_path))
    assert pieces.bid_size[:, 0].tolist() == [6.0, 6.0]
    assert same(pieces, book_from_updates(rows, "test", lag=LAG))


@pytest.mark.parametrize("minutes", [1, 2])
@pytest.mark.parametrize("first", [-3, 0, 1])
def test_bars_are_told_the_same_by_the_pieces(updates, minutes, first, tmp_path):
    step = timedelta(minutes=minutes)
    start = datetime.fromtimestamp(START / 1000, UTC).replace(second=0, microsecond=0) + first * MINUTE
    ts = pl.Series([start + k * step for k in range(9) if k != 2], dtype=pl.Datetime("ms", "UTC"))
    bars = pl.DataFrame({"ts": ts})
    whole = with_pieces(bars, [book_from_updates(updates, "test", lag=LAG)], n_levels=20, interval=step, tolerance=step)
    pieces = pieces_of(updates, 601, tmp_path)
    parts = with_pieces(bars, pieces, n_levels=20, interval=step, tolerance=step)
    assert parts["book_spread"].is_finite().any()
    assert parts.equals(whole)


def test_no_more_than_a_batch_is_in_hand(updates, tmp_path):
    """Each piece is made of what one batch settled; nothing is kept of the ones before but the last events."""
    sizes = [len(piece.received) for piece in pieces_of(updates, 601, tmp_path)]
    assert max(sizes) < 0.2 * sum(sizes)
