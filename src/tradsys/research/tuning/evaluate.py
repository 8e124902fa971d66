"""Fold fits done in this process or in several, with the same numbers either way (networks: up to rounding)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from tradsys.core.errors import ConfigError, FitError
from tradsys.data.market import Market
from tradsys.machine.plan import Plan
from tradsys.machine.processes import mapped, process_pool
from tradsys.research.tuning.out_of_fold import FailedFit, FoldFit, FoldFitter, FoldForecasts, challenger
from tradsys.research.walk.experiment_spec import experiment_from

type Evaluate = Callable[[Sequence[FoldFit]], list[FoldForecasts | FailedFit]]
"""From fold fits to their out-of-fold forecasts, in the same order."""

_here: FoldFitter | None = None
"""A worker process's own fitter."""


@contextmanager
def evaluator(part: Market, n_processes: int, plan: Plan | None = None) -> Iterator[Evaluate]:
    """Does fold fits while the block lasts, in `n_processes` processes or, where that is 1, in this one.

    Together they take no more of the machine than `plan` says.
    """
    if n_processes == 1:
        fitter = FoldFitter(part, plan)
        yield lambda fits: _evaluated(fits, fit_batches(fits), lambda batches: map(fitter.fit_batch, batches))
        return
    own = plan and plan.shared(n_processes)
    with process_pool(n_processes, _open_fitter, (part, own)) as pool:

        def in_parallel(fits: Sequence[FoldFit]) -> list[FoldForecasts | FailedFit]:
            try:
                return _evaluated(
                    fits, fit_batches(fits, n_processes), lambda batches: mapped(pool, _fit_here, batches)
                )
            except BrokenProcessPool:
                raise FitError(
                    "a process that fitted a trial was killed, probably for memory; run the same command again with "
                    "fewer --processes: what was finished is kept"
                ) from None

        yield in_parallel


def _evaluated(
    fits: Sequence[FoldFit],
    batches: Sequence[Sequence[int]],
    run: Callable[[Iterable[list[FoldFit]]], Iterable[list[FoldForecasts | FailedFit]]],
) -> list[FoldForecasts | FailedFit]:
    """Each batch run, its forecasts back in the order of the fits."""
    found: dict[int, FoldForecasts | FailedFit] = {}
    for positions, forecasts in zip(batches, run([fits[k] for k in group] for group in batches), strict=True):
        found.update(zip(positions, forecasts, strict=True))
    return [found[k] for k in range(len(fits))]


def fit_batches(fits: Sequence[FoldFit], n_processes: int = 1) -> list[list[int]]:
    """Positions of the fits that one call does: one each, or networks of one shape, which train side by side.

    Seeds and trials of a fold may differ in everything but the network's shape, its objective and the features. Such a
    group is batches out to the processes.
    """
    by_key: dict[object, list[int]] = {}
    for position, fit in enumerate(fits):
        by_key.setdefault(_batch_key(fit) or position, []).append(position)
    return [share for batch in by_key.values() for k in range(n_processes) if (share := batch[k::n_processes])]


def _batch_key(fit: FoldFit) -> object:
    """Equal for fits whose networks can be trained side by side; None for what is no such network."""
    try:
        model = challenger(experiment_from(fit.config))
    except ConfigError:
        return None  # the fit will run what is wrong
    return (model.batch_key(1), fit.config.features) if hasattr(model, "batch_key") else None


def _open_fitter(part: Market, plan: Plan | None) -> None:
    global _here
    _here = FoldFitter(part, plan)


def _fit_here(fits: list[FoldFit]) -> list[FoldForecasts | FailedFit]:
    assert _here is not None
    return _here.fit_batch(fits)
