"""The Monte Carlo study: many replications in a process a core, results appended as they come."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool

from tradsys.core.errors import FitError
from tradsys.machine.plan import Plan
from tradsys.machine.processes import process_pool
from tradsys.research.calibration.rates import ResultsFile, finished_replications
from tradsys.research.calibration.replication import Replication, replicate
from tradsys.research.calibration.scenarios import Preset, Scenario
from tradsys.research.walk.experiment import Progress

FIRST_SEED = 1_000_000
"""Markets are drawn from this seed on, far from the seeds that people try by hand."""


def planned_replications(
    preset: Preset, scenarios: Sequence[Scenario], n_markets: int, *, competitors_every: int = 1
) -> list[Replication]:
    """The first `n_markets` of every scenario, seed after seed; every few of them among competing trials."""
    return [
        Replication(preset, scenario.name, FIRST_SEED + i, competitors_every > 0 and i % competitors_every == 0)
        for i in range(n_markets)
        for scenario in scenarios
    ]


def calibrate(
    wanted: Sequence[Replication],
    results: ResultsFile,
    *,
    n_processes: int,
    plan: Plan | None = None,
    progress: Progress = lambda *_: None,
) -> int:
    """Try every market that the results do not hold yet; returns how many were tried now.

    `plan` is what each process may take of the machine.
    """
    known = finished_replications(results.read())
    missing = [
        replication
        for replication in wanted
        if (replication.preset, replication.scenario, replication.seed) not in known
    ]
    if not missing:
        return 0
    count = _with_estimate(progress, len(wanted), len(missing))
    if n_processes > 1:
        _in_parallel(missing, results, n_processes, plan, count)
        return len(missing)
    for replication in missing:
        results.append(replicate(replication, plan))
        count(replication)
    return len(missing)


def _in_parallel(
    missing: Sequence[Replication],
    results: ResultsFile,
    n_processes: int,
    plan: Plan | None,
    count: Callable[[Replication], None],
) -> None:
    try:
        with process_pool(n_processes) as pool:
            # the first market alone, so that two processes never store the same compiled kernel at once
            results.append(pool.submit(replicate, missing[0], plan).result())
            count(missing[0])
            submitted = {pool.submit(replicate, replication, plan): replication for replication in missing[1:]}
            for future in as_completed(submitted):
                results.append(future.result())
                count(submitted[future])
    except BrokenProcessPool:
        raise FitError(
            "a process that tried a market was killed, probably for memory; run the same command again with fewer "
            "--processes: what was finished is kept"
        ) from None


def _with_estimate(progress: Progress, n_wanted: int, n_missing: int) -> Callable[[Replication], None]:
    """Counts markets and says how long the rest will take."""
    began, n_done = time.monotonic(), 0

    def count(replication: Replication) -> None:
        nonlocal n_done
        n_done += 1
        left = (time.monotonic() - began) / n_done * (n_missing - n_done)
        progress(
            f"{replication.scenario} {replication.seed}, about {left / 60:.0f} min left",
            n_wanted - n_missing + n_done,
            n_wanted,
        )

    return count
