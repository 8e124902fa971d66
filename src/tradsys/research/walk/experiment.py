"""The whole flow as one page: bars -> labels -> folds -> agents -> forecasts -> profiles -> simulated trades."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import polars as pl

from tradsys.backtest.simulate import PricedGrid, Simulation
from tradsys.core.arrays import FloatArray
from tradsys.core.errors import NotEnoughBars
from tradsys.core.threads import one_thread
from tradsys.core.time import interval_ms, to_ms
from tradsys.data.market import Market
from tradsys.machine.executor import INLINE, Executor, Shared, Task
from tradsys.predictor.predictor import decisions_frame
from tradsys.profiles.catalogue import profile_named
from tradsys.profiles.forecast import Forecasts
from tradsys.profiles.profile import Profile
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.deciding import FoldResult, decide_fold, grow
from tradsys.research.walk.enough_history import enough_folds
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.fitting import INNER_FOLDS, FittedPart, fill_first_part, fit_models, fit_part
from tradsys.research.walk.folds import Fold, walk_forward
from tradsys.research.walk.lockbox import development_data, lockbox_opens
from tradsys.research.walk.record import Record
from tradsys.research.walk.scoring import Scored, gather
from tradsys.research.walk.steps import Say, WalkSteps, silent

type Progress = Callable[[str, float, int], None]
"""Called with what is being done, the steps done (a part of one in its fraction) and the steps in all."""

type Inputs = Shared[tuple[Dataset, Experiment]]
"""What every part of an experiment reads: the bars with their labels, and what is tried."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an experiment found, before anything is judged: folds, scored forecasts, and a simulation a profile."""

    data: Dataset
    record: Record
    results: Sequence[FoldResult]
    scored: Scored
    simulations: Mapping[str, Simulation]

    def guard_bars(self, spec: Experiment) -> int:
        """Bars that a decision looks back and a trade lasts: entries shifted by less are no random ones."""
        return spec.barriers.horizon + max(result.predictor.lookback for result in self.results)


class Walk(NamedTuple):
    """The folds, decided, with the record out of fold that grew along the way."""

    data: Dataset
    record: Record
    results: Sequence[FoldResult]


@one_thread()
def run_experiment(
    market: Market,
    spec: Experiment,
    progress: Progress = lambda *_: None,
    executor: Executor = INLINE,
    *,
    meanwhile: Callable[[Inputs], object] = lambda _: None,
) -> Outcome:
    """Walk forward over the history without its lock-box; deterministic for the same market, spec and machine kind.

    `meanwhile` is called with the data and the spec when the folds' fits have begun; it may defer more work.
    """
    data, record, results = walk(market, spec, progress, executor, meanwhile=meanwhile)
    n_steps = len(results) + 1
    progress("simulating the profiles", len(results), n_steps)
    scored = gather(data, results, spec.barriers.horizon)
    priced = priced_grid(data.frames, spec, start=results[0].fold.opens, end=data.closes)
    simulations = {profile.name: _on_time_and_late(priced, results, profile, spec) for profile in spec.profiles}
    progress("profiles simulated", n_steps, n_steps)
    return Outcome(data, record, results, scored, simulations)


def walk(
    market: Market,
    spec: Experiment,
    progress: Progress = lambda *_: None,
    executor: Executor = INLINE,
    *,
    meanwhile: Callable[[Inputs], object] = lambda _: None,
) -> Walk:
    """Every fold fitted on its training part, then decided on its test block; nothing is traded.

    Fits never read the record and so may go on side by side. So may decisions: each reads the record as the folds
    before it left it, which grows by forecasts alone.
    """
    data = development_data(market, spec)
    folds = enough_folds(data, spec, walk_forward)
    # regimes, features, forecasters, time exits, decisions; at first also folds inside the training part
    n_parts = [len(spec.forecasters) + 4 + (INNER_FOLDS if fold.index == 0 else 0) for fold in folds]
    names = [f"fold {fold.index + 1} of {len(folds)}" for fold in folds]
    steps = WalkSteps(progress, names, n_parts, len(folds) + 1)
    shared = executor.share((data, spec))
    fits = [executor.submit(fit_part, shared, fold, executor.heard(steps.of(fold.index))) for fold in folds]
    meanwhile(shared)
    record = Record(tuple(len(frame) for frame in data.frames.values()))
    decisions: list[Task[FoldResult]] = []
    for fold in folds:
        with _too_few(market, fold, len(folds)):
            part = fits.pop(0).result()
            record = part.first or record
            held, say = executor.share((part, record)), executor.heard(steps.of(fold.index))
            decisions.append(executor.submit(decide_part, shared, fold, held, folds[0].opens, say))
            if executor.n_processes == 1:
                decisions[-1].result()  # which makes this very record grow, and lets one fold's columns go at a time
            else:
                grow(record, data, spec, part, fold)
    results: list[FoldResult] = []
    for fold, decided in zip(folds, decisions, strict=True):
        with _too_few(market, fold, len(folds)):
            results.append(decided.result())
        steps.finish(fold.index)
    return Walk(data, record, results)


