"""Open interest, basis and liquidations of one source in the order in which they came out, and joined to bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

from tradsys.core.errors import DataError
from tradsys.core.time import interval_ms
from tradsys.data.outside.align import AVAILABLE, attach

OPEN_INTEREST, BASIS, LIQ_SELL, LIQ_BUY = "open_interest", "basis", "liq_sell", "liq_buy"
LEVELS: Final = (OPEN_INTEREST, BASIS)
"""Open interest in whatever unit, more than zero; the perpetual over its index less one, a fraction."""

AMOUNTS: Final = (LIQ_SELL, LIQ_BUY)
"""What was liquidated since the row before: longs, which are sold, and shorts, which are bought; one unit for both."""

DEFAULT_TOLERANCE: Final = timedelta(hours=1)
"""A level that came out longer ago than this at a bar's close is not known any more."""


@dataclass(frozen=True, slots=True)
class PositionTable:
    """`rows` carry `ts` (what they are about) and `available_at` (ms, UTC), sorted by the latter, and some columns.

    `step` is the time from row to row where it is known: a bar with fewer than half of its rows has no amount.
    `sentence` says where all that came from.
    """

    rows: pl.DataFrame
    sentence: str
    tolerance: timedelta = DEFAULT_TOLERANCE
    step: timedelta | None = None

    @property
    def levels(self) -> tuple[str, ...]:
        """Which levels it holds."""
        return tuple(name for name in LEVELS if name in self.rows.columns)

    @property
    def amounts(self) -> tuple[str, ...]:
        """Which amounts it holds."""
        return tuple(name for name in AMOUNTS if name in self.rows.columns)

    def level_rows(self, name: str) -> pl.DataFrame:
        """`available_at` and one level: no row about an earlier time than one that was out before it."""
        rows = self.rows.filter(pl.col(name).is_not_null())
        return rows.filter(pl.col("ts") >= pl.col("ts").cum_max()).select(AVAILABLE, name)

    def amount_rows(self) -> pl.DataFrame:
        """`available_at` and the amounts, each time once: the first answer stands, since it has been counted."""
        whole = pl.all_horizontal(pl.col(name).is_not_null() for name in self.amounts)
        rows = self.rows.filter(whole).unique("ts", keep="first", maintain_order=True)
        return rows.select(AVAILABLE, *self.amounts)


def in_order(rows: pl.DataFrame, source: str) -> pl.DataFrame:
    """Rows sorted by when they came out; a DataError where a value or a time cannot be."""
    too_soon = rows.filter(pl.col(AVAILABLE) < pl.col("ts"))
    if len(too_soon):
        raise DataError(
            f"{source}: {len(too_soon):,} rows were out before the time that they are about, the first at "
            f"{too_soon['ts'][0]:%Y-%m-%d %H:%M}; nothing is known before it has happened"
        )
    impossible = {
        OPEN_INTEREST: (pl.col(OPEN_INTEREST) <= 0, "more than zero, or an empty cell"),
        BASIS: (pl.col(BASIS).abs() >= 1, "a fraction such as -0.0005, neither percent nor basis points"),
        LIQ_SELL: (pl.col(LIQ_SELL) < 0, "zero or more"),
        LIQ_BUY: (pl.col(LIQ_BUY) < 0, "zero or more"),
    }
    for name in (name for name in impossible if name in rows.columns):
        which, wanted = impossible[name]
        bad = rows.filter((which | ~pl.col(name).is_finite()).fill_null(False))
        if len(bad):
            raise DataError(
                f"{source}: {len(bad):,} values of {name} cannot be, the first {bad[name][0]} at "
                f"{bad['ts'][0]:%Y-%m-%d %H:%M}; wanted {wanted}"
            )
    return rows.sort(AVAILABLE, "ts", maintain_order=True)


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
