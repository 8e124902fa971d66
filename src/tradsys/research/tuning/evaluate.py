"""Cells fitted here or on several cores, with the same numbers either way (networks: up to rounding)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from tradsys.core.errors import FitError
from tradsys.data.market import Market
from tradsys.machine.plan import Plan
from tradsys.machine.processes import process_pool
from tradsys.research.tuning.forecasts import Cell, Failed, Said, Workshop, groups

type Evaluate = Callable[[Sequence[Cell]], list[Said | Failed]]
"""The forecasts of cells, in their order."""

_here: Workshop | None = None
"""A worker process's own workshop."""


@contextmanager
def evaluator(part: Market, n_processes: int, plan: Plan | None = None) -> Iterator[Evaluate]:
    """What fits cells while the block lasts, in `n_processes` processes or, where that is 1, in this one.

    Together they take no more of the machine than `plan` says.
    """
    if n_processes == 1:
        workshop = Workshop(part, plan)
        yield lambda cells: _evaluated(cells, groups(cells), lambda parts: map(workshop.say_together, parts))
        return
    own = plan and plan.shared(n_processes)
    with process_pool(n_processes, _open_workshop, (part, own)) as pool:

        def in_parallel(cells: Sequence[Cell]) -> list[Said | Failed]:
            try:
                return _evaluated(cells, groups(cells, n_processes), lambda parts: pool.map(_say_here, parts))
            except BrokenProcessPool:
                raise FitError(
                    "a process that fitted a trial was killed, probably for memory; run the same command again with "
                    "fewer --processes: what was finished is kept"
                ) from None

        yield in_parallel


def _evaluated(
    cells: Sequence[Cell],
    dealt: Sequence[Sequence[int]],
    say: Callable[[Iterable[list[Cell]]], Iterable[list[Said | Failed]]],
) -> list[Said | Failed]:
    """What is said of each group, in the order of the cells."""
    found: dict[int, Said | Failed] = {}
    for positions, said in zip(dealt, say([cells[k] for k in group] for group in dealt), strict=True):
        found.update(zip(positions, said, strict=True))
    return [found[k] for k in range(len(cells))]


def _open_workshop(part: Market, plan: Plan | None) -> None:
    global _here
    _here = Workshop(part, plan)


def _say_here(cells: list[Cell]) -> list[Said | Failed]:
    assert _here is not None
    return _here.say_together(cells)
