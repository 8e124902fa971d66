"""Every variant fitted with every seed on every fold; its forecasts of the test block are kept in a cache."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.data.market import Market
from tradsys.journal.ledger import Ledger
from tradsys.journal.trial import TrialSeries
from tradsys.machine.executor import INLINE, Executor, Shared
from tradsys.models.forecaster import FittedForecaster, Panel, Rows, stack
from tradsys.models.linear.baselines import BaseRate, VolatilityOnly
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.research.claims.cache import ResultCache
from tradsys.research.claims.variants import CONTROL, SUPCON, Agents
from tradsys.research.judging.trials import record_and_judge, trial_series
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.dataset import Dataset, filled
from tradsys.research.walk.enough_history import enough_folds
from tradsys.research.walk.experiment import Progress, run_experiment
from tradsys.research.walk.experiment_spec import Experiment, experiment_on
from tradsys.research.walk.fitting import FoldModels, fit_models
from tradsys.research.walk.folds import Fold, walk_forward
from tradsys.research.walk.lockbox import development_data
from tradsys.research.walk.record import both
from tradsys.runs.manifest import code_digest
from tradsys.settings.config import RunConfig

if TYPE_CHECKING:
    from tradsys.models.networks.onnx_forecaster import OnnxForecaster
    from tradsys.models.training.contrastive_agent import ContrastiveAgent
    from tradsys.models.training.network_agent import NetworkAgent


REFERENCES = (BaseRate(), VolatilityOnly(), RidgeLogistic())
"""Deterministic forecasters that every variant is compared with."""

REFERENCE = "references"
"""The name of their forecasts in the cache."""


@dataclass(frozen=True, slots=True)
class DevelopmentFolds:
    """The development part of a market, its folds, and the experiment that says how it is labelled."""

    data: Dataset
    spec: Experiment
    folds: Sequence[Fold]
    _models: dict[int, FoldModels] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def on(cls, market: Market, config: RunConfig, agents: Agents) -> "DevelopmentFolds":
        """Those of the settings, with the references in place of the agents that they name."""
        return cls.of(market, replace(experiment_on(market, config), forecasters=REFERENCES, challengers=()), agents)

    @classmethod
    def of(cls, market: Market, spec: Experiment, agents: Agents) -> "DevelopmentFolds":
        """Without the lock-box; the embargo covers a label's horizon and the longest memory of any variant."""
        data = development_data(market, spec)
        everyone = replace(spec, forecasters=(*spec.forecasters, *agents.values()))
        return cls(data, spec, enough_folds(data, everyone, walk_forward))

    def models(self, fold: Fold) -> FoldModels:
        """Features, regimes and references of a fold, fitted when they are first asked for."""
        if fold.index not in self._models:
            self._models[fold.index] = fit_models(self.data, self.spec, fold)
        return self._models[fold.index]

    def test_rows(self, fold: Fold) -> Rows:
        """Rows of the test block with both outcomes."""
        return filled(self.data, both(fold.test, self.data.labelled))


@dataclass(frozen=True, slots=True)
class Deadline:
    """Minutes that may pass before no further piece of work is begun; None never ends."""

    minutes: float | None
    began: float = field(default_factory=time.monotonic)

    @property
    def has_passed(self) -> bool:
        return self.minutes is not None and time.monotonic() - self.began > 60 * self.minutes


def fit_variants(
    development: DevelopmentFolds,
    agents: Agents,
    cache: ResultCache,
    *,
    seeds: Sequence[int],
    deadline: Deadline,
    progress: Progress,
    executor: Executor = INLINE,
    takes: Callable[[str, int, int], bool] = lambda *_: True,
) -> None:
    """Everything that is not in the cache yet; the seeds of one variant and fold are trained in one call.

    `takes` says of a variant, fold and seed whether it is this call's to fit.
    """
    work = [
        (name, fold, own)
        for name, fold, own in _missing(development, agents, cache, seeds)
        if takes(name, fold.index, own[0] if own else 0)
    ]

    def begun() -> Iterator[tuple[str, Fold, list[int]]]:
        for done, (name, fold, own) in enumerate(work):
            if deadline.has_passed:
                progress(f"time is up, {len(work) - done} fits are left for the next call", done, len(work))
                return
            what = f"{name}, fold {fold.index + 1} of {len(development.folds)}, {len(own) or 1} seeds"
            progress(what, done, len(work))
            yield name, fold, own

    fit = partial(_fit_piece, executor.share(development), agents, cache)
    if sum(1 for _ in executor.as_done(fit, begun())) == len(work):
        progress("all fitted", len(work), len(work))


