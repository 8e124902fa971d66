"""Cells fitted here or on several cores, with the same numbers either way."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from tradsys.core.errors import FitError
from tradsys.data.market import Market
from tradsys.research.processes import process_pool
from tradsys.research.tuning.forecasts import Cell, Failed, Said, Workshop, groups

type Evaluate = Callable[[Sequence[Cell]], list[Said | Failed]]
"""The forecasts of cells, in their order."""

_here: Workshop | None = None
"""A worker process's own workshop."""


@contextmanager
def evaluator(part: Market, n_processes: int) -> Iterator[Evaluate]:
    """What fits cells while the block lasts, in `n_processes` processes or, where that is 1, in this one."""
    if n_processes == 1:
        workshop = Workshop(part)
        yield lambda cells: _in_order(cells, [_say(workshop, group) for group in _grouped(cells)])
        return
    with process_pool(n_processes, _open_workshop, (part,)) as pool:

        def in_parallel(cells: Sequence[Cell]) -> list[Said | Failed]:
            try:
                return _in_order(cells, list(pool.map(_say_here, _grouped(cells))))
            except BrokenProcessPool:
                raise FitError(
                    "a process that fitted a trial was killed, probably for memory; run the same command again with "
                    "fewer --processes: what was finished is kept"
                ) from None

        yield in_parallel


def _grouped(cells: Sequence[Cell]) -> list[list[Cell]]:
    return [[cells[k] for k in group] for group in groups(cells)]


def _in_order(cells: Sequence[Cell], said: Sequence[Sequence[Said | Failed]]) -> list[Said | Failed]:
    positions = [k for group in groups(cells) for k in group]
    flat = [one for group in said for one in group]
    return [one for _, one in sorted(zip(positions, flat, strict=True), key=lambda pair: pair[0])]


def _say(workshop: Workshop, cells: Sequence[Cell]) -> list[Said | Failed]:
    return workshop.say(cells) if len(cells) == 1 else workshop.say_together(cells)


def _open_workshop(part: Market) -> None:
    global _here
    _here = Workshop(part)


def _say_here(cells: Sequence[Cell]) -> list[Said | Failed]:
    assert _here is not None
    return _say(_here, cells)
