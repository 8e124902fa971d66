"""Rules of the tables that are no bars: cells that may be empty, values that cannot be, how often rows come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from tradsys.core.bars import Gap
from tradsys.core.time import from_ms, interval_ms, ts_ms
from tradsys.data.store.series import DEPTH, FUNDING, LIQUIDATIONS, METRICS, PREMIUM

_RATIOS = (
    "count_toptrader_long_short_ratio",
    "sum_toptrader_long_short_ratio",
    "count_long_short_ratio",
    "sum_taker_long_short_vol_ratio",
)
_OPEN_INTEREST = ("sum_open_interest", "sum_open_interest_value")


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
        optional=_RATIOS,
        impossible={
            "open interest that is negative or infinite": _negative(*_OPEN_INTEREST) | _infinite(*_OPEN_INTEREST),
            "a negative ratio": _negative(*_RATIOS),
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
