"""Fold fits done in this process or in several, with the same numbers either way (networks: up to rounding)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from tradsys.core.errors import ConfigError
from tradsys.data.market import Market
from tradsys.machine.backends import open_executor
from tradsys.machine.executor import Shared
from tradsys.machine.plan import Plan
from tradsys.research.tuning.out_of_fold import FailedFit, FoldFit, FoldFitter, FoldForecasts, challenger
from tradsys.research.walk.experiment_spec import experiment_from

type Evaluate = Callable[[Sequence[FoldFit]], list[FoldForecasts | FailedFit]]
"""From fold fits to their out-of-fold forecasts, in the same order."""


@contextmanager
def evaluator(part: Market, n_processes: int, plan: Plan | None = None) -> Iterator[Evaluate]:
    """Does fold fits while the block lasts, in `n_processes` processes or, where that is 1, in this one.

    Together they take no more of the machine than `plan` says.
    """
    own = plan and plan.shared(n_processes)
    with open_executor(n_processes, doing="fitted a trial", kept="what was finished is kept") as executor:
        fitter = executor.once(_fitter, executor.share(part), own)

        def evaluate(fits: Sequence[FoldFit]) -> list[FoldForecasts | FailedFit]:
            """Each batch run, its forecasts back in the order of the fits."""
            batches = fit_batches(fits, n_processes)
            each = executor.map(partial(_fit, fitter), [[fits[k] for k in batch] for batch in batches])
            found: dict[int, FoldForecasts | FailedFit] = {}
            for positions, forecasts in zip(batches, each, strict=True):
                found.update(zip(positions, forecasts, strict=True))
            return [found[k] for k in range(len(fits))]

        yield evaluate


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


def _fitter(part: Shared[Market], plan: Plan | None) -> FoldFitter:
    return FoldFitter(part.value, plan)


def _fit(fitter: Shared[FoldFitter], fits: list[FoldFit]) -> list[FoldForecasts | FailedFit]:
    return fitter.value.fit_batch(fits)
