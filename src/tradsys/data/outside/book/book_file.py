"""One symbol's book as the settings write it, `BTCUSDT=book.parquet`, how it is read, and how bars know it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, Self

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import DataError
from tradsys.core.time import interval_ms
from tradsys.data.files import columns_in, read_table
from tradsys.data.outside.book.book import (
    Book,
    depth_slope,
    imbalance,
    joined,
    microprice_bps,
    order_flow,
    spread_bps,
    top_depth,
)
from tradsys.data.outside.book.rebuild import N_LEVELS, batches, books_from_updates
from tradsys.data.outside.book.tables import (
    DEFAULT_LAG,
    SNAPSHOT_COLUMNS,
    UPDATE_COLUMNS,
    book_from_snapshots,
    levels_of,
)
from tradsys.data.outside.source import BarRange, OutsideColumns, one_each, split_place

LEVELS: Final = (1, 5, 10, 20)
"""Depths of the imbalances, where the book has as many levels."""

AGE: Final = "book_age_s"
FLOW: Final = "book_ofi"


@dataclass(slots=True)
class BookPieces:
    """Pieces of a book in order, handed out once; counts the known states and the reasons for its ends on the way."""

    n_levels: int
    pieces: Iterator[Book]
    n_known: int = 0
    ends: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Book]:
        for piece in self.pieces:
            self.n_known += int(piece.is_known.sum())
            self.ends.update(piece.ends)
            yield piece


@dataclass(frozen=True, slots=True)
class BookColumns:
    """One symbol's book, of which `n_levels` are read; a tolerance of None is one bar."""

    symbol: str
    file: str
    book: BookPieces
    n_levels: int
    tolerance: timedelta | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return columns_of(self.n_levels)

    @property
    def sentence(self) -> str:
        ends = ", ".join(f"{n:,} x {reason}" for reason, n in self.book.ends.items())
        ended = f"; it ended {ends}" if ends else ""
        states = f"{self.book.n_known:,} states of {self.book.n_levels} levels"
        return f"book of {self.symbol}: {states} from {self.file}{ended}"

    def join(self, bars: pl.DataFrame, interval: timedelta) -> pl.DataFrame:
        """The bars with what the book was when each closed; once, since the pieces are gone by then."""
        return with_pieces(
            bars, self.book, n_levels=self.n_levels, interval=interval, tolerance=self.tolerance or interval
        )


def columns_of(n_levels: int) -> tuple[str, ...]:
    """Names of the columns that bars get from a book of so many levels."""
    both = [name for measure in _names(n_levels) for name in (measure, f"{measure}_mean")]
    return (*both, FLOW, AGE)


def with_pieces(
    bars: pl.DataFrame, pieces: Iterable[Book], *, n_levels: int, interval: timedelta, tolerance: timedelta
) -> pl.DataFrame:
    """Bars with `columns_of` a book in pieces that follow each other, Float64, NaN where nothing was known.

    A bar knows the states received after its open and by its close; each `book_<measure>` is the last of them, or an
    earlier one that is no older than the tolerance at the close, and NaN where the book has ended since. `_mean` is the
    mean over the known states of the bar itself; `book_ofi` the sum of its order flow over the mean size at the best
    prices; `book_age_s` the seconds since the last known state, however long ago.

    Bars are in order, and `n_levels` are read. No more than one piece and the states of one bar are held.
    """
    step, late = interval_ms(interval), tolerance / timedelta(seconds=1)
    close = bars["ts"].dt.epoch("ms").to_numpy().astype(np.int64) + step
    columns = {name: np.full(len(close), np.nan) for name in columns_of(n_levels)}
    n_filled, held = 0, None
    for piece in pieces:
        if n_filled == len(close) or not len(piece.received):
            continue  # whoever counts the pieces sees them all
        held = piece if held is None else joined([held, piece])
        whole = int(np.searchsorted(close, held.received[-1]))  # a later piece may still speak of the others
        _fill(columns, slice(n_filled, whole), close, step, held, late)
        n_filled = max(n_filled, whole)
        if n_filled < len(close):
            held = _needed(held, int(close[n_filled]) - step)
    if held is not None:
        _fill(columns, slice(n_filled, len(close)), close, step, held, late)
    return bars.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def _needed(book: Book, opens: int) -> Book:
    """States that a bar which opens then may ask for: its own, the one before and the last known one."""
    before = int(np.searchsorted(book.received, opens, side="right"))
    known = np.flatnonzero(book.is_known[:before])
    return book[int(known[-1]) if len(known) else max(0, before - 1) :]


