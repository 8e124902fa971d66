"""What a frame of bars is, the check that every frame passes before anything is computed from it, and its gaps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.column_names import OHLCV as OHLCV
from tradsys.core.column_names import OPTIONAL as OPTIONAL
from tradsys.core.defects import find_defects, name_rows, refuse
from tradsys.core.errors import DataError
from tradsys.core.frames import HeldBars, as_bars
from tradsys.core.time import (
    as_interval,
    as_ms,
    commonest_step,
    format_interval,
    format_step,
    from_ms,
    infer_interval,
    interval_ms,
    stamp,
    ts_ms,
)


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars missing between two that are there; `start` and `end` are the opens of the first and last missing bar."""

    start: datetime
    end: datetime
    n_missing: int
    symbol: str = ""

    def __str__(self) -> str:
        of = f" of {self.symbol}" if self.symbol else ""
        noun = "bar" if self.n_missing == 1 else "bars"
        return f"{self.n_missing:,} {noun}{of} missing from {self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}"


def find_gaps(ts: IntArray, interval: timedelta, symbol: str = "") -> list[Gap]:
    """Every hole in sorted opens, shape (n_bars,), that leaves out at least one bar of `interval`."""
    step = interval_ms(interval)
    missing = np.diff(ts) // step - 1
    return [
        Gap(from_ms(ts[i] + step), from_ms(ts[i] + n * step), n, symbol)
        for i, n in ((int(i), int(missing[i])) for i in np.flatnonzero(missing > 0))
    ]


OHLC = ("open", "high", "low", "close")
TS = pl.Datetime("ms", "UTC")


@dataclass(frozen=True, slots=True)
class Ohlcv:
    """One symbol's bars as contiguous arrays, each of shape (n_bars,); `ts` is the open in int64 milliseconds, UTC."""

    ts: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray

    def __len__(self) -> int:
        return len(self.ts)


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What is true of bars that are not wrong: their span, their gaps and how many carry no trade.

    `n_missing` counts the bars that the gaps leave out; shares are fractions of `n_bars`.
    """

    n_bars: int
    interval: timedelta
    start: datetime | None
    end: datetime | None
    gaps: tuple[Gap, ...]
    n_missing: int
    zero_volume_share: float
    flat_share: float

    def __str__(self) -> str:
        lines = [
            f"{self.n_bars:,} bars of {format_interval(self.interval)} from {self.start} to {self.end}",
            f"{len(self.gaps)} gaps leave out {self.n_missing:,} bars",
            f"{self.zero_volume_share:.1%} without volume, {self.flat_share:.1%} flat",
        ]
        return "; ".join(lines) + "".join(f"\n  {gap}" for gap in self.gaps[:10])


def to_arrays(bars: pl.DataFrame) -> Ohlcv:
    """The arrays that kernels read, from the frame of one symbol."""
    columns = (np.ascontiguousarray(bars[name].to_numpy(), dtype=np.float64) for name in OHLCV)
    return Ohlcv(np.ascontiguousarray(ts_ms(bars)), *columns)


def split_symbols(bars: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """One frame a symbol without its `symbol` column, in order of first appearance; `{"": bars}` without one."""
    if "symbol" not in bars.columns:
        return {"": bars}
    groups = bars.partition_by("symbol", maintain_order=True, include_key=False, as_dict=True)
    return {str(key[0]): group for key, group in groups.items()}


def validate_bars(
    bars: HeldBars,
    *,
    interval: timedelta | str | None = None,
    parts: pl.DataFrame | None = None,
    now: datetime | int | None = None,
) -> pl.DataFrame:
    """The same bars, or a DataError that names every defect and its rows.

    `interval` is inferred from the commonest step unless given. `parts` are bars of a shorter interval: a bar that
    disagrees with the parts it is made of is a stale partial bar. `now` (aware, or milliseconds) names bars that have
    not closed yet. Whole numbers and other time units of UTC are converted where nothing is lost; gaps never raise, see
    `quality_report`. Several symbols in one frame are checked each on their own.
    """
    if not isinstance(bars, pl.DataFrame):
        bars = as_bars(bars, "validate_bars")
    checked, defects = find_defects(bars, interval=interval, parts=parts, now=now)
    refuse(defects, "bars are refused", "mend or drop these rows; load_bars repairs a file's where that is safe")
    return checked


def refuse_other_interval(bars: pl.DataFrame, interval: timedelta) -> None:
    """A DataError where the commonest step of a symbol's bars, in whatever order, is not the interval."""
    if "ts" not in bars.columns or not isinstance(bars.schema["ts"], pl.Datetime) or bars["ts"].null_count():
        return  # for validate_bars to name
    for symbol, frame in split_symbols(bars).items():
        opens = np.unique(ts_ms(frame))
        found = commonest_step(np.diff(opens)) if len(opens) > 1 else interval_ms(interval)
        if found != interval_ms(interval):
            of = f" of {symbol}" if symbol else ""
            raise DataError(
                f"wanted bars of {format_interval(interval)}, found bars{of} {format_step(found)} apart; load the "
                "interval that the models were fitted on"
            )


def closed_bars(
    bars: pl.DataFrame, interval: timedelta, *, now: datetime | int | None = None
) -> tuple[pl.DataFrame, int]:
    """Valid bars of the interval that have closed by `now`, and how many rows were left out because they had not.

    Without `now` the clock is asked: a last bar that is still open is left out, and bars that open after it are refused
    with a DataError. A `now` that is given (aware, or milliseconds) says as of when: all that closes later is left out.
    """
    refuse_other_interval(bars, interval)
    checked = validate_bars(bars, interval=interval)
    until, opens = as_ms(now), ts_ms(checked)
    later = np.flatnonzero(opens > until)
    if now is None and len(later):
        raise DataError(
            f"{len(later):,} bars open after now, {stamp(until)} UTC, such as {name_rows(checked, later)}; ts is UTC, "
            "so mend local times, or give now=... to decide as of another time"
        )
    is_closed = opens + interval_ms(interval) <= until
    return checked.filter(is_closed), int((~is_closed).sum())


def quality_report(bars: HeldBars, *, interval: timedelta | str | None = None) -> QualityReport:
    """Gaps listed and counted, and the shares of bars without volume and without movement."""
    bars = as_bars(bars, "quality_report")
    step = infer_interval(bars) if interval is None else as_interval(interval)
    frames: Mapping[str, pl.DataFrame] = split_symbols(bars)
    gaps = tuple(gap for symbol, frame in frames.items() for gap in find_gaps(ts_ms(frame), step, symbol))
    n = len(bars)
    flat = bars.select((pl.col("high") == pl.col("low")).sum()).item()
    return QualityReport(
        n_bars=n,
        interval=step,
        start=bars["ts"].min() if n else None,  # type: ignore[arg-type]  # the column is Datetime
        end=bars["ts"].max() if n else None,  # type: ignore[arg-type]
        gaps=gaps,
        n_missing=sum(gap.n_missing for gap in gaps),
        zero_volume_share=bars.select((pl.col("volume") == 0).sum()).item() / max(n, 1),
        flat_share=flat / max(n, 1),
    )
