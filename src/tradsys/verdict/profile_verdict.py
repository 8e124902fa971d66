"""One profile's verdict: what its legs make of it, in a word and a sentence, and what is shown beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, sqrt
from typing import Any, Final

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.time import DAYS_A_YEAR
from tradsys.journal.trial import TrialSeries
from tradsys.verdict import sentences
from tradsys.verdict.align import Aligned
from tradsys.verdict.delay import KEPT, kept_when_late
from tradsys.verdict.lately import last_third, since_when_over
from tradsys.verdict.legs import Legs
from tradsys.verdict.results import Leg, ProfileVerdict, Verdict, VerdictSpec
from tradsys.verdict.ruin import kept, ruined_on, unflattered
from tradsys.verdict.sharpe import (
    Moments,
    deflated_sharpe_ratio,
    min_track_record_length,
    moments,
    probabilistic_sharpe_ratio,
)
from tradsys.verdict.stepdown import effective_trials


@dataclass(frozen=True, slots=True)
class Luck:
    """What the best of all trials owes to luck: their number, what it is worth, and how their Sharpe ratios vary."""

    n_trials: int
    n_effective: float
    sharpe_variance: float | None

    @classmethod
    def of(cls, known: Sequence[Aligned], n_trials: int) -> "Luck":
        """From the known trials that move; each other counts whole, and with fewer than two the spread is unknown."""
        daily = np.stack([trial.daily for trial in known])
        daily = daily[np.ptp(daily, axis=1) > 0]
        n_effective = n_trials - len(daily) + (effective_trials(daily) if len(daily) else 0.0)
        if len(daily) < 2:
            return cls(n_trials, n_effective, None)
        return cls(n_trials, n_effective, float(np.var(daily.mean(axis=1) / daily.std(axis=1, ddof=1), ddof=1)))


TOO_GOOD_SHARPE: Final = 10.0
TOO_GOOD_GROWTH: Final = 1e6
"""Annual net Sharpe ratio above which, and growth of the capital from which, the data are to be looked at first."""


def tested(
    trial: TrialSeries, place: tuple[int, int], legs: Legs, luck: Luck, spec: VerdictSpec, cause: str, seed: int
) -> ProfileVerdict:
    """Verdict of the run's k-th live profile of `n_own`, its `place`, which come first among the compared trials."""
    k, n_own = place
    n_days = len(trial.days)
    lowest = float(np.quantile(legs.money.draws[:, :n_own].min(axis=1), spec.alpha))
    upper = (float(legs.money.t[k]) - lowest) * sqrt(DAYS_A_YEAR / n_days)
    p_net, p_alpha, p_skill = float(legs.p_net[k]), float(legs.p_alpha[k]), float(legs.p_skill[k])
    ruin, share = ruined_on(trial.days, trial.daily), kept(trial.daily)
    has_lost = p_net <= spec.alpha and share < 1.0
    if ruin or has_lost:
        p_net = 1.0  # the mean of its days does not say that all of it is gone
    p_late = None if legs.p_late is None or trial.delayed is None else float(legs.p_late[k])
    p = max(p_net, p_alpha, p_skill)
    m = moments(unflattered(trial.daily))
    annual = m.sharpe * sqrt(DAYS_A_YEAR)
    rests_on = sentences.record(trial.n_trades, n_days, luck.n_trials, spec)
    late = kept_when_late(trial)
    sharpe_late = None if trial.delayed is None else _annual_sharpe(trial.delayed)
    lately = last_third(trial, spec, seed)
    too_good = not ruin and (annual > TOO_GOOD_SHARPE or share >= TOO_GOOD_GROWTH)
    leg = "data" if too_good else _failed(p_net, p_alpha, p_skill, late, p_late, spec)
    verdict: Verdict
    over = since_when_over(trial, lately, spec, seed) if leg is None else None
    until = None if over is None else over.since
    if leg is None:
        p = max(p, p_late or 0.0)
        verdict, sentence = "proven", sentences.proven(annual, p, rests_on, until=until)
    elif leg == "data":
        verdict, sentence = "not proven", sentences.too_good(annual, share, rests_on)
    elif upper < spec.refute_below:
        verdict, sentence = "refuted", sentences.refuted(upper, spec, rests_on)
        if ruin:
            sentence = sentences.refuted_by_ruin(ruin, cause, upper, spec, rests_on)
    elif ruin:
        verdict, sentence = "not proven", sentences.ruined(ruin, cause, rests_on)
    elif has_lost:
        verdict, sentence = "not proven", sentences.lost(share, rests_on)
    elif leg == "delay":
        verdict = "not proven"
        if late is not None and late >= KEPT and p_late is not None and sharpe_late is not None:
            sentence = sentences.luck_when_late(late, p_late, legs.company, KEPT, annual, sharpe_late, rests_on)
        else:
            sentence = sentences.gone_when_late(late, annual, sharpe_late, KEPT, rests_on)
    else:
        verdict = "not proven"
        sentence = sentences.not_proven(leg, annual, p, rests_on, has_alpha=float(legs.alpha.t[k]) > 0)
    if lately is not None and verdict != "refuted" and leg != "data" and not ruin:
        sentence = sentences.with_lately(sentence, over or lately, is_over=over is not None)
    return ProfileVerdict(
        verdict=verdict,
        sentence=sentence,
        leg=leg,
        n_trades=trial.n_trades,
        n_days=n_days,
        p=p,
        p_net=p_net,
        p_alpha=p_alpha,
        p_skill=p_skill,
        t_net=float(legs.money.t[k]),
        t_alpha=float(legs.alpha.t[k]),
        z_skill=float(legs.timing.z[k]),
        upper_bound=upper,
        ruined_on=ruin,
        kept_late=late,
        p_late=p_late,
        sharpe_late=sharpe_late,
        lately=lately,
        until=until,
        **_shown(m, luck),
    )


