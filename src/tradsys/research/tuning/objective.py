"""The objective of a study: what out-of-fold forecasts are worth in nats a year, less how unstable that worth is.

Trials differ in barriers and horizon, hence in their labels, and a loss or a gain a label means another thing under
each. Both measures are therefore *rates*, nats a year, and both are about direction alone: how far prices move is easy
to forecast and earns nothing, yet with wide barriers and a short horizon it tells which labels end by time, so that by
log-loss over the base rate a market without any edge would prefer those.

`skill`   information: of the labels that reached a target, how much better the forecast's log-odds of the side foretold
          which, than the base rates do; times the labels that fit into a year one after the other.
`growth`  the same after costs: what betting the forecasts would have added to log wealth, to second order. Where the
          better side's expected net return e is positive, f = e / v of the wealth is staked, v being the variance of a
          label's net return, and f r - (f r)^2 / 2 of it is won; trades that overlap count by their uniqueness among
          those that the rule takes. Without costs this is the skill (Kelly, "A new interpretation of information rate",
          Bell System Technical Journal, 1956). With them, barriers so close that no forecast pays its fees earn
          nothing.

How loudly a model speaks is settled on the other folds, with the prior of `models.calibration`: by a slope of the
log-odds, and by a share of the stakes. A run calibrates each side, and there volatility that is easy to forecast lets
a groundless view of the direction through; left so, noise would like barriers that volatility says nothing about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any, Literal, NamedTuple, Self, get_args

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.carry import CONSTANT_HOURS, Funding
from tradsys.core.time import YEAR_MS
from tradsys.labels.weights import average_uniqueness
from tradsys.models.calibration import PRIOR_SD, PRIOR_SLOPE, fit_calibration, shrunk_slope
from tradsys.predictor.economics import Holding, TimeExit
from tradsys.predictor.valuation import Valuation
from tradsys.research.tuning.out_of_fold import FoldForecasts
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.fitting import fit_holding

type Measure = Literal["skill", "growth"]
MEASURES: tuple[Measure, ...] = get_args(Measure.__value__)

WORST = -1_000.0
"""Objective of a trial that diverged or could not be fitted, in nats a year: below whatever a fit can reach."""

N_BLOCKS = 30
"""Equal blocks of the first training part's time in which a score is kept, to tell how far two differ by luck."""


@dataclass(frozen=True, slots=True)
class SeedScore:
    """One seed's nats a year: of each left-out fold, and by block of time, (N_BLOCKS,), which add up to the whole."""

    by_fold: tuple[float, ...]
    blocks: FloatArray


@dataclass(frozen=True, slots=True)
class TrialScore:
    """A trial's score: nats a year by seed and fold, and by block of time, mean over seeds; `troubles` in words."""

    by_fold: tuple[tuple[float, ...], ...] = ()
    blocks: tuple[float, ...] = ()
    troubles: tuple[str, ...] = ()

    @classmethod
    def of(cls, seeds: Sequence[SeedScore]) -> Self:
        blocks = np.mean([one.blocks for one in seeds], axis=0)
        return cls(tuple(one.by_fold for one in seeds), tuple(blocks.tolist()))

    @property
    def n_folds(self) -> int:
        return len(self.by_fold[0]) if self.by_fold else 0

    @property
    def mean(self) -> float:
        """Nats a year over all folds and seeds."""
        return float(np.mean(self.by_fold)) if self.by_fold else WORST

    @property
    def instability(self) -> float:
        """Standard error over folds and spread over seeds, in nats a year: the model that trades has one seed."""
        if not self.by_fold:
            return 0.0
        return sqrt(self.spread_folds**2 + self.spread_seeds**2)

    @property
    def spread_folds(self) -> float:
        """Standard error of the mean over folds, 0 for one."""
        folds = np.mean(self.by_fold, axis=0)
        return float(folds.std(ddof=1) / sqrt(len(folds))) if len(folds) > 1 else 0.0

    @property
    def spread_seeds(self) -> float:
        """Standard deviation over seeds, 0 for one."""
        seeds = np.mean(self.by_fold, axis=1)
        return float(seeds.std(ddof=1)) if len(seeds) > 1 else 0.0

    @property
    def objective(self) -> float:
        """What a study maximises: the mean less its instability; the worst there is where anything went wrong."""
        value = self.mean - self.instability
        return max(value, WORST) if isfinite(value) and not self.troubles else WORST

    def to_dict(self) -> dict[str, Any]:
        return {"by_fold": self.by_fold, "blocks": self.blocks, "troubles": self.troubles}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """What `to_dict` wrote, to the last bit."""
        folds = tuple(tuple(seed) for seed in stored["by_fold"])
        return cls(folds, tuple(stored["blocks"]), tuple(stored["troubles"]))


