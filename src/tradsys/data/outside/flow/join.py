"""Flow joined to a market's bars, symbol by symbol; a symbol without any has nothing to say in those columns."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import cast

import polars as pl

from tradsys.core.errors import ConfigError, DataError
from tradsys.data.market import Market
from tradsys.data.outside.flow.bars import columns_of, told
from tradsys.data.outside.flow.files import flow_from_file
from tradsys.data.outside.flow.spec import FlowSource
from tradsys.data.outside.flow.stored import flow_from_store
from tradsys.data.outside.flow.table import FlowTable
from tradsys.data.outside.place import symbol_in
from tradsys.data.settings import DataSettings
from tradsys.data.store.store import Store


def attach_flow(market: Market, sources: Sequence[FlowSource], settings: DataSettings | None = None) -> Market:
    """The market with the columns that `told` describes; its own sentence says where each came from.

    A symbol may have several sources, each of other columns. `settings` say where the store is.
    """
    if not sources or market.bars.is_empty():
        return market
    tables = _by_symbol(market, sources, settings)
    columns = columns_of([one for own in tables.values() for one in own])
    if not columns:
        raise DataError(
            f"nothing is stored of the time of these bars for {', '.join(one.source for one in sources)}; fetch it "
            "with tradsys data download, or leave --flow out"
        )
    rows = market.bars.with_row_index("__row")
    parts = []
    for symbol, bars in rows.partition_by("symbol", as_dict=True, maintain_order=True).items():
        own = tables.get(str(symbol[0]), [])
        one = told(bars, own, interval=market.interval)
        _refuse_silence(one, own)
        lacking = [pl.lit(float("nan")).alias(name) for name in columns if name not in one.columns]
        parts.append(one.with_columns(lacking).select(*rows.columns, *columns))
    bars = pl.concat(parts).sort("__row").drop("__row")
    said = [f"flow of {symbol}: {table.sentence}" for symbol, own in tables.items() for table in own]
    return market.attached(bars, "; ".join(said))


def _by_symbol(
    market: Market, sources: Sequence[FlowSource], settings: DataSettings | None
) -> dict[str, list[FlowTable]]:
    found: dict[str, list[FlowTable]] = {}
    for source in sources:
        symbol = symbol_in(market, source.symbol, source.source, "flow", told=source.own_symbol)
        found.setdefault(symbol, []).extend(_tables(market, source, settings))
    for symbol, tables in found.items():
        names = Counter(name for table in tables for name in (*table.levels, *table.amounts))
        twice = [name for name, n in names.items() if n > 1]
        if twice:
            raise ConfigError(f"{', '.join(twice)} of {symbol} comes from two sources; two are never mixed, give one")
    return found


def _tables(market: Market, source: FlowSource, settings: DataSettings | None) -> list[FlowTable]:
    if not source.is_stored:
        return [flow_from_file(source.path, lag=source.lag, tolerance=source.tolerance, step=source.step)]
    opens, closes = (cast(datetime, value) for value in (market.bars["ts"].min(), market.bars["ts"].max()))
    store = Store((settings or DataSettings.load()).root)
    return flow_from_store(
        store,
        source.source,
        start=opens,
        end=closes + market.interval,
        lag=source.lag,
        tolerance=source.tolerance,
    )


def _refuse_silence(bars: pl.DataFrame, tables: Sequence[FlowTable]) -> None:
    """A DataError for a source of which no bar knows anything: another market's, or of another time."""
    for name in columns_of(tables):
        if bars[name].is_nan().all():
            sentence = next(t.sentence for t in tables if name in columns_of([t]))
            raise DataError(
                f"no bar from {bars['ts'][0]:%Y-%m-%d} to {bars['ts'][-1]:%Y-%m-%d} knows anything of {name} "
                f"({sentence}); is it of that time, and the tolerance (tolerance_s) as long as its rows are apart?"
            )
