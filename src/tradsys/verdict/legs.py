"""The questions that a verdict asks of every trial that can be compared, each p-value stepped down over all trials."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from tradsys.core.arrays import FloatArray
from tradsys.core.seeds import generator
from tradsys.journal.trial import TrialSeries
from tradsys.verdict.align import Aligned
from tradsys.verdict.alpha import Benchmark, alpha_days, market_days
from tradsys.verdict.delay import Company, delayed_days
from tradsys.verdict.results import VerdictSpec
from tradsys.verdict.ruin import kept
from tradsys.verdict.sharpe import chance_of_none
from tradsys.verdict.shift import Shifted, bar_returns, circular_shifts
from tradsys.verdict.stationary import Studentised, studentised_blocks
from tradsys.verdict.stepdown import romano_wolf


@dataclass(frozen=True, slots=True)
class Legs:
    """Money after costs, alpha and timing of the trials that could be compared; each p has shape (n_compared,).

    `p_late` is the same of the money with every order one bar later, NaN where that was not simulated. It is asked, and
    known, only where most trials of the `company` that passes the other questions are gone by then.
    """

    money: Studentised
    alpha: Studentised
    timing: Shifted
    p_net: FloatArray
    p_alpha: FloatArray
    p_skill: FloatArray
    company: Company
    p_late: FloatArray | None


def ask(
    live: Sequence[Aligned],
    run: TrialSeries,
    n_unseen: int,
    spec: VerdictSpec,
    *,
    benchmark: Benchmark,
    guard_bars: int,
    seed: int,
) -> Legs:
    """All legs for trials on the run's days and bars; `n_unseen` more trials are known only by number.

    Money and alpha are the same bootstrap of daily returns with the same blocks.
    """
    market = market_days(run.opens, run.grid, run.days, benchmark)
    daily = np.stack([trial.daily for trial in live])
    money = bootstrapped(daily, spec, seed)
    alpha = bootstrapped(alpha_days(daily, market), spec, seed)
    timing = circular_shifts([trial.position for trial in live], bar_returns(run.opens), guard_bars)
    p_net = _stepped_down(money.t, money.draws, n_unseen)
    p_alpha = _stepped_down(alpha.t, alpha.draws, n_unseen)
    p_skill = _stepped_down(timing.z, timing.null, n_unseen)
    has_gained = np.array([kept(trial.daily) >= 1.0 for trial in live])
    passes = has_gained & (np.maximum.reduce([p_net, p_alpha, p_skill]) <= spec.alpha)
    company = Company.of(live, passes)
    return Legs(
        money=money,
        alpha=alpha,
        timing=timing,
        p_net=p_net,
        p_alpha=p_alpha,
        p_skill=p_skill,
        company=company,
        p_late=_money_when_late(live, n_unseen, spec, seed) if company.is_mostly_gone else None,
    )


def _money_when_late(live: Sequence[Aligned], n_unseen: int, spec: VerdictSpec, seed: int) -> FloatArray:
    """The p of the money with every order one bar later; trials that were never delayed are known only by number."""
    delayed, known = delayed_days(live)
    late = bootstrapped(delayed, spec, seed)
    p = np.full(len(live), np.nan)
    p[known] = _stepped_down(late.t, late.draws, n_unseen + int(np.count_nonzero(~known)))
    return p


def bootstrapped(daily: FloatArray, spec: VerdictSpec, seed: int) -> Studentised:
    """The verdict's bootstrap of daily returns (n_trials, n_days): the same blocks whenever the days are as many."""
    return studentised_blocks(daily, spec.block_days, spec.n_bootstrap, generator(seed, "verdict", "bootstrap"))


def _stepped_down(statistic: FloatArray, null: FloatArray, n_unseen: int) -> FloatArray:
    """Romano and Wolf's p; trials known only by number are independent, standard normal, and none of them this good."""
    p = romano_wolf(statistic, null)
    none = np.array([chance_of_none(float(x), n_unseen) for x in statistic])
    return np.asarray(p + (1 - p) * (1 - none))


def critical(draws: FloatArray, n_unseen: int, alpha: float) -> float:
    """What the best of all trials, the unseen included, exceeds with probability `alpha` where nothing is there."""
    largest = np.sort(draws.max(axis=1))
    candidates = np.union1d(largest, np.linspace(-2.0, 8.0, 10_001))
    below = np.searchsorted(largest, candidates, side="right") / len(largest) * np.exp(n_unseen * log_ndtr(candidates))
    return float(candidates[np.argmax(below >= 1 - alpha)])