@dataclass(frozen=True, slots=True)
class Span:
    """The first training part's time in ms, and the length of a bar."""

    opens: int
    closes: int
    step: int


def seed_score(folds: Sequence[FoldForecasts], spec: Experiment, measure: Measure, span: Span) -> SeedScore:
    """The score of one seed's folds; what a run fits on earlier forecasts is fitted on the other folds'."""
    nats = _skill(folds, span.step) if measure == "skill" else _growth(folds, spec, span.step)
    years = [_years(one, span.step) for one in folds]
    total = np.zeros(N_BLOCKS)
    for one, values in zip(folds, nats, strict=True):
        block = np.minimum((one.start - span.opens) * N_BLOCKS // max(span.closes - span.opens, 1), N_BLOCKS - 1)
        total += np.bincount(block, weights=values, minlength=N_BLOCKS)
    return SeedScore(
        tuple(float(values.sum() / one) for values, one in zip(nats, years, strict=True)), total / sum(years)
    )


def _skill(folds: Sequence[FoldForecasts], step: int) -> list[FloatArray]:
    """Nats that each row of each fold adds."""
    return [_information(one, _without(folds, k), step) for k, one in enumerate(folds)]


def _growth(folds: Sequence[FoldForecasts], spec: Experiment, step: int) -> list[FloatArray]:
    """What each row of each fold adds, with the share of the stakes that would have been best on the other folds."""
    bets = [_bets(one, _without(folds, k), spec, step) for k, one in enumerate(folds)]
    return [_log_growth(one, _without(bets, k)) for k, one in enumerate(bets)]


def _without[T](folds: Sequence[T], left_out: int) -> list[T]:
    return [one for k, one in enumerate(folds) if k != left_out]


def _log_growth(mine: "_Bets", others: Sequence["_Bets"]) -> FloatArray:
    precision = PRIOR_SD**-2
    gained = sum(float(one.weight @ one.won) for one in others)
    risked = sum(float(one.weight @ one.won**2) for one in others)
    share = min(max((gained + precision * PRIOR_SLOPE) / (risked + precision), 0.0), 1.0)
    won = share * mine.won
    return np.asarray(mine.weight * (won - won**2 / 2))


def _information(fold: FoldForecasts, others: Sequence[FoldForecasts], step: int) -> FloatArray:
    """Gain in log-loss over the base rates in telling the sides apart; labels count as fit into the fold's time."""
    base = float(np.log(fold.base_rate[0] / fold.base_rate[1]))
    z, up, weight = (np.concatenate(parts) for parts in zip(*map(_decided, [*others, fold]), strict=True))
    n = len(z) - len(_decided(fold)[0])
    has_both = 0 < up[:n].sum() < n
    slope = shrunk_slope(z[:n], up[:n], weight[:n]) if has_both else PRIOR_SLOPE
    is_decided = fold.y.sum(axis=1) == 1
    long = fold.y[is_decided, 0]
    odds = base + slope * (z[n:] - base)
    gain = np.zeros(len(fold.start))
    gain[is_decided] = (np.logaddexp(0, base) - long * base) - (np.logaddexp(0, odds) - long * odds)
    lives = float((fold.end - fold.start[:, None]).sum()) / 2
    return np.asarray(gain * (_years(fold, step) * YEAR_MS / lives))


def _decided(fold: FoldForecasts) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log-odds that the long side's target came rather than the short's, whether it did, and weight, where one did."""
    rows = fold.y.sum(axis=1) == 1
    z = -np.logaddexp(0, -fold.logits[rows, 0]) + np.logaddexp(0, -fold.logits[rows, 1])
    return z, fold.y[rows, 0], fold.weight[rows].mean(axis=1)


class _Bets(NamedTuple):
    """What full stakes won as shares of the wealth, and how far each counts as a trade of its own; both (n,)."""

    won: FloatArray
    weight: FloatArray


def _bets(fold: FoldForecasts, others: Sequence[FoldForecasts], spec: Experiment, step: int) -> _Bets:
    """Bets on the better side wherever it is expected to pay its costs; a fold alone is judged by the priors."""
    names = ("logits", "y", "weight", "timeout", "timed_out", "ret_atr")
    none = np.empty((0, 2))
    logits, y, weight, timeout, timed_out, ret_atr = (
        np.concatenate([none, *(getattr(other, name) for other in others)]) for name in names
    )
    calibration = fit_calibration(logits, y, weight, base_rate=fold.base_rate)
    valuation = Valuation(
        calibration=calibration,
        timeout_calibration=fit_calibration(timeout, timed_out, weight, base_rate=fold.timeout_rate),
        time_exit=TimeExit.fit(calibration.apply(logits), ret_atr, timed_out.astype(bool), weight),
        upper=spec.barriers.upper,
        lower=spec.barriers.lower,
        costs=spec.costs,
        sides=spec.sides,
        holding=_holding(others or [fold], spec, step),
    )
    carry = _carry(valuation.holding, fold)
    judged = valuation.value(fold.logits, fold.timeout, fold.atr_over_price, carry, slippage=fold.slippage)
    chosen = (np.arange(len(judged.best_side)), judged.best_side)
    in_atr = np.concatenate([one.net / one.atr_over_price[:, None] for one in (others or [fold])])
    variance = float((in_atr**2).mean()) * fold.atr_over_price**2
    stake = np.maximum(judged.expected_net[chosen], 0.0) / variance
    return _Bets(stake * fold.net[chosen], _uniqueness(fold, judged.best_side, stake > 0))


def _holding(folds: Sequence[FoldForecasts], spec: Experiment, step: int) -> Holding | None:
    """How long trades were held, where that costs anything."""
    start, end, weight = (np.concatenate([getattr(one, name) for one in folds]) for name in ("start", "end", "weight"))
    return fit_holding(spec, step, start, end, weight, has_settled_rates=len(folds[0].funding) > 0)


def _carry(holding: Holding | None, fold: FoldForecasts) -> FloatArray | None:
    """What holding was expected to cost; without funding, by borrowing alone."""
    if holding is None:
        return None
    nothing = np.zeros(len(fold.start))
    known = fold.funding.T if len(fold.funding) else (nothing, nothing + CONSTANT_HOURS, nothing)
    return holding.ahead(Funding(nothing, nothing, *known))


def _uniqueness(fold: FoldForecasts, side: IntArray, is_taken: BoolArray) -> FloatArray:
    """Average uniqueness of each trade among those of its symbol that are taken, 0 for the others, (n,)."""
    unique = np.zeros(len(fold.start))
    for symbol in np.unique(fold.symbol):
        rows = np.flatnonzero((fold.symbol == symbol) & is_taken)
        if len(rows):
            unique[rows] = average_uniqueness(fold.start[rows], fold.end[rows, side[rows]])
    return unique


def _years(fold: FoldForecasts, step: int) -> float:
    """Length of the fold in years, summed over symbols."""
    starts: list[IntArray] = [fold.start[fold.symbol == s] for s in np.unique(fold.symbol)]
    return sum(int(s.max() - s.min()) + step for s in starts) / YEAR_MS
