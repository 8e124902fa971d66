"""What long work shows: a bar on a terminal, plain lines in a log, nothing where the output is for a program."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tradsys.runs.at_work import at_work

type Show = Callable[[str, float, int], None]
"""What is being done, the steps done (a part of one in its fraction) and the steps in all."""

MARKS: Final = Path("runs")
"""Where work leaves its mark that has no folder of results of its own: the overview of `tradsys web` looks there."""

QUIET_S = 5.0
"""A log gets a line for every step, and for a part of one where the last line is this old."""


@contextmanager
def reporter(*, quiet: bool = False, job: str = "") -> Iterator[Show]:
    """A function to call with what is being done, the steps done and the steps in all; it writes to standard error.

    `job` is what the work is called by a mark in `MARKS`; a run, a study and a calibration leave their own.
    """
    if job:
        with reporter(quiet=quiet) as show, at_work(MARKS, job, show) as told:
            yield told
    elif quiet:
        yield lambda *_: None
    elif sys.stderr.isatty():
        yield from _bar()
    else:
        yield Lines(_print)


def in_brief(symbols: Sequence[str]) -> str:
    """The first symbols, and how many more there are.

    >>> in_brief(["BTC"]), in_brief(["BTC", "ETH", "SOL", "BNB", "XRP"])
    ('BTC', 'BTC, ETH, SOL and 2 more')
    """
    named, n_more = ", ".join(symbols[:3]), len(symbols) - 3
    return f"{named} and {n_more} more" if n_more > 0 else named


def _bar() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, left = bar.add_task("starting", total=None, left=""), TimeLeft(time.monotonic)

        def show(what: str, done: float, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total, left=left.text(what, done, total))

        yield show


class Lines:
    """Plain lines of a log, each with the seconds since the beginning and about how long the rest will take."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._write, self._clock, self._began = write, clock, clock()
        self._left = TimeLeft(clock)
        self._last: tuple[int, int] | None = None
        self._last_at = -QUIET_S

    def __call__(self, what: str, done: float, total: int) -> None:
        """A step began, or a part of one."""
        now, step = self._clock(), (int(done), total)
        left = self._left.text(what, done, total)
        if step == self._last and done != int(done) and now - self._last_at < QUIET_S:
            return
        self._last, self._last_at = step, now
        about = f", {left}" if left else ""
        self._write(f"[{now - self._began:6.1f} s] {what} ({int(done)}/{total}{about})")


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201  # where people look, not where programs read


@dataclass(slots=True)
class TimeLeft:
    """How long the rest of a part takes at its pace so far, once there is one.

    Another number of steps, or steps that begin anew, are another part.
    """

    clock: Callable[[], float]
    _total: int | None = None
    _done: float = 0.0
    _first: float = 0.0
    _since: float = 0.0

    def text(self, what: str, done: float, total: int) -> str:
        """About how long, in words; empty where nothing is known yet, nothing is left or `what` says it itself."""
        now = self.clock()
        if total != self._total or done < self._done:
            self._total, self._first, self._since = total, done, now
        self._done = done
        gone, passed = done - self._first, now - self._since
        if gone <= 0 or done >= total or passed < QUIET_S or what.endswith(" left"):
            return ""
        return f"about {in_words(passed / gone * (total - done))} left"


def in_words(seconds: float) -> str:
    """A length of time that is not known better than roughly.

    >>> in_words(8), in_words(95), in_words(1500), in_words(9000)
    ('10 s', '2 min', '25 min', '2.5 h')
    """
    if seconds < 55:
        return f"{max(10, round(seconds, -1)):.0f} s"
    return f"{max(1, round(seconds / 60)):.0f} min" if seconds < 5_400 else f"{seconds / 3_600:.1f} h"
