"""Funding joined to a market's bars, symbol by symbol: what each bar pays, and what it knew at its close."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tradsys.core.errors import ConfigError, DataError
from tradsys.core.funding import COLUMNS, CONSTANT_HOURS, Funding, Settlements, settle
from tradsys.core.time import interval_ms, stamp, ts_ms
from tradsys.data.market import Market
from tradsys.data.outside.funding.holes import missing
from tradsys.data.outside.funding.table import NONE, FundingFile, Table
from tradsys.data.outside.place import symbol_in
from tradsys.data.settings import DataSettings

_N_SHOWN = 3


def attach_funding(market: Market, files: Sequence[FundingFile], data: DataSettings | None = None) -> Market:
    """The market with the columns `funding_due` and so on of every symbol; itself where no file is given.

    A DataError names the ranges of a symbol's bars whose settlements its table lacks: they never count as zero.
    """
    if not files:
        return market
    by_symbol = _by_symbol(market, files)
    tables = {symbol: None if file.place == NONE else file.read(data) for symbol, file in by_symbol.items()}
    rows = market.bars.with_row_index("__row")
    parts = []
    for key, bars in rows.partition_by("symbol", as_dict=True, maintain_order=True).items():
        told = _told(str(key[0]), bars, interval_ms(market.interval), tables[str(key[0])])
        parts.append(bars.with_columns(pl.Series(name, values) for name, values in told.columns().items()))
    bars = pl.concat(parts).sort("__row").select(*market.bars.columns, *COLUMNS)
    return market.attached(bars, "; ".join(_sentence(s, by_symbol[s], tables[s]) for s in market.symbols))


def _told(symbol: str, bars: pl.DataFrame, bar_ms: int, table: Table | None) -> Funding:
    ts = ts_ms(bars)
    if table is None:
        return Funding.none(len(ts))
    lacking = missing(table.times, table.hours, int(ts[0]), int(ts[-1]) + bar_ms)
    if lacking:
        shown = ", ".join(f"{stamp(a)} to {stamp(b)}" for a, b in lacking[:_N_SHOWN])
        more = f" and {len(lacking) - _N_SHOWN:,} more ranges" if len(lacking) > _N_SHOWN else ""
        raise DataError(
            f"funding of {symbol} is missing from {shown}{more}, where there are bars ({stamp(int(ts[0]))} to "
            f"{stamp(int(ts[-1]) + bar_ms)}); fetch it, shorten the bars, or, where the exchange settled at another "
            "interval, say so in a column interval_hours"
        )
    return settle(ts, bar_ms, Settlements.of(table.times, table.rates, table.hours))


def _by_symbol(market: Market, files: Sequence[FundingFile]) -> dict[str, FundingFile]:
    found: dict[str, FundingFile] = {}
    for file in _each(market, files):
        told = file.series.symbol if file.series is not None else ""
        symbol = symbol_in(market, file.symbol, file.place, "funding", told=told)
        if symbol in found:
            raise ConfigError(f"{symbol} has two tables of funding, {found[symbol].place} and {file.place}; give one")
        found[symbol] = file
    without = [symbol for symbol in market.symbols if symbol not in found]
    if without:
        raise ConfigError(
            f"{', '.join(without)} has no funding beside symbols that have; give SYMBOL=FILE, or {without[0]}={NONE} "
            "where it pays none"
        )
    return found


def _each(market: Market, files: Sequence[FundingFile]) -> list[FundingFile]:
    """One a symbol; what a file of several tells of symbols without bars is left out."""
    found: list[FundingFile] = []
    for file in files:
        each = file.each()
        found += each if each == [file] else [one for one in each if one.symbol in market.symbols]
    return found


def _sentence(symbol: str, file: FundingFile, table: Table | None) -> str:
    if table is None:
        return f"funding of {symbol}: none is ever paid"
    hours = Settlements.of(table.times, table.rates, table.hours).hours
    every = " or ".join(f"{one:g}" for one in np.unique(hours[np.isfinite(hours)])) or f"{CONSTANT_HOURS}"
    return f"funding of {symbol}: {len(table.times):,} settlements, every {every} hours, from {file.place}"
