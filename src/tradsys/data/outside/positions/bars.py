"""Positions joined to bars: the levels that were out when a bar closed, and the amounts that came out within it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

from tradsys.core.errors import DataError
from tradsys.core.time import interval_ms
from tradsys.data.outside.align import AVAILABLE, attach
from tradsys.data.outside.positions.table import AMOUNTS, LEVELS, PositionTable

PREFIX: Final = "flow_"
"""How the columns begin in stored bars and bundles, which are older than the family's name."""

_CLOSE: Final = "__close"


@dataclass(frozen=True, slots=True)
class PositionColumns:
    """The tables of one symbol, and the columns of all symbols that were read together."""

    symbol: str
    tables: tuple[PositionTable, ...]
    columns: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Where each table came from."""
        return "; ".join(f"flow of {self.symbol}: {table.sentence}" for table in self.tables)

    def join(self, bars: pl.DataFrame, interval: timedelta) -> pl.DataFrame:
        """The bars with `columns`; a DataError for a table of which no bar knows anything."""
        known = with_positions(bars, self.tables, interval=interval)
        for table in self.tables:
            _refuse_silence(known, table)
        return known.with_columns(
            pl.lit(float("nan")).alias(name) for name in self.columns if name not in known.columns
        )


def columns_of(tables: Sequence[PositionTable]) -> tuple[str, ...]:
    """Names of the columns that bars get from these tables, always in one order: what no table has, has none."""
    levels = {name for table in tables for name in table.levels}
    amounts = {name for table in tables for name in table.amounts}
    ages = [column for name in LEVELS if name in levels for column in (f"{PREFIX}{name}", f"{PREFIX}{name}_age_h")]
    return (*ages, *(f"{PREFIX}{name}" for name in AMOUNTS if name in amounts))


def with_positions(bars: pl.DataFrame, tables: Sequence[PositionTable], *, interval: timedelta) -> pl.DataFrame:
    """One symbol's bars with `columns_of` the tables, Float64, NaN where nothing was known.

    `flow_<level>` is the last one out by the bar's close, no longer ago than the tolerance, and `_age_h` how long ago
    in hours. `flow_<amount>` is the sum of what came out after the bar's open and by its close, and NaN where nothing
    did: silence is no zero.
    """
    for table in tables:
        for name in table.levels:
            column = f"{PREFIX}{name}"
            bars = attach(
                bars,
                table.level_rows(name).rename({name: column}),
                interval=interval,
                columns=[column],
                tolerance=table.tolerance,
                age=f"{column}_age_h",
            )
        if table.amounts:
            bars = _summed(bars, table, interval)
    return bars


def _summed(bars: pl.DataFrame, table: PositionTable, interval: timedelta) -> pl.DataFrame:
    """Bars with the sum of each amount: a row belongs to the bar in which it came out, the close included."""
    step = timedelta(milliseconds=interval_ms(interval))
    closes = bars.select((pl.col("ts") + step).alias(_CLOSE))
    owners = table.amount_rows().join_asof(closes.sort(_CLOSE), left_on=AVAILABLE, right_on=_CLOSE, strategy="forward")
    inside = owners.filter(pl.col(_CLOSE) - pl.col(AVAILABLE) < step)
    least = 1.0 if table.step is None else max(1.0, interval / table.step / 2)
    sums = (
        inside.group_by(_CLOSE, maintain_order=True)
        .agg(pl.len().alias("__n"), *(pl.col(name).sum().alias(f"{PREFIX}{name}") for name in table.amounts))
        .filter(pl.col("__n") >= least)
    )
    joined = closes.join(sums, on=_CLOSE, how="left", maintain_order="left")
    return bars.with_columns(joined[f"{PREFIX}{name}"].fill_null(float("nan")) for name in table.amounts)


def _refuse_silence(bars: pl.DataFrame, table: PositionTable) -> None:
    """A DataError for a table of which no bar knows anything: another market's, or of another time."""
    for name in columns_of([table]):
        if bars[name].is_nan().all():
            raise DataError(
                f"no bar from {bars['ts'][0]:%Y-%m-%d} to {bars['ts'][-1]:%Y-%m-%d} knows anything of {name} "
                f"({table.sentence}); is it of that time, and the tolerance (tolerance_s) as long as its rows are "
                "apart?"
            )