def _annual_sharpe(daily: FloatArray) -> float | None:
    """Of daily net returns as they may be shown; None where they never move."""
    return moments(unflattered(daily)).sharpe * sqrt(DAYS_A_YEAR) if np.ptp(daily) > 0 else None


def _failed(
    p_net: float, p_alpha: float, p_skill: float, late: float | None, p_late: float | None, spec: VerdictSpec
) -> Leg | None:
    """The leg that keeps a profile from being proven; alpha and delay only where money and timing stand alone."""
    if min(p_net, p_skill) > spec.alpha:
        return "both"
    if p_net > spec.alpha:
        return "money"
    if p_skill > spec.alpha:
        return "timing"
    if p_alpha > spec.alpha:
        return "alpha"
    is_left = late is not None and late >= KEPT
    return None if is_left and (p_late is None or p_late <= spec.alpha) else "delay"


def untested(trial: TrialSeries, luck: Luck, spec: VerdictSpec, cause: str) -> ProfileVerdict:
    """Too few days or trades, or a record that never moves: neither provable nor refutable."""
    n_days = len(trial.days)
    if trial.n_days_with_bars < spec.min_days <= n_days:
        n_days = trial.n_days_with_bars
    leg: Leg = "history" if n_days < spec.min_days else "trades"
    is_short = n_days < spec.min_days or trial.n_trades < spec.min_trades
    sentence = sentences.too_little(n_days, trial.n_trades, spec) if is_short else sentences.never_moved(n_days)
    if ruin := ruined_on(trial.days, trial.daily):
        sentence = sentences.ruined(ruin, cause, sentences.record(trial.n_trades, n_days, luck.n_trials, spec))
    return ProfileVerdict(
        verdict="not proven",
        sentence=sentence,
        leg=leg,
        n_trades=trial.n_trades,
        n_days=n_days,
        ruined_on=ruin,
        **(_shown(moments(unflattered(trial.daily)), luck) if np.ptp(trial.daily) > 0 else {}),
    )


def without_neighbours_of_impossible(
    profiles: Mapping[str, ProfileVerdict], luck: Luck, spec: VerdictSpec
) -> dict[str, ProfileVerdict]:
    """A run's verdicts, with none proven beside a profit that cannot be: both were made on the same data."""
    impossible = [name for name, one in profiles.items() if one.leg == "data"]
    if not impossible:
        return dict(profiles)
    found = {}
    for name, one in profiles.items():
        if one.verdict == "proven":
            rests_on = sentences.record(one.n_trades, one.n_days, luck.n_trials, spec)
            sentence = sentences.beside_too_good(impossible, one.sharpe or 0.0, rests_on)
            one = replace(one, verdict="not proven", leg="data", sentence=sentence, until=None)
        found[name] = one
    return found


def _shown(m: Moments, luck: Luck) -> dict[str, Any]:
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
