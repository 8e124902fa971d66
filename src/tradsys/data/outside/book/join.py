"""Books joined to a market's bars, symbol by symbol; a symbol without one has nothing to say in those columns."""

from collections.abc import Sequence

import polars as pl

from tradsys.core.errors import ConfigError
from tradsys.data.market import Market
from tradsys.data.outside.book.bars import columns_of, told_by
from tradsys.data.outside.book.spec import BookFile, BookPieces
from tradsys.data.outside.place import symbol_in


def attach_books(market: Market, files: Sequence[BookFile]) -> Market:
    """The market with the columns that `told` describes; one sentence a file says what it held and where it ended."""
    if not files:
        return market
    by_symbol = _by_symbol(market, files)
    books = {symbol: file.read() for symbol, file in by_symbol.items()}
    n_levels = min(book.n_levels for book in books.values())
    columns = columns_of(n_levels)
    rows = market.bars.with_row_index("__row")
    parts = []
    for symbol, bars in rows.partition_by("symbol", as_dict=True, maintain_order=True).items():
        name = str(symbol[0])
        if name in books:
            tolerance = by_symbol[name].tolerance
            one = told_by(
                bars, books[name], n_levels=n_levels, interval=market.interval, tolerance=tolerance or market.interval
            )
        else:
            one = bars.with_columns(pl.lit(float("nan")).alias(column) for column in columns)
        parts.append(one.select(*rows.columns, *columns))
    bars = pl.concat(parts).sort("__row").drop("__row")
    return market.attached(bars, "; ".join(_sentence(symbol, by_symbol[symbol], books[symbol]) for symbol in by_symbol))


def _by_symbol(market: Market, files: Sequence[BookFile]) -> dict[str, BookFile]:
    found: dict[str, BookFile] = {}
    for file in files:
        symbol = symbol_in(market, file.symbol, file.path, "book")
        if symbol in found:
            raise ConfigError(f"{symbol} has two books, {found[symbol].path} and {file.path}; give one")
        found[symbol] = file
    return found


def _sentence(symbol: str, file: BookFile, book: BookPieces) -> str:
    ends = ", ".join(f"{n:,} x {reason}" for reason, n in book.ends.items())
    ended = f"; it ended {ends}" if ends else ""
    return f"book of {symbol}: {book.n_known:,} states of {book.n_levels} levels from {file.path.name}{ended}"