def _fill(columns: dict[str, FloatArray], rows: slice, closes: IntArray, step: int, book: Book, late: float) -> None:
    """Fill in the columns of some bars from a book with all that they ask for."""
    close = closes[rows]
    if not len(close):
        return
    first = np.searchsorted(book.received, close - step, side="right")
    end = np.searchsorted(book.received, close, side="right")
    last_known = np.maximum.accumulate(np.where(book.is_known, np.arange(len(book.received)), -1))
    seen = np.where(end > 0, last_known[end - 1], -1)
    age = np.where(seen >= 0, (close - book.received[seen]) / 1e3, np.nan)
    is_current = (seen >= 0) & (seen == end - 1) & (age <= late)
    for name, values in zip(_names(book.n_levels), measures(book), strict=True):
        if name in columns:
            columns[name][rows] = np.where(is_current, values[seen], np.nan)
            columns[f"{name}_mean"][rows] = _mean(values, first, end)
    depth = _mean(top_depth(book), first, end)
    columns[FLOW][rows] = _sum(order_flow(book), first, end) / depth
    columns[AGE][rows] = age


def _names(n_levels: int) -> tuple[str, ...]:
    imbalances = (f"book_imbalance_{level}" for level in LEVELS if level <= n_levels)
    return (*imbalances, "book_microprice", "book_spread", "book_slope")


def measures(book: Book) -> Sequence[FloatArray]:
    """The measures of each state, (n_states,) each, in the order of the columns."""
    imbalances = (imbalance(book, level) for level in LEVELS if level <= book.n_levels)
    return (*imbalances, microprice_bps(book), spread_bps(book), depth_slope(book))


def _mean(values: FloatArray, first: IntArray, end: IntArray) -> FloatArray:
    """Mean of what is known among the states [first, end) of each bar, (n_bars,)."""
    counts = _between(np.isfinite(values).astype(np.float64), first, end)
    sums = _between(np.nan_to_num(values), first, end)
    return np.asarray(np.divide(sums, counts, out=np.full(len(first), np.nan), where=counts > 0))


def _sum(values: FloatArray, first: IntArray, end: IntArray) -> FloatArray:
    known = _between(np.isfinite(values).astype(np.float64), first, end) > 0
    return np.asarray(np.where(known, _between(np.nan_to_num(values), first, end), np.nan))


def _between(values: FloatArray, first: IntArray, end: IntArray) -> FloatArray:
    """Sum of values[first:end] a bar: each its own sum, so that no bar depends on what came before it."""
    if not len(values):
        return np.zeros(len(first))
    edges = np.stack([first, np.maximum(end, first)], axis=1).ravel()
    sums = np.add.reduceat(np.append(values, 0.0), edges)[::2]
    return np.where(end > first, sums, 0.0)


@dataclass(frozen=True, slots=True)
class BookFile:
    """A file of snapshots or of updates for one symbol, empty for the only one; None as tolerance is one bar."""

    symbol: str
    path: Path
    lag: timedelta = DEFAULT_LAG
    tolerance: timedelta | None = field(default=None)

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `[SYMBOL=]FILE[?lag_s=..&tolerance_s=..]` describes.

        >>> BookFile.parse("ETHUSDT=eth.parquet?lag_s=0.2").lag
        datetime.timedelta(microseconds=200000)
        """
        wanted = "a book is FILE or SYMBOL=FILE, such as BTCUSDT=book.parquet"
        symbol, file, given = split_place(text, "a book", wanted, ("lag_s", "tolerance_s"))
        return cls(symbol, Path(file).expanduser(), given.get("lag_s", DEFAULT_LAG), given.get("tolerance_s"))

    @classmethod
    def read(cls, sources: Sequence[Self], bars: BarRange) -> dict[str, OutsideColumns]:
        """The columns of every symbol that has a book, of as many levels as all of them have."""
        files = one_each(sources, bars.symbols, "book", "books")
        books = {symbol: file.pieces() for symbol, file in files.items()}
        n_levels = min(book.n_levels for book in books.values())
        return {
            symbol: BookColumns(symbol, file.path.name, books[symbol], n_levels, file.tolerance)
            for symbol, file in files.items()
        }

    @property
    def place(self) -> str:
        return str(self.path)

    @property
    def own_symbol(self) -> str:
        """Empty: no file of a book says whose it is."""
        return ""

    def pieces(self) -> BookPieces:
        """The book of the file, a piece at a time; a DataError where it holds none."""
        if not self.path.exists():
            raise DataError(f"no file {self.path} of an order book; give a Parquet, Feather or CSV file")
        source, columns = str(self.path), columns_in(self.path)
        if set(SNAPSHOT_COLUMNS) <= set(columns):
            return BookPieces(levels_of(columns, source), self._snapshots())
        if set(UPDATE_COLUMNS) <= set(columns):
            return BookPieces(N_LEVELS, books_from_updates(batches(self.path, self.lag), source, lag=self.lag))
        raise DataError(
            f"{self.path} holds no order book: wanted snapshots (ts, bid_px_1, bid_sz_1, ask_px_1, ask_sz_1, ...) or "
            f"updates (ts, is_snapshot, first_id, last_id, side, price, size), found {', '.join(columns)}"
        )

    def _snapshots(self) -> Iterator[Book]:
        yield book_from_snapshots(read_table(self.path)[0], str(self.path), lag=self.lag)
