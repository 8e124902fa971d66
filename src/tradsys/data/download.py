"""A series brought up to date: what is missing is asked of each source in turn, stored as it comes, and reported."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import polars as pl

from tradsys.core.bars import Gap
from tradsys.core.errors import ConfigError
from tradsys.core.time import DAY_MS, from_ms, interval_ms, stamp, to_ms, ts_ms
from tradsys.data.outside.funding import missing_settlements
from tradsys.data.sources.source import Batch, Progress, Range, Source
from tradsys.data.sources.venue import LAST, DownloadVenue
from tradsys.data.store.admit import RULES, admit, admit_table
from tradsys.data.store.manifest import Flaw
from tradsys.data.store.resample import MONDAY_MS, WEEK
from tradsys.data.store.series import FUNDING, SeriesId
from tradsys.data.store.store import SeriesStore

OVERLAP = 2
"""Stored bars asked for again where a download goes on, so that one that changed after it had closed is seen."""
MAX_SKEW_S = 5.0
N_BUFFERED = 20_000
"""Rows of pages that are stored together; a file of the archive is stored at once."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a download did: rows stored and changed, every hole that remains, and everything that was refused."""

    series: SeriesId
    start: datetime
    end: datetime
    n_new: int
    n_changed: int
    holes: tuple[Gap, ...]
    flaws: tuple[Flaw, ...]
    notes: tuple[str, ...] = ()

    @property
    def n_missing(self) -> int:
        """Bars, rows or days that the holes leave out."""
        return sum(hole.n_missing for hole in self.holes)

    @property
    def unit(self) -> str:
        """What `n_missing` counts."""
        return "bars" if self.series.is_bars else RULES[self.series.interval].unit

    @property
    def lines(self) -> tuple[str, ...]:
        """Each hole in words."""
        if self.series.is_bars:
            return tuple(map(str, self.holes))
        return tuple(
            f"{hole.n_missing:,} {self.unit} missing from {hole.start:%Y-%m-%d %H:%M} to {hole.end:%Y-%m-%d %H:%M}"
            for hole in self.holes
        )


