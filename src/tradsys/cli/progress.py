"""What long work shows: a bar on a terminal, plain lines in a log, nothing where the output is for a program."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
        task = bar.add_task("starting", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


def _lines() -> Callable[[str, int, int], None]:
    began = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        print(f"[{time.monotonic() - began:6.1f} s] {what} ({done}/{total})", file=sys.stderr, flush=True)  # noqa: T201

    return show
