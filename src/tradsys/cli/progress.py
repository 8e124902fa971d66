"""What long work shows: a bar on a terminal, plain lines in a log, nothing where the output is for a program."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@contextmanager
def reporter(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """A function to call with what is being done, the steps done and the steps in all; it writes to standard error."""
    if quiet:
        yield lambda *_: None
    elif sys.stderr.isatty():
        yield from _bar()
    else:
        yield _lines()


def _bar() -> Iterator[Callable[[str, int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, part = bar.add_task("starting", total=None), Part()

        def show(what: str, done: int, total: int) -> None:
            if part.begins_anew(done, total):
                bar.reset(task)  # its time left is that of this part's steps
            part.left_s(done, total, time.monotonic())
            bar.update(task, description=what, completed=done, total=total)

        yield show


def _lines() -> Callable[[str, int, int], None]:
    began, part = time.monotonic(), Part()

    def show(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        left = part.left_s(done, total, now)
        rest = "" if left is None else f", about {_duration(left)} left of this part"
        print(f"[{now - began:6.1f} s] {what} ({done}/{total}{rest})", file=sys.stderr, flush=True)  # noqa: T201

    return show


@dataclass
class Part:
    """A part of the work whose steps are counted together: from its first step on until another count begins."""

    total: int = -1
    done: int = 0
    first: int = 0
    began: float = 0.0

    def begins_anew(self, done: int, total: int) -> bool:
        """Whether a step belongs to another part than the one before."""
        return total != self.total or done < self.done

    def left_s(self, done: int, total: int, now: float) -> float | None:
        """Seconds that the part's other steps take if they are like those before; None before the first has ended."""
        if self.begins_anew(done, total):
            self.first, self.began = done, now
        self.total, self.done = total, done
        if done == self.first or done >= total:
            return None
        return (now - self.began) / (done - self.first) * (total - done)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
