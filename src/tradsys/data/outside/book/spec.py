"""One symbol's book as the settings write it: `BTCUSDT=book.parquet`, and how it is read."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl

from tradsys.core.errors import ConfigError, DataError
from tradsys.data.files import read_table
from tradsys.data.outside.book.book import Book
from tradsys.data.outside.book.rebuild import book_from_updates, is_updates
from tradsys.data.outside.book.snapshots import DEFAULT_LAG, book_from_snapshots, is_snapshots


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

    def read(self) -> Book:
        """The book of the file; a DataError where it holds none."""
        if not self.path.exists():
            raise DataError(f"no file {self.path} of an order book; give a Parquet, Feather or CSV file")
        table, _ = read_table(self.path)
        if is_snapshots(table):
            return book_from_snapshots(table, str(self.path), lag=self.lag)
        if is_updates(table):
            return book_from_updates(table, str(self.path), lag=self.lag)
        raise DataError(
            f"{self.path} holds no order book: wanted snapshots (ts, bid_px_1, bid_sz_1, ask_px_1, ask_sz_1, ...) or "
            f"updates (ts, is_snapshot, first_id, last_id, side, price, size), found {', '.join(table.columns[1:])}"
        )


def _seconds(text: str, key: str, value: str) -> timedelta:
    try:
        seconds = float(value)
    except ValueError:
        raise ConfigError(f"{key} of {text!r} cannot be {value!r}; give seconds") from None
    if not seconds >= 0:
        raise ConfigError(f"{key} must not be negative in {text!r}")
    return timedelta(seconds=seconds)
