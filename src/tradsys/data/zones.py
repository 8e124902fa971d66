"""Local times: read in the zone that was named, and known by the hours that clocks skip and repeat."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from tradsys.core.arrays import IntArray
from tradsys.core.errors import DataError
from tradsys.core.time import DAY_MS, HOUR_MS, from_ms, stamp, to_ms
from tradsys.data.repairs import Repair

ZONES: Final = (
    "America/New_York",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Athens",
    "Australia/Sydney",
    "America/Sao_Paulo",
)
"""Zones whose clocks change at times of their own; those of Chicago or Paris cannot be told from one of these."""
_MOST = 0.5
"""Share of an hour's bars that must be there, or be there twice: thin markets have holes of their own."""
_ENOUGH = 2
"""Skipped hours that are no accident; a repeated one is none by itself."""


def in_zone(
    ms: pl.Series, is_local: pl.Series, zone: str, groups: pl.Series | None, source: str
) -> tuple[pl.Series, tuple[Repair, ...]]:
    """Times (ms as if UTC) of rows that are local made UTC; of an hour that clocks repeat the first copy is earlier.

    `groups` keep rows of several symbols apart. A DataError names times that clocks skip.
    """
    local = pl.DataFrame({"ms": ms, "group": groups if groups is not None else pl.repeat("", len(ms), eager=True)})
    copy = local.select(pl.int_range(pl.len()).over("ms", "group")).to_series()
    if n_back := int((ms.diff() < 0).sum()):
        copy = 1 - copy if 2 * n_back > len(ms) else copy
    wall = ms.cast(pl.Datetime("ms"))
    which = pl.Series(np.where(copy.to_numpy() <= 0, "earliest", "latest"))
    utc = wall.dt.replace_time_zone(zone, ambiguous=which, non_existent="null").dt.epoch("ms")
    skipped = (utc.is_null() & ms.is_not_null() & is_local).arg_true()
    if len(skipped):
        shown = ", ".join(stamp(int(ms[int(row)])) for row in skipped[:3])
        raise DataError(
            f"{source}: {len(skipped):,} times are skipped by the clocks of {zone}, such as {shown}; name the zone "
            "that they are of with --tz"
        )
    n_local = int(is_local.sum())
    sentence = f"times that name no zone were read as those of {zone}"
    if not n_local:
        sentence = f"every time names its own offset or is an epoch: tz {zone} changed nothing"
    told = Repair("local times", n_local, (), sentence, changed=bool(n_local) and zone != "UTC")
    return ms.zip_with(~is_local, utc), (told,)


@dataclass(frozen=True, slots=True)
class ClockChanges:
    """The zone whose clocks change where times skip an hour and repeat one, how often, and the first of each."""

    zone: str
    n_skipped: int
    n_repeated: int
    skipped: int | None
    repeated: int | None

    @property
    def is_certain(self) -> bool:
        """Whether it cannot be an accident."""
        return self.n_repeated > 0 or self.n_skipped >= _ENOUGH

    @property
    def sentence(self) -> str:
        skips = [] if self.skipped is None else [f"{stamp(self.skipped)} and what follows for an hour is missing"]
        twice = [] if self.repeated is None else [f"{stamp(self.repeated)} is there twice"]
        return f"{' and '.join([*skips, *twice])}, as where clocks change as in {self.zone}"


def local_signs(ts: IntArray, step_ms: int, source: str) -> tuple[Repair, ...]:
    """The repair that tells a single sign that sorted times (n,), ms, are local; a DataError where it is certain."""
    changes = clock_changes(ts, step_ms)
    if changes is None:
        return ()
    advice = f"are these local times? say so with --tz {changes.zone} (load_bars(tz=...)), or --tz UTC if they are not"
    if changes.is_certain:
        raise DataError(f"{source}: {changes.sentence}; {advice}")
    return (Repair("clocks", 1, (), f"{changes.sentence}; {advice}", changed=False),)


def clock_changes(ts: IntArray, step_ms: int) -> ClockChanges | None:
    """Signs that sorted times (n,), ms, of bars of at most an hour are local ones; None where there are none.

    Every change of a zone's clocks within the times must show: an hour skipped between bars that are there, or one
    repeated. A market that is closed at those hours shows nothing.
    """
    if not 0 < step_ms <= HOUR_MS or len(ts) < 2 or int(ts[-1] - ts[0]) < DAY_MS:
        return None
    found = [one for zone in ZONES if (one := _changes(zone, ts, step_ms)) is not None]
    return max(found, key=lambda one: one.n_skipped + one.n_repeated, default=None)


def _changes(zone: str, ts: IntArray, step_ms: int) -> ClockChanges | None:
    skipped: list[int] = []
    repeated: list[int] = []
    for wall, is_spring in _changed(zone, int(ts[0]), int(ts[-1])):
        many = _MOST * (HOUR_MS // step_ms)
        around = [_held(ts, wall + shift) for shift in (-7 * DAY_MS, -HOUR_MS, HOUR_MS, 7 * DAY_MS)]
        if any(n_times < many or n_copies > many / 2 for n_times, n_copies in around):
            continue  # a market that is closed then, or copies all over: nothing shows
        n_times, n_copies = _held(ts, wall)
        if is_spring and n_times:
            return None
        if is_spring:
            skipped.append(wall)
        elif n_copies >= many:  # no copy says nothing: whoever made the file may have dropped them
            repeated.append(wall)
    if not skipped and not repeated:
        return None
    return ClockChanges(zone, len(skipped), len(repeated), _first(skipped), _first(repeated))


def _held(ts: IntArray, first: int) -> tuple[int, int]:
    """Different times in the hour from `first` on, and further copies of them."""
    inside = ts[np.searchsorted(ts, first) : np.searchsorted(ts, first + HOUR_MS)]
    n_times = int(np.count_nonzero(np.diff(inside))) + bool(len(inside))
    return n_times, len(inside) - n_times


def _first(times: Sequence[int]) -> int | None:
    return times[0] if times else None


def _changed(zone: str, first: int, last: int) -> Iterator[tuple[int, bool]]:
    """The hours (wall clock, ms as if UTC) that a zone's clocks skip (True) or repeat (False) between two times."""
    info = ZoneInfo(zone)
    day = from_ms(first).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    end = from_ms(last) + timedelta(days=1)
    while day < end:
        month = day + timedelta(days=28)
        if _offset(info, day) != _offset(info, month):
            low, high = day, month
            while high - low > timedelta(minutes=15):
                middle = low + (high - low) / 2
                low, high = (middle, high) if _offset(info, middle) == _offset(info, low) else (low, middle)
            before, after = _offset(info, low), _offset(info, high)
            yield to_ms(_quarter(high)) + min(before, after) // timedelta(milliseconds=1), after > before
        day = month


def _offset(zone: ZoneInfo, utc: datetime) -> timedelta:
    return utc.astimezone(zone).utcoffset() or timedelta(0)


def _quarter(when: datetime) -> datetime:
    """The last whole quarter of an hour at or before a time."""
    return datetime.fromtimestamp(int(when.timestamp()) // 900 * 900, tz=UTC)
