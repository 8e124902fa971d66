"""Many markets at once: a process a core, each library in it on one thread, results written as they come."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool

from tradsys.core.errors import FitError
from tradsys.machine.plan import Plan
from tradsys.machine.processes import process_pool
from tradsys.research.calibration.cells import Cell
from tradsys.research.calibration.market import Task, try_market
from tradsys.research.calibration.presets import Preset
from tradsys.research.calibration.results import Results, done
from tradsys.research.walk.experiment import Progress

FIRST_SEED = 1_000_000
"""Markets are drawn from this seed on, far from the seeds that people try by hand."""


def tasks(preset: Preset, cells: Sequence[Cell], n_markets: int, *, rivals_every: int = 1) -> list[Task]:
    """The first `n_markets` of every cell, cell after cell for each seed; every few of them among further trials."""
    return [
        Task(preset, cell.name, FIRST_SEED + i, rivals_every > 0 and i % rivals_every == 0)
        for i in range(n_markets)
        for cell in cells
    ]


def calibrate(
    wanted: Sequence[Task],
    results: Results,
    *,
    n_processes: int,
    plan: Plan | None = None,
    progress: Progress = lambda *_: None,
) -> int:
    """Try every market that the results do not hold yet; returns how many were tried now.

    `plan` is what each process may take of the machine.
    """
    known = done(results.read())
    missing = [task for task in wanted if (task.preset, task.cell, task.seed) not in known]
    if not missing:
        return 0
    count = _with_estimate(progress, len(wanted), len(missing))
    if n_processes > 1:
        _in_parallel(missing, results, n_processes, plan, count)
        return len(missing)
    for task in missing:
        results.append(try_market(task, plan))
        count(task)
    return len(missing)


def _in_parallel(
    missing: Sequence[Task], results: Results, n_processes: int, plan: Plan | None, count: Callable[[Task], None]
) -> None:
    try:
        with process_pool(n_processes) as pool:
            # the first market alone, so that two processes never store the same compiled kernel at once
            results.append(pool.submit(try_market, missing[0], plan).result())
            count(missing[0])
            running = {pool.submit(try_market, task, plan): task for task in missing[1:]}
            for future in as_completed(running):
                results.append(future.result())
                count(running[future])
    except BrokenProcessPool:
        raise FitError(
            "a process that tried a market was killed, probably for memory; run the same command again with fewer "
            "--processes: what was finished is kept"
        ) from None


def _with_estimate(progress: Progress, n_wanted: int, n_missing: int) -> Callable[[Task], None]:
    """Counts markets and says how long the rest will take."""
    began, n_done = time.monotonic(), 0

    def count(task: Task) -> None:
        nonlocal n_done
        n_done += 1
        left = (time.monotonic() - began) / n_done * (n_missing - n_done)
        progress(f"{task.cell} {task.seed}, about {left / 60:.0f} min left", n_wanted - n_missing + n_done, n_wanted)

    return count
