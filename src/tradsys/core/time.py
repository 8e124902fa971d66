"""Bar intervals and times: text, durations, and int64 milliseconds since 1970, UTC."""

import re
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from tradsys.core.arrays import IntArray
from tradsys.core.errors import ConfigError, NotEnoughBars

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
DAYS_A_YEAR = 365
"""Markets that never close: what is annualised, is annualised with this."""
YEAR_MS = DAYS_A_YEAR * DAY_MS

_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_interval(text: str) -> timedelta:
    """The duration of a bar written as the venues write it.

    >>> parse_interval("15m")
    datetime.timedelta(seconds=900)
    """
    match = re.fullmatch(r"\s*([1-9]\d*)\s*([smhdw])\s*", text)
    if match is None:
        raise ConfigError(f"an interval is a count and one of s, m, h, d, w, such as 15m, 1h or 1d; found {text!r}")
    return int(match[1]) * _UNITS[match[2]]


def format_interval(interval: timedelta) -> str:
    """The shortest text that `parse_interval` reads back.

    >>> format_interval(timedelta(minutes=60))
    '1h'
    """
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(interval, _UNITS[unit])
        if count > 0 and not rest:
            return f"{count}{unit}"
    raise ConfigError(f"an interval is a positive number of whole seconds, was {interval}")


def format_step(ms: int) -> str:
    """Milliseconds as an interval's text where they are one, else in seconds.

    >>> format_step(3_600_000), format_step(1_500)
    ('1h', '1.5 s')
    """
    return f"{ms / 1000:g} s" if ms <= 0 or ms % 1000 else format_interval(timedelta(milliseconds=ms))


def interval_ms(interval: timedelta) -> int:
    """The interval in whole milliseconds."""
    return interval // _MS


def as_interval(interval: timedelta | str) -> timedelta:
    """An interval given as a duration or as text, checked to be positive."""
    if isinstance(interval, str):
        return parse_interval(interval)
    if interval < _MS:
        raise ConfigError(f"an interval must be positive, was {interval}; 1h is timedelta(hours=1)")
    return interval


def infer_interval(bars: pl.DataFrame) -> timedelta:
    """The commonest step between neighbouring bars of a symbol, so that gaps do not count."""
    frames = bars.partition_by("symbol", maintain_order=True) if "symbol" in bars.columns else [bars]
    steps = [np.diff(ts_ms(frame)) for frame in frames]
    return timedelta(milliseconds=commonest_step(np.concatenate(steps) if steps else np.empty(0, dtype=np.int64)))


def commonest_step(steps: IntArray) -> int:
    """The most frequent positive step in milliseconds; of equally frequent ones the shortest."""
    steps = steps[steps > 0]
    if len(steps) == 0:
        raise NotEnoughBars("an interval needs two bars of one symbol at different times, found none; give it by hand")
    middle = int(np.partition(steps, len(steps) // 2)[len(steps) // 2])
    if 2 * np.count_nonzero(steps == middle) > len(steps):
        return middle
    values, counts = np.unique(steps, return_counts=True)
    return int(values[np.argmax(counts)])


def to_ms(when: datetime) -> int:
    """Milliseconds since 1970 of an aware time."""
    if not isinstance(when, datetime):
        raise ConfigError(
            f"times are aware datetimes, found {type(when).__name__} {when!r}; use datetime(..., tzinfo=UTC)"
        )
    if when.tzinfo is None:
        raise ConfigError(f"times must carry a time zone, {when} has none; use datetime(..., tzinfo=UTC)")
    return (when - _EPOCH) // _MS


def from_ms(ms: int) -> datetime:
    """The aware UTC time of milliseconds since 1970."""
    return _EPOCH + int(ms) * _MS


def now_ms() -> int:
    """Milliseconds since 1970 by this machine's clock."""
    return time.time_ns() // 1_000_000


def as_ms(when: datetime | int | None) -> int:
    """A time as milliseconds since 1970: aware, in whole milliseconds already, or now where it is None."""
    if when is None:
        return now_ms()
    if isinstance(when, int | np.integer) and not isinstance(when, bool):
        return int(when)
    return to_ms(when)  # type: ignore[arg-type]  # a bool, which is refused there


def stamp(ms: int) -> str:
    """A bar's open as people read it: `2024-03-01 07:00`, with seconds only where there are any."""
    when = from_ms(ms)
    return f"{when:%Y-%m-%d %H:%M:%S}" if when.second or when.microsecond else f"{when:%Y-%m-%d %H:%M}"


def ts_ms(bars: pl.DataFrame) -> IntArray:
    """The frame's `ts` as int64 milliseconds, shape (n_bars,)."""
    times = bars["ts"]
    if times.dtype == pl.Datetime("ms", "UTC") and not times.null_count():  # as in every valid frame: 10 times faster
        return times.to_numpy().view(np.int64)
    return times.dt.epoch("ms").to_numpy().astype(np.int64, copy=False)
