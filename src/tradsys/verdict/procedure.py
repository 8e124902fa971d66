"""Proven, not proven or refuted: the procedure of docs/verdict.md, whose error rates were measured.

An edge is proven where the trial makes money after costs *and* where its timing beats the same positions shifted
against the market, both stepped down over every trial known on the data. Neither test alone is a verdict: the first
calls a bull market skill, the second calls skill that its costs eat a success.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from types import MappingProxyType

import numpy as np
from scipy.special import log_ndtr

from tradsys.core.arrays import Float32Array, FloatArray
from tradsys.core.errors import ConfigError
from tradsys.core.seeds import generator
from tradsys.core.time import DAYS_A_YEAR
from tradsys.journal.trial import TrialSeries
from tradsys.verdict import sentences
from tradsys.verdict.align import Aligned, aligned
from tradsys.verdict.refusals import at_least
from tradsys.verdict.results import JointVerdict, Leg, ProfileVerdict, Verdict, VerdictSpec
from tradsys.verdict.ruin import kept, ruined_on, unflattered
from tradsys.verdict.sharpe import (
    Moments,
    chance_of_none,
    deflated_sharpe_ratio,
    min_track_record_length,
    moments,
    normal_upper_quantile,
    probabilistic_sharpe_ratio,
)
from tradsys.verdict.shift import bar_returns, circular_shifts
from tradsys.verdict.skill import POWER_QUANTILE
from tradsys.verdict.stationary import studentised_blocks
from tradsys.verdict.stepdown import effective_trials, romano_wolf

DEFAULT_SPEC = VerdictSpec()


@dataclass(frozen=True, slots=True)
class _Tested:
    """Both legs for the trials that could be compared, each of shape (n_compared,) or (n_draws, n_compared)."""

    t: FloatArray
    t_draws: FloatArray
    p_net: FloatArray
    z: FloatArray
    z_draws: FloatArray
    p_skill: FloatArray


@dataclass(frozen=True, slots=True)
class _Luck:
    """What the best of all trials owes to luck: their number, what it is worth, and how their Sharpe ratios vary."""

    n_trials: int
    n_effective: float
    sharpe_variance: float | None


def judge(
    own: Sequence[TrialSeries],
    others: Sequence[TrialSeries] = (),
    *,
    n_counted: int = 0,
    spec: VerdictSpec = DEFAULT_SPEC,
    guard_bars: int,
    seed: int,
    causes: Mapping[str, str] = MappingProxyType({}),
) -> JointVerdict:
    """Judge the profiles of one run against everything else that was tried on its data.

    `own` share days, grid and opens; their keys are the profiles' names. `others` are the stored series of earlier
    trials, `n_counted` the number of those without one. `guard_bars` is label horizon plus the longest lookback: shifts
    nearer than twice that are not random. The same trial among both counts once. A record that was ruined, or that
    ends below its beginning, is never proven; `causes` says by profile what ruined it, in words.
    """
    at_least(0, n_counted=n_counted, guard_bars=guard_bars)
    run = _shared_record(own)
    known: dict[str, Aligned | None] = {
        trial.digest: Aligned(trial.daily, trial.position, trial.n_trades) for trial in own
    }
    for trial in others:
        if trial.digest not in known:
            known[trial.digest] = aligned(trial, run)
    on_run = [trial for trial in known.values() if trial is not None]
    live = [trial for trial in on_run if _is_live(trial, spec)]
    n_trials = len(known) + n_counted
    n_unseen = n_trials - len(live)
    own_live = [k for k, trial in enumerate(own) if _is_live(on_run[k], spec)]
    luck = _luck(on_run, n_trials)
    tested = _test(live, run, n_unseen, spec, guard_bars, seed) if live else None
    profiles = {}
    for k, trial in enumerate(own):
        if tested is None or k not in own_live:
            profiles[trial.key] = _untested(trial, luck, spec, causes.get(trial.key, ""))
        else:
            place = own_live.index(k), len(own_live)
            profiles[trial.key] = _tested(trial, place, tested, luck, spec, causes.get(trial.key, ""))
    if tested is None:
        critical_net, critical_skill = normal_upper_quantile(spec.alpha, n_trials), None
    else:
        critical_net = _critical(tested.t_draws, n_unseen, spec.alpha)
        critical_skill = _critical(tested.z_draws, n_unseen, spec.alpha)
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
    """Enough history, trades and movement for its statistics to mean anything."""
    return trial.n_trades >= spec.min_trades and len(trial.daily) >= spec.min_days and bool(np.ptp(trial.daily) > 0)


def _test(
    live: Sequence[Aligned], run: TrialSeries, n_unseen: int, spec: VerdictSpec, guard_bars: int, seed: int
) -> _Tested:
    daily = np.stack([trial.daily for trial in live])
    money = studentised_blocks(daily, spec.block_days, spec.n_bootstrap, generator(seed, "verdict", "bootstrap"))
    positions: list[Float32Array] = [trial.position for trial in live]
    timing = circular_shifts(positions, bar_returns(run.opens), guard_bars)
    return _Tested(
        t=money.t,
        t_draws=money.draws,
        p_net=_with_unseen(romano_wolf(money.t, money.draws), money.t, n_unseen),
        z=timing.z,
        z_draws=timing.null,
        p_skill=_with_unseen(romano_wolf(timing.z, timing.null), timing.z, n_unseen),
    )


def _with_unseen(p: FloatArray, statistic: FloatArray, n_unseen: int) -> FloatArray:
    """Add trials known only by number: each independent, standard normal, and none of them this good."""
    none = np.array([chance_of_none(float(x), n_unseen) for x in statistic])
    return np.asarray(p + (1 - p) * (1 - none))


def _critical(draws: FloatArray, n_unseen: int, alpha: float) -> float:
    """What the best of all trials, the unseen included, exceeds with probability `alpha` where nothing is there."""
    largest = np.sort(draws.max(axis=1))
    candidates = np.union1d(largest, np.linspace(-2.0, 8.0, 10_001))
    below = np.searchsorted(largest, candidates, side="right") / len(largest) * np.exp(n_unseen * log_ndtr(candidates))
    return float(candidates[np.argmax(below >= 1 - alpha)])


def _tested(
    trial: TrialSeries, place: tuple[int, int], tested: _Tested, luck: _Luck, spec: VerdictSpec, cause: str
) -> ProfileVerdict:
    """Verdict of the run's k-th live profile of `n_own`, its `place`, which come first among the compared trials."""
    k, n_own = place
    n_days = len(trial.days)
    lowest = float(np.quantile(tested.t_draws[:, :n_own].min(axis=1), spec.alpha))
    upper = (float(tested.t[k]) - lowest) * sqrt(DAYS_A_YEAR / n_days)
    p_net, p_skill = float(tested.p_net[k]), float(tested.p_skill[k])
    ruin, share = ruined_on(trial.days, trial.daily), kept(trial.daily)
    has_lost = p_net <= spec.alpha and share < 1.0
    if ruin or has_lost:
        p_net = 1.0  # the mean of its days does not say that all of it is gone
    p = max(p_net, p_skill)
    m = moments(unflattered(trial.daily))
    annual = m.sharpe * sqrt(DAYS_A_YEAR)
    rests_on = sentences.record(trial.n_trades, n_days, luck.n_trials)
    verdict: Verdict
    leg: Leg | None = None
    if p <= spec.alpha:
        verdict, sentence = "proven", sentences.proven(annual, p, rests_on)
    else:
        leg = "both" if min(p_net, p_skill) > spec.alpha else ("money" if p_net > spec.alpha else "timing")
        if upper < spec.refute_below:
            verdict, sentence = "refuted", sentences.refuted(upper, spec, rests_on)
            if ruin:
                sentence = sentences.refuted_by_ruin(ruin, cause, upper, spec, rests_on)
        elif ruin:
            verdict, sentence = "not proven", sentences.ruined(ruin, cause, rests_on)
        elif has_lost:
            verdict, sentence = "not proven", sentences.lost(share, rests_on)
        else:
            verdict, sentence = "not proven", sentences.not_proven(leg, annual, p, rests_on)
    return ProfileVerdict(
        verdict=verdict,
        sentence=sentence,
        leg=leg,
        n_trades=trial.n_trades,
        n_days=n_days,
        p=p,
        p_net=p_net,
        p_skill=p_skill,
        t_net=float(tested.t[k]),
        z_skill=float(tested.z[k]),
        upper_bound=upper,
        ruined_on=ruin,
        **_shown(m, luck),
    )