def decide_part(
    shared: Inputs, fold: Fold, held: Shared[tuple[FittedPart, Record]], first_test: int, say: Say = silent
) -> FoldResult:
    """A fold's decisions as a part of the work, from its fit and the record as the folds before left it."""
    say("deciding")
    (data, spec), (part, record) = shared.value, held.value
    return decide_fold(data, spec, part.models(data, fold), record, first_test)


@contextmanager
def _too_few(market: Market, fold: Fold, n_folds: int) -> Iterator[None]:
    """Say of which fold there are too few bars."""
    try:
        yield
    except NotEnoughBars as error:
        share = f"fold {fold.index + 1} of {n_folds} trains on the part before its test block alone"
        found = f"{len(market.bars):,} bars are too few for these settings, since {share}"
        raise NotEnoughBars(f"{found}: {error}") from error


def research_fold(
    data: Dataset, spec: Experiment, fold: Fold, record: Record, first_test: int, say: Say = silent
) -> FoldResult:
    """Fit on the fold's training part and decide on its test block; the record grows by its out-of-fold forecasts.

    `first_test` is when the first test block of all opens, ms. `say` is told what begins.
    """
    models = fit_models(data, spec, fold, say)
    if fold.index == 0:
        fill_first_part(record, data, spec, models, spec.embargo(data.interval), say)
    say("deciding")
    return decide_fold(data, spec, models, record, first_test)


def simulate_profile(data: Dataset, results: Sequence[FoldResult], profile: Profile, spec: Experiment) -> Simulation:
    """The profile's trades over all test blocks, positions carried from one block into the next."""
    decisions = pl.concat(block_decisions(result, profile, spec) for result in results)
    return simulate_decisions(data.frames, decisions, spec, start=results[0].fold.opens, end=data.closes)


def _on_time_and_late(
    priced: PricedGrid, results: Sequence[FoldResult], profile: Profile, spec: Experiment
) -> Simulation:
    """The same with the daily returns of orders that come one bar later beside it, which a verdict asks for."""
    entries = pl.concat(block_entries(result, profile, spec) for result in results)
    on_time, late = (simulate_on(priced, entries, spec, delay=delay) for delay in (0, 1))
    return replace(on_time, delayed=late.daily)


def simulate_decisions(
    frames: Mapping[str, pl.DataFrame],
    decisions: pl.DataFrame,
    spec: Experiment,
    *,
    start: int,
    end: int,
    delay: int = 0,
) -> Simulation:
    """What the kernel makes of decisions under the experiment's costs and sizes, in [start, end) ms.

    With `delay` all orders come so many bars later.
    """
    return simulate_on(priced_grid(frames, spec, start=start, end=end), decisions, spec, delay=delay)


def priced_grid(frames: Mapping[str, pl.DataFrame], spec: Experiment, *, start: int, end: int) -> PricedGrid:
    """The bars in [start, end) ms under the experiment's costs, for any number of simulations."""
    return PricedGrid.of(frames, start, end, costs=spec.costs, instrument=spec.instrument)


def simulate_on(priced: PricedGrid, decisions: pl.DataFrame, spec: Experiment, *, delay: int = 0) -> Simulation:
    """What `simulate_decisions` makes of decisions, on bars that were priced before."""
    entries = decisions.filter(pl.col("action") != 0)
    return priced.simulate(entries, portfolio=spec.portfolio, barriers=spec.barriers, delay=delay)


