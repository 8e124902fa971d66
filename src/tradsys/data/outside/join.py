"""Outside columns joined to bars by when they were known: to one symbol's frame, or to a market of several."""

from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from tradsys.data.market import Market
from tradsys.data.outside.source import BarRange, OutsideSource
from tradsys.data.settings import DataSettings


def join_outside[S: OutsideSource](
    bars: pl.DataFrame,
    sources: Sequence[S],
    *,
    interval: timedelta,
    symbol: str,
    data: DataSettings = DataSettings(),
) -> pl.DataFrame:
    """One symbol's bars with the columns of sources of one kind; as they are where there is no source or no bar."""
    if not sources or bars.is_empty():
        return bars
    read = type(sources[0]).read(sources, BarRange.of(bars, interval, (symbol,), data))
    return read[symbol].join(bars, interval)


def attach_outside[S: OutsideSource](
    market: Market, sources: Sequence[S], data: DataSettings = DataSettings()
) -> Market:
    """The market with the columns of sources of one kind, a new fingerprint, and sentences that say where from.

    A symbol without a source has NaN in those columns.
    """
    if not sources or market.bars.is_empty():
        return market
    read = type(sources[0]).read(sources, BarRange.of(market.bars, market.interval, market.symbols, data))
    columns = next(iter(read.values())).columns

    def joined(symbol: str, bars: pl.DataFrame) -> pl.DataFrame:
        if symbol in read:
            return read[symbol].join(bars, market.interval).select(*bars.columns, *columns)
        return bars.with_columns(pl.lit(float("nan")).alias(name) for name in columns)

    bars = market.by_symbol(joined)
    return market.attached(bars, "; ".join(dict.fromkeys(one.sentence for one in read.values())))