def _untested(trial: TrialSeries, luck: _Luck, spec: VerdictSpec, cause: str) -> ProfileVerdict:
    """Too few days or trades, or a record that never moves: neither provable nor refutable."""
    n_days = len(trial.days)
    leg: Leg = "history" if n_days < spec.min_days else "trades"
    is_short = n_days < spec.min_days or trial.n_trades < spec.min_trades
    sentence = sentences.too_little(n_days, trial.n_trades, spec) if is_short else sentences.never_moved(n_days)
    if ruin := ruined_on(trial.days, trial.daily):
        sentence = sentences.ruined(ruin, cause, sentences.record(trial.n_trades, n_days, luck.n_trials))
    return ProfileVerdict(
        verdict="not proven",
        sentence=sentence,
        leg=leg,
        n_trades=trial.n_trades,
        n_days=n_days,
        ruined_on=ruin,
        **(_shown(moments(unflattered(trial.daily)), luck) if np.ptp(trial.daily) > 0 else {}),
    )


def _shown(m: Moments, luck: _Luck) -> dict[str, float | None]:
    """Statistics that are shown with the verdict: annual Sharpe, PSR, DSR, minimum track record."""
    shape = {"skewness": m.skewness, "kurtosis": m.kurtosis}
    needed = min_track_record_length(m.sharpe, **shape)
    spread = luck.sharpe_variance or 0.0
    return {
        "sharpe": m.sharpe * sqrt(DAYS_A_YEAR),
        "psr": probabilistic_sharpe_ratio(m.sharpe, m.n_obs, **shape),
        "dsr": deflated_sharpe_ratio(m.sharpe, m.n_obs, n_trials=luck.n_effective, trials_variance=spread, **shape),
        "min_track_record_days": needed if isfinite(needed) else None,
    }


def _luck(known: Sequence[Aligned], n_trials: int) -> _Luck:
    """From the known trials that move; every other one counts whole, and the spread is unknown with fewer than two."""
    daily = np.stack([trial.daily for trial in known])
    daily = daily[np.ptp(daily, axis=1) > 0]
    n_effective = n_trials - len(daily) + (effective_trials(daily) if len(daily) else 0.0)
    if len(daily) < 2:
        return _Luck(n_trials, n_effective, None)
    return _Luck(n_trials, n_effective, float(np.var(daily.mean(axis=1) / daily.std(axis=1, ddof=1), ddof=1)))
