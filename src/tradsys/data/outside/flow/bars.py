"""Flow told to bars: each bar carries the levels that were out when it closed, and the amounts that came out in it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import polars as pl

from tradsys.core.time import interval_ms
from tradsys.data.outside.align import AVAILABLE, attach
from tradsys.data.outside.flow.table import AMOUNTS, LEVELS, FlowTable

FAMILY: Final = "flow_"
_CLOSE: Final = "__close"


def columns_of(tables: Sequence[FlowTable]) -> tuple[str, ...]:
    """Names of the columns that bars get from these tables, always in one order: what no table tells has none."""
    levels = {name for table in tables for name in table.levels}
    amounts = {name for table in tables for name in table.amounts}
    ages = [column for name in LEVELS if name in levels for column in (f"{FAMILY}{name}", f"{FAMILY}{name}_age_h")]
    return (*ages, *(f"{FAMILY}{name}" for name in AMOUNTS if name in amounts))


def told(bars: pl.DataFrame, tables: Sequence[FlowTable], *, interval: timedelta) -> pl.DataFrame:
    """One symbol's bars with `columns_of` the tables, Float64, NaN where nothing was known.

    `flow_<level>` is the last one out by the bar's close, no longer ago than the tolerance, and `_age_h` how long ago
    in hours. `flow_<amount>` is the sum of what came out after the bar's open and by its close, and NaN where nothing
    did: silence is no zero.
    """
    for table in tables:
        for name in table.levels:
            column = f"{FAMILY}{name}"
            bars = attach(
                bars,
                table.level(name).rename({name: column}),
                interval=interval,
                columns=[column],
                tolerance=table.tolerance,
                age=f"{column}_age_h",
            )
        if table.amounts:
            bars = _summed(bars, table, interval)
    return bars


def _summed(bars: pl.DataFrame, table: FlowTable, interval: timedelta) -> pl.DataFrame:
    """Bars with the sum of each amount: a row belongs to the bar in which it came out, the close included."""
    step = timedelta(milliseconds=interval_ms(interval))
    closes = bars.select((pl.col("ts") + step).alias(_CLOSE))
    owners = table.flow().join_asof(closes.sort(_CLOSE), left_on=AVAILABLE, right_on=_CLOSE, strategy="forward")
    inside = owners.filter(pl.col(_CLOSE) - pl.col(AVAILABLE) < step)
    least = 1.0 if table.step is None else max(1.0, interval / table.step / 2)
    sums = (
        inside.group_by(_CLOSE, maintain_order=True)
        .agg(pl.len().alias("__n"), *(pl.col(name).sum().alias(f"{FAMILY}{name}") for name in table.amounts))
        .filter(pl.col("__n") >= least)
    )
    joined = closes.join(sums, on=_CLOSE, how="left", maintain_order="left")
    return bars.with_columns(joined[f"{FAMILY}{name}"].fill_null(float("nan")) for name in table.amounts)
