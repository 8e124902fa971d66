"""Proven, not proven or refuted: the procedure of docs/verdict.md, whose error rates were measured.

An edge is proven where the trial makes money after costs, *and* more than its exposure to the market made,
*and* where its timing beats the same positions shifted against the market; all stepped down over every trial known on
the data. No test alone is a verdict: the first calls a bull market skill, the last calls skill that its costs eat a
success, and without the second the two can be passed by a drift and by a skill that have nothing to do with each other.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from types import MappingProxyType

import numpy as np

from tradsys.core.errors import ConfigError
from tradsys.core.time import DAYS_A_YEAR
from tradsys.journal.trial import TrialSeries
from tradsys.verdict.align import Aligned, aligned
from tradsys.verdict.alpha import Benchmark
from tradsys.verdict.legs import ask, critical
from tradsys.verdict.profile_verdict import Luck, tested, untested, without_neighbours_of_impossible
from tradsys.verdict.refusals import at_least
from tradsys.verdict.results import JointVerdict, VerdictSpec
from tradsys.verdict.sharpe import normal_upper_quantile
from tradsys.verdict.skill import POWER_QUANTILE

DEFAULT_SPEC = VerdictSpec()


def judge(
    own: Sequence[TrialSeries],
    others: Sequence[TrialSeries] = (),
    *,
    n_counted: int = 0,
    spec: VerdictSpec = DEFAULT_SPEC,
    benchmark: Benchmark = "symbols",
    guard_bars: int,
    seed: int,
    causes: Mapping[str, str] = MappingProxyType({}),
) -> JointVerdict:
    """Judge the profiles of one run against everything else that was tried on its data.

    `own` share days, grid and opens; their keys are the profiles' names. `others` are the stored series of earlier
    trials, `n_counted` the number of those without one. `benchmark` is what the records' alphas are against: holding
    each symbol, or the universe that symbols are chosen from. `guard_bars` is label horizon plus the longest lookback:
    shifts nearer than twice that are not random. The same trial among both counts once. A record that was ruined, or
    that ends below its beginning, is never proven; `causes` says by profile what ruined it, in words.
    """
    at_least(0, n_counted=n_counted, guard_bars=guard_bars)
    run = _shared_record(own)
    known: dict[str, Aligned | None] = {
        trial.digest: Aligned(trial.daily, trial.position, trial.n_trades, trial.delayed) for trial in own
    }
    for trial in others:
        if trial.digest not in known:
            known[trial.digest] = aligned(trial, run)
    on_run = [trial for trial in known.values() if trial is not None]
    has_history = run.n_days_with_bars >= spec.min_days
    live = [trial for trial in on_run if has_history and _is_live(trial, spec)]
    n_trials = len(known) + n_counted
    n_unseen = n_trials - len(live)
    own_live = [k for k, trial in enumerate(own) if has_history and _is_live(on_run[k], spec)]
    luck = Luck.of(on_run, n_trials)
    legs = ask(live, run, n_unseen, spec, benchmark=benchmark, guard_bars=guard_bars, seed=seed) if live else None
    profiles = {}
    for k, trial in enumerate(own):
        if legs is None or k not in own_live:
            profiles[trial.key] = untested(trial, luck, spec, causes.get(trial.key, ""))
        else:
            place = own_live.index(k), len(own_live)
            profiles[trial.key] = tested(trial, place, legs, luck, spec, causes.get(trial.key, ""), seed)
    profiles = without_neighbours_of_impossible(profiles, luck, spec)
    if legs is None:
        critical_net, critical_skill = normal_upper_quantile(spec.alpha, n_trials), None
    else:
        critical_net = critical(legs.money.draws, n_unseen, spec.alpha)
        critical_skill = critical(legs.timing.null, n_unseen, spec.alpha)
    return JointVerdict(
        profiles=profiles,
        n_days=len(run.days),
        n_trials=n_trials,
        n_effective_trials=luck.n_effective,
        n_compared=len(live),
        detectable_sharpe=(critical_net + POWER_QUANTILE) * sqrt(DAYS_A_YEAR / len(run.days)),
        critical_net=critical_net,
        critical_skill=critical_skill,
        sharpe_variance=luck.sharpe_variance,
    )


def _shared_record(own: Sequence[TrialSeries]) -> TrialSeries:
    """The run's days, grid and opens, which all its profiles must share."""
    if not own:
        raise ConfigError("judging needs at least one profile's series, found none")
    run = own[0]
    if len({trial.key for trial in own}) < len(own):
        raise ConfigError(f"profiles need keys of their own, found {[trial.key for trial in own]}")
    for trial in own:
        same = (
            trial.symbols == run.symbols
            and np.array_equal(trial.days, run.days)
            and np.array_equal(trial.grid, run.grid)
            and np.array_equal(trial.opens, run.opens, equal_nan=True)
        )
        if not same or trial.opens.shape != trial.position.shape:
            raise ConfigError(f"profiles of one run share days, grid and opens; {trial.key!r} differs from {run.key!r}")
    return run


def _is_live(trial: Aligned, spec: VerdictSpec) -> bool:
    """Enough trades and movement for its statistics to mean anything."""
    return trial.n_trades >= spec.min_trades and bool(np.ptp(trial.daily) > 0)