def download(
    store: SeriesStore,
    series: SeriesId,
    venue: DownloadVenue,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    refresh: bool = False,
    progress: Progress = lambda what, done, total: None,
) -> Report:
    """Fetch what is missing between `start` (the first bar there ever was) and `end` (the last that has closed).

    Whatever stops it, all that was stored stays, and the same call goes on from there; a call when nothing is missing
    changes nothing. `refresh` also fetches files that the archive has issued again.
    """
    now, listed = venue.now(series), venue.listed(series)
    asked = to_ms(start) if start else None
    first = max((ms for ms in (listed, asked) if ms is not None), default=None)
    if first is None:
        when = "was listed" if series.is_bars else "began"
        raise ConfigError(f"{series}: the venue does not say when it {when}; give --from, such as --from 2020-01-01")
    last = min(now, to_ms(end) if end else now)
    n_wanted = 0
    if series.is_bars:
        step = interval_ms(series.step)
        phase = (listed if listed is not None else MONDAY_MS if series.step == WEEK else 0) % step
        first = -(-(first - phase) // step) * step + phase
        last = (last - phase) // step * step + phase  # opens a bar still open
        n_wanted = sum((b - a) // step for a, b in missing(store, series, first, last))
    desk = _Desk(store, series, now, progress, n_wanted)
    known = frozenset(o.item for m in store.manifests(series) for o in m.origins if o.sha256)
    for source in venue.sources(series, now, store.place, known):
        if refresh:
            desk.take(venue.reissued(source, series, store.manifests(series)))
        ranges = (_bar_ranges if series.is_bars else _table_ranges)(store, series, first, last, source)
        if ranges:
            desk.take(source.fetch(series, ranges))
    if series.is_bars:
        left = missing(store, series, first, last)
        holes = [Gap(from_ms(a), from_ms(b - step), (b - a) // step) for a, b in left]
        notes = _notes(now, time.time() * 1000, listed, asked)
    else:
        rows, rules = store.read(series, start=from_ms(first), end=from_ms(last)), RULES[series.interval]
        whole_days = min(last, now // DAY_MS * DAY_MS)  # a day's file comes after its end
        holes = rules.gaps(rows, end=whole_days) if rules.has_rhythm else []
        notes = _edges(series, rows, start) if rules.has_rhythm else _lacking(series, rows)
    flaws = tuple(desk.flaws)
    return Report(series, from_ms(first), from_ms(last), desk.n_new, desk.n_changed, tuple(holes), flaws, tuple(notes))


def _edges(series: SeriesId, rows: pl.DataFrame, start: datetime | None) -> Iterator[str]:
    """What no source has before the first row and after the last one for good."""
    if rows.is_empty():
        yield "no source has any of it"
    elif start is not None and rows["ts"][0].date() > start.date():
        yield f"no rows before {rows['ts'][0]:%Y-%m-%d}"
    if series.interval in LAST:
        yield f"the archive has no file from {from_ms(LAST[series.interval]):%Y-%m-%d} on: it was given up"


def _bar_ranges(store: SeriesStore, series: SeriesId, first: int, last: int, source: Source) -> list[Range]:
    """What is missing; of pages, the last range begins a few bars earlier where it goes on from stored ones."""
    ranges = missing(store, series, first, last)
    if not ranges or not source.is_paged or ranges[-1][0] == first:
        return ranges
    a, b = ranges[-1]
    return [*ranges[:-1], (max(first, a - OVERLAP * interval_ms(series.step)), b)]


def _table_ranges(store: SeriesStore, series: SeriesId, first: int, last: int, source: Source) -> list[Range]:
    """All of files; of pages settlements that are missing, or what comes after the last row of another table."""
    if not source.is_paged:
        return [(first, last)]
    if series.interval == FUNDING:
        return missing_settlements(store.read(series), first - 1, last)
    years = store.manifests(series)
    begin = max(first, years[-1].last + 1) if years else first
    return [(begin, last)] if begin < last else []


def _lacking(series: SeriesId, rows: pl.DataFrame) -> Iterator[str]:
    """Days between the first and the last row that have none, and settlements that no source had."""
    if rows.is_empty():
        yield "no source has any of it"
        return
    days = rows["ts"].dt.date().unique().sort()
    every = pl.date_range(days[0], days[-1], eager=True)
    lacking = every.filter(~every.is_in(days.implode()))
    if len(lacking):
        yield f"no rows on {len(lacking):,} days: {', '.join(str(day) for day in lacking)}"
    if series.interval == FUNDING:
        times = ts_ms(rows)
        for begin, end in missing_settlements(rows, int(times[0]), int(times[-1])):
            yield f"no settlement from {stamp(begin)} to {stamp(end)}"


def missing(store: SeriesStore, series: SeriesId, first: int, last: int) -> list[Range]:
    """The ranges in first <= ts < last (ms) of which the store has no bar."""
    step = interval_ms(series.step)
    ts = ts_ms(store.read(series, start=from_ms(first), end=from_ms(max(first, last)), columns=["ts"]))
    edges = np.concatenate([[first - step], ts, [last]])
    steps = np.diff(edges)
    return [(int(edges[i]) + step, int(edges[i + 1])) for i in np.flatnonzero(steps > step)]


def _notes(now: int, ours: float, listed: int | None, asked: int | None) -> Iterator[str]:
    skew_s = (ours - now) / 1000
    if abs(skew_s) > MAX_SKEW_S:
        off = f"{abs(skew_s):,.0f} s {'ahead of' if skew_s > 0 else 'behind'}"
        yield f"this machine's clock is {off} the venue's, which says what has closed; set it right before trading"
    if listed is not None and asked is not None and asked < listed:
        yield f"the venue has no bar before {stamp(listed)}"


@dataclass(slots=True)
class _Desk:
    """Takes batches in, checks them and stores them, pages many at a time."""

    store: SeriesStore
    series: SeriesId
    now: int
    progress: Progress
    n_wanted: int
    n_new: int = 0
    n_changed: int = 0
    flaws: list[Flaw] = field(default_factory=list)
    _buffer: list[Batch] = field(default_factory=list)

    def take(self, batches: Iterable[Batch]) -> None:
        """Store every batch; where the source fails, what came before is stored first."""
        try:
            for batch in batches:
                if self._buffer and (batch.origin.sha256 or batch.origin.item != self._buffer[0].origin.item):
                    self._flush()
                self._buffer.append(batch)
                if batch.origin.sha256 or sum(len(b.rows) for b in self._buffer) >= N_BUFFERED:
                    self._flush()
                n_held = sum(len(b.rows) for b in self._buffer)
                what = f"{self.series} from {batch.origin.source}"
                self.progress(what, min(self.n_new + n_held, self.n_wanted), self.n_wanted)
        finally:
            self._flush()

    def _flush(self) -> None:
        batches, self._buffer = self._buffer, []
        if not batches:
            return
        origin = batches[0].origin
        flaws = [flaw for batch in batches for flaw in batch.flaws]
        frames = [batch.rows for batch in batches if len(batch.rows)]
        if frames:
            together = pl.concat(frames, how="diagonal")
            admitted = (admit if self.series.is_bars else admit_table)(self.series, together, closed_at=self.now)
            flaws += admitted.flaws
            written = self.store.write(self.series, admitted.rows, origin, flaws)
            self.n_new += written.n_new
            self.n_changed += written.n_changed
        self.flaws += flaws


def summary(report: Report) -> str:
    """One line: what came, over what span, and how many bars no source has.

    >>> at = datetime(2024, 1, 1), datetime(2024, 1, 2)
    >>> summary(Report(SeriesId("binance", "BTC/USDT", "1h"), *at, 24, 0, (), ()))
    'binance:BTC/USDT:1h: 24 new rows, 0 changed; 2024-01-01 00:00 to 2024-01-02 00:00 without a hole'
    """
    span = f"{report.start:%Y-%m-%d %H:%M} to {report.end:%Y-%m-%d %H:%M}"
    noun = "hole leaves" if len(report.holes) == 1 else "holes leave"
    lacking = f"where {len(report.holes):,} {noun} out {report.n_missing:,} {report.unit}"
    holes = lacking if report.holes else "without a hole"
    return f"{report.series}: {report.n_new:,} new rows, {report.n_changed:,} changed; {span} {holes}"