def block_decisions(result: FoldResult, profile: Profile, spec: Experiment) -> pl.DataFrame:
    """What the profile decides on the fold's test block, all symbols, by time."""
    return profile_decisions(result.forecasts.items(), profile, spec)


def block_entries(result: FoldResult, profile: Profile, spec: Experiment) -> pl.DataFrame:
    """Those of the fold's `block_decisions` that enter."""
    return profile_entries(result.forecasts.items(), profile, spec)


def profile_entries(forecasts: Iterable[tuple[str, Forecasts]], profile: Profile, spec: Experiment) -> pl.DataFrame:
    """Those of the `profile_decisions` that enter: far fewer rows to join and to sort."""
    parts = (decisions_frame(symbol, one, profile, spec.barriers, only_entries=True) for symbol, one in forecasts)
    return pl.concat(parts).sort("start", maintain_order=True)


def profile_decisions(forecasts: Iterable[tuple[str, Forecasts]], profile: Profile, spec: Experiment) -> pl.DataFrame:
    """What the profile decides on forecasts, each with its symbol, by time."""
    parts = (decisions_frame(symbol, one, profile, spec.barriers) for symbol, one in forecasts)
    return pl.concat(parts).sort("start", maintain_order=True)


def simulate_lockbox(market: Market, spec: Experiment, outcome: Outcome) -> Mapping[str, Simulation]:
    """Train on all before the lock-box and simulate the deployed profile inside it, under its name."""
    data, _, results = walk_into_lockbox(market, spec, Walk(outcome.data, outcome.record, outcome.results))
    profile = profile_named(spec.deployed, spec.profiles)
    priced = priced_grid(data.frames, spec, start=results[-1].fold.opens, end=data.closes)
    return {profile.name: _on_time_and_late(priced, results[-1:], profile, spec)}


def walk_into_lockbox(market: Market, spec: Experiment, walked: Walk, say: Say = silent) -> Walk:
    """The walk over the whole history: one fold more, which trains on all before the lock-box and is tested inside."""
    data = Dataset.build(market.bars, market.interval, spec.barriers, spec.costs)
    opens = to_ms(lockbox_opens(market.bars, spec.folds.lockbox))
    embargo_ms = interval_ms(spec.embargo(market.interval))
    labels = tuple(data.labels.values())
    fold = Fold(
        index=len(walked.results),
        train=tuple(one.is_labelled & (one.end.max(axis=1) <= opens - embargo_ms) for one in labels),
        test=tuple(one.start >= opens for one in labels),
        opens=opens,
        closes=data.closes,
    )
    record = _extended(walked.record, walked.data, data)
    result = research_fold(data, spec, fold, record, walked.results[0].fold.opens, say)
    return Walk(data, record, (*walked.results, result))


def fit_on_everything(spec: Experiment, walked: Walk, say: Say = silent) -> FoldResult:
    """One fold more, which trains on every label of the walk's data and is tested nowhere: what is to decide from now.

    Calibration, prices, ranks and the auditor are fitted on the walk's record, which is out of fold.
    """
    data = walked.data
    everything = Fold(
        index=len(walked.results),
        train=data.labelled,
        test=tuple(np.zeros(len(mask), bool) for mask in data.labelled),
        opens=data.closes,
        closes=data.closes,
    )
    return research_fold(data, spec, everything, walked.record, walked.results[0].fold.opens, say)


def _extended(record: Record, before: Dataset, data: Dataset) -> Record:
    """The record with room for the lock-box's rows, which follow those of each symbol, and for symbols new in it."""
    sizes = tuple(map(len, data.frames.values()))

    def room_for_all(held: tuple[FloatArray, ...]) -> tuple[FloatArray, ...]:
        so_far = dict(zip(before.symbols, held, strict=True))
        grown = tuple(np.full((n, 2), np.nan) for n in sizes)
        for values, symbol in zip(grown, data.symbols, strict=True):
            if symbol in so_far:
                values[: len(so_far[symbol])] = so_far[symbol]
        return grown

    return Record(sizes, {name: room_for_all(held) for name, held in record.log_odds.items()})
