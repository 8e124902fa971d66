"""One symbol's book as the settings write it: `BTCUSDT=book.parquet`, and how it is read."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl

from tradsys.core.errors import ConfigError, DataError
from tradsys.data.files import columns_in, read_table
from tradsys.data.outside.book.batches import batches
from tradsys.data.outside.book.book import Book
from tradsys.data.outside.book.rebuild import N_LEVELS, books_from_updates
from tradsys.data.outside.book.snapshots import DEFAULT_LAG, book_from_snapshots, is_snapshots, levels_of
from tradsys.data.outside.book.updates import is_updates


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
        place, _, query = text.partition("?")
        symbol, equals, file = place.rpartition("=")
        if not file or (equals and not symbol):
            raise ConfigError(f"a book is FILE or SYMBOL=FILE, such as BTCUSDT=book.parquet; found {text!r}")
        given = {"lag_s": DEFAULT_LAG, "tolerance_s": None} | {
            key: _seconds(text, key, value) for key, value in parse_qsl(query, keep_blank_values=True)
        }
        unknown = given.keys() - {"lag_s", "tolerance_s"}
        if unknown:
            raise ConfigError(f"{text!r} sets {', '.join(sorted(unknown))}; options of a book are lag_s, tolerance_s")
        lag = given["lag_s"]
        assert lag is not None
        return cls(symbol.strip(), Path(file).expanduser(), lag, given["tolerance_s"])

    def read(self) -> "BookPieces":
        """The book of the file, a piece at a time; a DataError where it holds none."""
        if not self.path.exists():
            raise DataError(f"no file {self.path} of an order book; give a Parquet, Feather or CSV file")
        source, columns = str(self.path), columns_in(self.path)
        if is_snapshots(columns):
            return BookPieces(levels_of(columns, source), self._snapshots())
        if is_updates(columns):
            return BookPieces(N_LEVELS, books_from_updates(batches(self.path, self.lag), source, lag=self.lag))
        raise DataError(
            f"{self.path} holds no order book: wanted snapshots (ts, bid_px_1, bid_sz_1, ask_px_1, ask_sz_1, ...) or "
            f"updates (ts, is_snapshot, first_id, last_id, side, price, size), found {', '.join(columns)}"
        )

    def _snapshots(self) -> Iterator[Book]:
        yield book_from_snapshots(read_table(self.path)[0], str(self.path), lag=self.lag)


@dataclass(slots=True)
class BookPieces:
    """Pieces of a book in order, handed out once; counts what went by: known states and the reasons for its ends."""

    n_levels: int
    pieces: Iterator[Book]
    n_known: int = 0
    ends: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Book]:
        """The pieces, counted."""
        for piece in self.pieces:
            self.n_known += int(piece.is_known.sum())
            self.ends.update(piece.ends)
            yield piece


def _seconds(text: str, key: str, value: str) -> timedelta:
    try:
        seconds = float(value)
    except ValueError:
        raise ConfigError(f"{key} of {text!r} cannot be {value!r}; give seconds") from None
    if not seconds >= 0:
        raise ConfigError(f"{key} must not be negative in {text!r}")
    return timedelta(seconds=seconds)
