"""One symbol's book as the settings write it: `BTCUSDT=book.parquet`, and how it is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Self

from tradsys.core.errors import DataError
from tradsys.data.files import columns_in, read_table
from tradsys.data.outside.book.bars import BookColumns, BookPieces
from tradsys.data.outside.book.book import Book
from tradsys.data.outside.book.rebuild import N_LEVELS, batches, books_from_updates
from tradsys.data.outside.book.tables import DEFAULT_LAG, book_from_snapshots, is_snapshots, is_updates, levels_of
from tradsys.data.outside.source import BarRange, OutsideColumns, one_each, split_place


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
