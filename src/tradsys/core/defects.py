"""Defects of bars: each kind that is looked for, with its rows and one sentence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, IntArray
from tradsys.core.errors import ConfigError, DataError, NotEnoughBars
from tradsys.core.outside import outside_columns
from tradsys.core.stale import disagreements
from tradsys.core.stamps import closing_stamps
from tradsys.core.steps import other_intervals
from tradsys.core.time import (
    as_interval,
    as_ms,
    format_interval,
    format_step,
    infer_interval,
    interval_ms,
    stamp,
    ts_ms,
)

N_SHOWN = 5
ROW = "__row"
"""Column in which an importer keeps where a row stood in its file; defects are then named by it."""
_PRICES = ("open", "high", "low", "close")
_NUMBERS = (*_PRICES, "volume", "quote_volume", "taker_buy_volume", "n_trades")
_REQUIRED = ("ts", *_PRICES, "volume")


@dataclass(frozen=True, slots=True)
class Defect:
    """One kind of fault: how many rows have it, which ones (row numbers from 0), and the sentence that says so."""

    kind: str
    n_rows: int
    rows: tuple[int, ...]
    sentence: str


def find_defects(
    bars: pl.DataFrame,
    *,
    interval: timedelta | str | None = None,
    parts: pl.DataFrame | None = None,
    now: datetime | int | None = None,
) -> tuple[pl.DataFrame, tuple[Defect, ...]]:
    """The bars with their columns settled, and everything that is wrong with them."""
    bars, defects = settle_columns(bars)
    numbers = [name for name in _NUMBERS if name in bars.columns and bars.schema[name] == pl.Float64]
    defects += _values(bars, numbers)
    if "ts" in bars.columns and bars.schema["ts"] == pl.Datetime("ms", "UTC"):
        if bars["ts"].null_count():
            defects += _defect("missing time", "ts holds no time", bars, bars["ts"].is_null().to_numpy())
        elif len(bars):
            defects += _times(bars, interval, now)
            if parts is not None:
                defects += _stale(bars, interval, parts)
    return bars, tuple(defects)


def refuse(defects: Sequence[Defect], what: str, advice: str) -> None:
    """A DataError with a line for each defect, if there is any."""
    if defects:
        noun = "defect" if len(defects) == 1 else "defects"
        lines = "\n".join(f"  - {defect.sentence}" for defect in defects)
        wanted = "wanted sorted, unique, closed bars of one interval with possible prices"
        raise DataError(f"{what}: {wanted}, found {len(defects)} {noun}\n{lines}\n{advice}")


def settle_columns(bars: pl.DataFrame) -> tuple[pl.DataFrame, list[Defect]]:
    """Lossless conversions done (whole numbers to Float64, UTC times to milliseconds), the other columns named."""
    defects: list[Defect] = []
    missing = [name for name in _REQUIRED if name not in bars.columns]
    if missing:
        found = ", ".join(bars.columns) or "no columns"
        defects.append(Defect("missing column", len(missing), (), f"no column {', '.join(missing)}; found {found}"))
    if "ts" in bars.columns:
        bars, wrong = _settle_ts(bars)
        defects += wrong
    casts = []
    for name in (*(name for name in _NUMBERS if name in bars.columns), *outside_columns(bars)):
        dtype = bars.schema[name]
        if dtype.is_integer() or dtype == pl.Float32:
            casts.append(pl.col(name).cast(pl.Float64))
        elif dtype != pl.Float64:
            defects.append(Defect("wrong type", len(bars), (), f"column {name} must be Float64, is {dtype}; cast it"))
    return bars.with_columns(casts) if casts else bars, defects


def _settle_ts(bars: pl.DataFrame) -> tuple[pl.DataFrame, list[Defect]]:
    dtype = bars.schema["ts"]
    if dtype == pl.Datetime("ms", "UTC"):
        return bars, []
    if isinstance(dtype, pl.Datetime) and dtype.time_zone == "UTC":
        in_ms = bars["ts"].dt.cast_time_unit("ms")
        if (in_ms.dt.cast_time_unit(dtype.time_unit) == bars["ts"]).all():
            return bars.with_columns(in_ms), []
    sentence = f'column ts must be Datetime("ms", "UTC"), is {dtype}; load_bars settles time units and zones'
    return bars, [Defect("wrong type", len(bars), (), sentence)]


def _values(bars: pl.DataFrame, numbers: Sequence[str]) -> list[Defect]:
    """Values that cannot be, column by column and then between columns."""
    defects: list[Defect] = []
    arrays = {name: bars[name].to_numpy() for name in numbers}
    for name, x in arrays.items():
        finite = np.isfinite(x)
        if not finite.all():
            defects += _defect("not finite", f"{name} is not finite (NaN, infinite or empty)", bars, ~finite)
        if name in _PRICES and not (x > 0).all():
            defects += _defect("non-positive price", f"{name} is not positive", bars, finite & (x <= 0))
        elif name not in _PRICES and not (x >= 0).all():
            defects += _defect("negative volume", f"negative {name}", bars, finite & (x < 0))
    for name in outside_columns(bars):
        # NaN where nothing was known is fine; an infinity is a fault
        if bars.schema[name] == pl.Float64 and (infinite := np.isinf(bars[name].to_numpy())).any():
            defects += _defect("not finite", f"{name} is infinite", bars, infinite)
    if all(name in arrays for name in _PRICES):
        open_, high, low, close = (arrays[name] for name in _PRICES)
        beyond = {
            "impossible OHLC, high below max(open, close)": high < np.maximum(open_, close),
            "impossible OHLC, low above min(open, close)": low > np.minimum(open_, close),
        }
        for sentence, rows in beyond.items():
            if rows.any():
                defects += _defect("impossible bar", sentence, bars, rows)
    return defects


def _times(bars: pl.DataFrame, interval: timedelta | str | None, now: datetime | int | None) -> list[Defect]:
    ts = ts_ms(bars)
    defects: list[Defect] = []
    disordered, repeated = np.zeros(len(ts), dtype=bool), np.zeros(len(ts), dtype=bool)
    for rows in _rows_of_symbols(bars):
        steps = np.diff(ts[rows])
        if (steps > 0).all():
            continue
        disordered[rows[1:][steps < 0]] = True
        order = np.argsort(ts[rows], kind="stable")
        repeated[rows[order[1:]][np.diff(ts[rows][order]) == 0]] = True
    defects += _defect("duplicate", "duplicates of an earlier row's time", bars, repeated)
    defects += _defect("disorder", "disorder, a row earlier than the row before it", bars, disordered)
    try:
        step = _interval(bars, interval)
    except NotEnoughBars:
        return defects  # a single bar has no interval to be off
    off = off_grid(ts, interval_ms(step))
    defects += _defect("off-grid", f"off-grid, not on the {format_interval(step)} grid of most rows", bars, off)
    defects += _closing(bars, ts, interval_ms(step))
    if not defects:
        defects += _changes(bars, ts)
    if now is not None:
        now_ms = as_ms(now)
        words = f"partial last bar, not closed yet at {stamp(now_ms)}"
        defects += _defect("partial bar", words, bars, ts + interval_ms(step) > now_ms)
    return defects


def _closing(bars: pl.DataFrame, ts: IntArray, step_ms: int) -> list[Defect]:
    closing = closing_stamps(ts, step_ms)
    if closing is None:
        return []
    words = f"closing stamps, {closing.before_ms / 1000:g} s before the grid, where ts must be the open"
    return _defect("closing stamps", words, bars, closing.rows)


def _changes(bars: pl.DataFrame, ts: IntArray) -> list[Defect]:
    """Stretches of another interval than the commonest one of all symbols."""
    try:
        usual = interval_ms(infer_interval(bars))
    except NotEnoughBars:
        return []
    changed: dict[int, BoolArray] = {}
    for rows in _rows_of_symbols(bars):
        for stretch in other_intervals(ts[rows], usual):
            marked = changed.setdefault(stretch.step_ms, np.zeros(len(ts), dtype=bool))
            marked[rows[stretch.first : stretch.last + 1]] = True
    words = "the interval changes, {} apart where most are " + f"{format_step(usual)} apart"
    return [
        defect
        for step, marked in sorted(changed.items())
        for defect in _defect("changed interval", words.format(format_step(step)), bars, marked)
    ]


def off_grid(ts: IntArray, step: int) -> BoolArray:
    """Rows whose open is not a whole number of steps from the grid that most rows share, shape (n_bars,)."""
    phase = ts % step
    if (phase == phase[0]).all():
        return np.zeros(len(ts), dtype=bool)
    values, counts = np.unique(phase, return_counts=True)
    off: BoolArray = phase != values[np.argmax(counts)]
    return off


def _stale(bars: pl.DataFrame, interval: timedelta | str | None, parts: pl.DataFrame) -> list[Defect]:
    step = _interval(bars, interval)
    fine = infer_interval(parts)
    if fine >= step or interval_ms(step) % interval_ms(fine):
        raise ConfigError(
            f"parts must be bars of an interval that divides {format_interval(step)}, found {format_interval(fine)}; "
            "exchange the two frames or load a shorter interval"
        )
    if (int(ts_ms(bars)[0]) - int(ts_ms(parts)[0])) % interval_ms(fine):
        raise ConfigError(
            f"parts must open on the grid of the bars, found {format_interval(fine)} bars that open as "
            f"{stamp(int(ts_ms(parts)[0]))} does beside bars as of {stamp(int(ts_ms(bars)[0]))}; load shorter bars"
        )
    rows, columns = disagreements(bars, parts, step, fine)
    words = f"stale partial bars, they disagree with their {format_interval(fine)} parts in {', '.join(columns)}"
    return _defect("stale partial bar", words, bars, rows)


def _interval(bars: pl.DataFrame, interval: timedelta | str | None) -> timedelta:
    if interval is not None:
        return as_interval(interval)
    return infer_interval(bars if bars["ts"].is_sorted() else bars.sort("ts"))


def _rows_of_symbols(bars: pl.DataFrame) -> Iterable[IntArray]:
    if "symbol" not in bars.columns:
        return [np.arange(len(bars))]
    rows = bars.select("symbol").with_row_index("row").group_by("symbol", maintain_order=True).agg("row")["row"]
    return [row.to_numpy().astype(np.int64) for row in rows]


def _defect(kind: str, words: str, bars: pl.DataFrame, mask: BoolArray) -> list[Defect]:
    rows = np.flatnonzero(mask)
    if len(rows) == 0:
        return []
    count = "1 row" if len(rows) == 1 else f"{len(rows):,} rows"
    return [Defect(kind, len(rows), tuple(int(row) for row in rows), f"{words} ({count}): {name_rows(bars, rows)}")]


def name_rows(bars: pl.DataFrame, rows: IntArray) -> str:
    """The first few row numbers (from 0), each with its symbol and time where the frame has them."""
    shown = bars[rows[:N_SHOWN].tolist()]
    places = shown[ROW].to_list() if ROW in bars.columns else rows[:N_SHOWN].tolist()
    has_ts = "ts" in bars.columns and isinstance(bars.schema["ts"], pl.Datetime)
    times = shown["ts"].dt.epoch("ms").to_list() if has_ts else [None] * len(shown)
    symbols = shown["symbol"].to_list() if "symbol" in bars.columns else [""] * len(shown)
    names = []
    for row, ms, symbol in zip(places, times, symbols, strict=True):
        inside = " ".join(part for part in (symbol, "" if ms is None else stamp(ms)) if part)
        names.append(f"{row} ({inside})" if inside else f"{row}")
    more = f" and {len(rows) - N_SHOWN:,} more" if len(rows) > N_SHOWN else ""
    return ("row " if len(rows) == 1 else "rows ") + ", ".join(names) + more
