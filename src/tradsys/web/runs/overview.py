"""What the first page tells: what is being made, who is champion, what was proven, and which runs came last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tradsys.report.numbers import days, minute
from tradsys.runs.at_work import RunningJob, jobs
from tradsys.web.runs.listing import listing
from tradsys.web.runs.rejudged import Judge, VerdictNow, judge_of
from tradsys.web.runs.row import BrokenRow, RunRow
from tradsys.web.runs.written import Seat, reader
from tradsys.web.site import Site
from tradsys.web.studies import STUDIES

N_NEWEST: Final = 4
QUIET_S: Final = 120.0
"""A run that has not told how far it is for so long is in a long step, or stands still."""


@dataclass(frozen=True, slots=True)
class JobCard:
    """A run that is being made, or one that was killed; `share` is how far it has come, 0 to 1."""

    title: str
    tone: str
    word: str
    sentence: str
    share: float


@dataclass(frozen=True, slots=True)
class SeatRow:
    """A market's champion, and his run where it is among the runs."""

    seat: Seat
    since: str
    run: RunRow | None


@dataclass(frozen=True, slots=True)
class ProvenRow:
    """A run that proved something when it ended; `now` is None until it has been judged again."""

    row: RunRow
    profiles: tuple[str, ...]
    now: VerdictNow | None

    @property
    def lapsed(self) -> tuple[str, ...]:
        """Profiles that are not proven any more, as far as is known."""
        return () if self.now is None else self.now.lapsed


def job_cards(site: Site) -> list[JobCard]:
    """One a run, study or calibration at work, and one each that was killed lately."""
    folders = (site.runs, site.journal / STUDIES, site.calibration)
    return [_job(one) for folder in folders for one in jobs(folder)]


def seat_rows(site: Site, runs: Sequence[RunRow]) -> list[SeatRow]:
    """The champion of each market."""
    by_name = {row.run: row for row in reversed(runs)}
    seats = reader(site.ledger).read().seats
    return [SeatRow(seat, minute(seat.at), by_name.get(seat.run)) for seat in seats]


def proven_rows(site: Site, runs: Sequence[RunRow]) -> list[ProvenRow]:
    """Every run that proved something, newest first, one a configuration and market."""
    judge, seen = judge_of(site.runs, site.journal), set()
    found = []
    for row in runs:
        if row.is_proven and row.run not in seen:
            seen.add(row.run)
            found.append(proven_row(judge, row))
    return found


def proven_row(judge: Judge, row: RunRow) -> ProvenRow:
    """What one run proved, and what is known of that now."""
    profiles = tuple(one.profile for one in row.verdicts if one.verdict == "proven")
    return ProvenRow(row, profiles, judge.known(row.name))


def newest(site: Site) -> tuple[list[RunRow], list[BrokenRow]]:
    """All runs, newest first, and the folders among them that are none."""
    rows = listing(site.runs).rows()
    runs = sorted((row for row in rows if isinstance(row, RunRow)), key=lambda row: row.created, reverse=True)
    return runs, [row for row in rows if isinstance(row, BrokenRow)]


def _job(job: RunningJob) -> JobCard:
    share = min(1.0, max(0.0, job.done / job.n)) if job.n > 0 else 0.0
    who = f"process {job.pid} on {job.host}, begun {minute(job.started)}"
    if not job.is_alive:
        return JobCard(
            job.title, "bad", "killed", f"It was killed while {job.stage}; no run is left of it ({who}).", share
        )
    length = _length((datetime.now(UTC) - job.started).total_seconds())
    if job.told_s > QUIET_S:
        quiet = f"{job.told_s / 60:,.0f} minutes"
        return JobCard(job.title, "careful", "quiet", f"{job.stage}; it has said nothing for {quiet} ({who}).", share)
    return JobCard(job.title, "good", "running", f"{job.stage}, for {length} so far ({who}).", share)


def _length(seconds: float) -> str:
    if seconds >= 86_400:
        return days(seconds / 86_400)
    if seconds >= 3_600:
        return f"{seconds / 3_600:.1f} hours"
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