def _fit_piece(
    shared: Shared[DevelopmentFolds], agents: Agents, cache: ResultCache, piece: tuple[str, Fold, list[int]]
) -> None:
    """One variant on one fold with all of these seeds, into the cache."""
    development, (name, fold, own) = shared.value, piece
    began = time.monotonic()
    models = development.models(fold)
    if name == REFERENCE:
        logits = {m.name: _test_logits(development, models, models.fitted[m.name]) for m in REFERENCES}
        cache.put(logits, {"code": code_digest()}, name, fold.index)
        return
    weighed = development.spec.weights.on_training(models.panel, models.rows, development.data)
    pairs = _fit(agents[name], weighed, models.rows, own)
    seconds = (time.monotonic() - began) / len(own)
    for at, (fitted, control) in zip(own, pairs, strict=True):
        facts: dict[str, Any] = {
            "code": code_digest(),
            "training": fitted.training,
            "record": dict(fitted.record),
            "is_kept": fitted.network is not None,
            "seconds": seconds,
        }
        arrays = {name: _test_logits(development, models, fitted)}
        if control is not None:
            arrays[CONTROL] = _test_logits(development, models, control)
        cache.put(arrays, facts, name, fold.index, at)


def _fit(
    agent: "NetworkAgent | ContrastiveAgent", panel: Panel, rows: Rows, seeds: Sequence[int]
) -> "list[tuple[OnnxForecaster, OnnxForecaster | None]]":
    """A forecaster a seed, and its control where it has one."""
    from tradsys.models.training.contrastive_agent import ContrastiveAgent

    if isinstance(agent, ContrastiveAgent):
        return [(one.fitted, one.control) for one in agent.fit_seeds(panel, rows, seeds=seeds)]
    return [(one, None) for one in agent.fit_many([(panel, rows, seed) for seed in seeds])]


def _missing(
    development: DevelopmentFolds, agents: Agents, cache: ResultCache, seeds: Sequence[int]
) -> Iterator[tuple[str, Fold, list[int]]]:
    """References first; then one variant after the other, all seeds of a fold at once."""
    for fold in development.folds:
        if not cache.has(REFERENCE, fold.index):
            yield REFERENCE, fold, []
    for name in agents:
        for fold in development.folds:
            own = [seed for seed in seeds if not cache.has(name, fold.index, seed)]
            if own:
                yield name, fold, own


def _test_logits(development: DevelopmentFolds, models: FoldModels, fitted: FittedForecaster) -> FloatArray:
    """Log-odds of the test rows, symbol after symbol, (n_rows, 2)."""
    return stack([fitted.logits(X) for X in models.panel.X], development.test_rows(models.fold))


def complete_seeds(development: DevelopmentFolds, cache: ResultCache, name: str, seeds: Sequence[int]) -> list[int]:
    """Seeds with which a variant was fitted on every fold."""
    variant = SUPCON if name == CONTROL else name
    return [seed for seed in seeds if all(cache.has(variant, fold.index, seed) for fold in development.folds)]


TRADES = "trades"


def trading_config(config: RunConfig, seed: int) -> RunConfig:
    """The run whose profiles are compared: the linear decision maker alone, which decides wherever nothing beats it."""
    return config.model_copy(update={"seed": seed, "agent": config.agent.model_copy(update={"name": DECIDER})})


class _Traded(NamedTuple):
    """What is kept of an experiment: its trials, the bars that guard them, and profits a trade by profile."""

    trials: list[TrialSeries]
    guard_bars: int
    pnl: dict[str, FloatArray]


def trade_profiles(
    market: Market,
    config: RunConfig,
    cache: ResultCache,
    ledger: Ledger,
    *,
    seeds: Sequence[int],
    deadline: Deadline,
    progress: Progress,
    executor: Executor = INLINE,
) -> None:
    """Run the experiment with every seed that is not in the cache yet, and enter its profiles in the ledger.

    These are the trials of `tradsys run --agent logistic --seed N` with the same settings: such a run finds them there.
    """
    missing = [seed for seed in seeds if not cache.has(TRADES, seed)]

    def begun() -> Iterator[int]:
        for done, seed in enumerate(missing):
            if deadline.has_passed:
                left = f"time is up, {len(missing) - done} simulations are left for the next call"
                progress(left, done, len(missing))
                return
            progress(f"trading the profiles with seed {seed}", done, len(missing))
            yield seed

    for seed, done in executor.as_done(partial(_trade, executor.share(market), config), begun()):
        spec = experiment_on(market, trading_config(config, seed))
        record_and_judge(done.trials, market, spec, ledger, guard_bars=done.guard_bars, code=code_digest())
        cache.put(
            {f"{one.key}.{what}": getattr(one, what) for one in done.trials for what in ("days", "daily")}
            | {f"{name}.pnl": pnl for name, pnl in done.pnl.items()},
            {"code": code_digest(), "profiles": [one.key for one in done.trials]},
            TRADES,
            seed,
        )
    if all(cache.has(TRADES, seed) for seed in missing):
        progress("all profiles traded", len(missing), len(missing))


def _trade(market: Shared[Market], config: RunConfig, seed: int) -> _Traded:
    spec = experiment_on(market.value, trading_config(config, seed))
    outcome = run_experiment(market.value, spec)
    pnl = {name: one.trades["pnl_quote"].to_numpy() for name, one in outcome.simulations.items()}
    return _Traded(trial_series(outcome.simulations), outcome.guard_bars(spec), pnl)


def daily_returns(cache: ResultCache, profile: str, seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Days (n_days,) and net returns a seed (n_seeds, n_days)."""
    stored = [cache.get(TRADES, seed)[0] for seed in seeds]
    return stored[0][f"{profile}.days"], np.stack([one[f"{profile}.daily"] for one in stored])
