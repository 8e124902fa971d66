"""Which executor does the parts of some work: this process where one is enough, several where there are cores."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tradsys.machine.executor import INLINE, Executor
from tradsys.machine.processes import opened_processes


@contextmanager
def open_executor(
    n_processes: int,
    *,
    doing: str = "did part of the work",
    kept: str = "nothing was written",
    imports: Sequence[str] = (),
) -> Iterator[Executor]:
    """One of so many processes while the block lasts; when it fails, they end with their work.

    `doing` and `kept` complete the sentence about a process that was killed. The processes start at once and import
    those modules, so that they are ready by the time there is work.
    """
    if n_processes == 1:
        yield INLINE
        return
    with opened_processes(n_processes, doing, kept, imports) as processes:
        yield processes
