"""What a source answered made into rows that may be kept: closed, on grid and possible; the rest is named."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from tradsys.core.bars import Gap
from tradsys.core.defects import ROW, find_defects, off_grid
from tradsys.core.time import from_ms, interval_ms, ts_ms
from tradsys.data.store.manifest import Flaw
from tradsys.data.store.merge import refused
from tradsys.data.store.series import DEPTH, FUNDING, LIQUIDATIONS, METRICS, PREMIUM, SeriesId
from tradsys.data.store.store import ordered

RATIOS = (
    "count_toptrader_long_short_ratio",
    "sum_toptrader_long_short_ratio",
    "count_long_short_ratio",
    "sum_taker_long_short_vol_ratio",
)
OPEN_INTEREST = ("sum_open_interest", "sum_open_interest_value")


@dataclass(frozen=True, slots=True)
class TableRules:
    """Columns that may be empty, expressions that are true of impossible rows, and the time from row to row, if any.

    `is_by_day` says that silence means something only in days: events come when they come.
    """

    optional: tuple[str, ...] = ()
    impossible: Mapping[str, pl.Expr] | None = None
    step: timedelta | None = None
    is_by_day: bool = False

    @property
    def has_rhythm(self) -> bool:
        """Whether missing rows can be found."""
        return self.is_by_day or self.step is not None

    @property
    def unit(self) -> str:
        """What is missing in a gap."""
        return "days" if self.is_by_day else "rows"

    def required(self, rows: pl.DataFrame) -> list[str]:
        """Columns of these rows that must hold a value."""
        return [name for name in rows.columns if name not in self.optional]

    def impossible_rows(self, rows: pl.DataFrame) -> dict[str, pl.Series]:
        """Rows that cannot be, a mask a reason; reasons that no row meets are left out."""
        found = {why: rows.select(which.fill_null(False)).to_series() for why, which in (self.impossible or {}).items()}
        return {why: mask for why, mask in found.items() if mask.any()}

    def gaps(self, rows: pl.DataFrame, *, end: int | None = None) -> list[Gap]:
        """Stretches without rows from the first row to the last, or to `end` (ms): of rows, or of days for events."""
        step = interval_ms(timedelta(days=1) if self.is_by_day else self.step or timedelta(0))
        if not step or rows.is_empty():
            return []
        times = np.unique(ts_ms(rows) // step * step) if self.is_by_day else ts_ms(rows)
        times = np.append(times, end // step * step) if end is not None and end - times[-1] > step else times
        n_missing = np.rint(np.diff(times) / step).astype(np.int64) - 1
        return [
            Gap(from_ms(int(times[i]) + step), from_ms(int(times[i]) + int(n_missing[i]) * step), int(n_missing[i]))
            for i in np.flatnonzero(n_missing > 0)
        ]


def _infinite(*names: str) -> pl.Expr:
    return pl.any_horizontal(~pl.col(name).is_finite() for name in names)


def _negative(*names: str) -> pl.Expr:
    return pl.any_horizontal(pl.col(name) < 0 for name in names)


RULES = {
    FUNDING: TableRules(optional=("interval_hours",)),  # which pages leave out
    DEPTH: TableRules(),
    METRICS: TableRules(
        optional=RATIOS,
        impossible={
            "open interest that is negative or infinite": _negative(*OPEN_INTEREST) | _infinite(*OPEN_INTEREST),
            "a negative ratio": _negative(*RATIOS),
        },
        step=timedelta(minutes=5),
    ),
    PREMIUM: TableRules(
        impossible={
            "a premium beyond 100%": pl.any_horizontal(~(pl.col(name).abs() < 1) for name in ("open", "close")),
            "high and low that do not hold open and close": (pl.max_horizontal("open", "close") > pl.col("high"))
            | (pl.min_horizontal("open", "close") < pl.col("low")),
        },
        step=timedelta(minutes=5),
    ),
    LIQUIDATIONS: TableRules(
        impossible={
            "a negative or infinite price or size": _negative("price", "size_base") | _infinite("price", "size_base")
        },
        is_by_day=True,
    ),
}
"""By the name that stands for the interval."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Rows that may be written, and the flaws of those that may not."""

    rows: pl.DataFrame
    flaws: tuple[Flaw, ...]


def admit(series: SeriesId, bars: pl.DataFrame, *, closed_at: int | None = None) -> Admitted:
    """Bars in order of time, without those off the interval's grid, impossible, or not closed by `closed_at` (ms)."""
    rows = ordered(bars).unique("ts", keep="last", maintain_order=True).sort("ts")
    step = interval_ms(series.step)
    if closed_at is not None:
        rows = rows.filter(pl.col("ts") <= from_ms(closed_at - step))
    flaws = []
    if len(rows):
        off = pl.Series(off_grid(ts_ms(rows), step))
        if off.any():
            flaws.append(refused("off-grid", rows.filter(off), f"off the {series.interval} grid"))
            rows = rows.filter(~off)
        _, defects = find_defects(rows.select("ts", "open", "high", "low", "close", "volume"), interval=series.step)
        flaws += [refused(d.kind, rows[list(d.rows)], d.sentence.partition(" (")[0]) for d in defects if d.rows]
        bad = {row for defect in defects for row in defect.rows}
        rows = rows.with_row_index(ROW).filter(~pl.col(ROW).is_in(sorted(bad))).drop(ROW) if bad else rows
    return Admitted(rows, tuple(flaws))


def admit_table(series: SeriesId, rows: pl.DataFrame, *, closed_at: int) -> Admitted:
    """Rows of a table that is no bars, in order, each once, without those of the future, incomplete or impossible."""
    rules = RULES[series.interval]
    past = rows.filter(pl.col("ts") <= from_ms(closed_at))
    latest = past.unique(list(series.keys), keep="last", maintain_order=True)
    whole = pl.all_horizontal(pl.col(name).is_not_null() for name in rules.required(rows))
    lacking = latest.filter(~whole)
    flaws = [refused("empty value", lacking, "a value is missing")] if len(lacking) else []
    kept = latest.filter(whole)
    bad = rules.impossible_rows(kept)
    flaws += [refused("impossible value", kept.filter(mask), why) for why, mask in bad.items()]
    possible = ~pl.any_horizontal(*bad.values()) if bad else pl.lit(True)
    return Admitted(kept.filter(possible).sort(*series.keys), tuple(flaws))
