"""What a configuration's out-of-fold forecasts are worth in nats a year, less how unstable that worth is.

Trials differ in barriers and horizon, hence in their labels, and a loss or a gain a label means another thing under
each. Both measures are therefore *rates*: what independent labels are worth, added up over a year.

`skill`   information: the gain in log-loss over volatility alone on the same labels, times the labels that fit into a
          year one after the other. The base rate would be no reference: with wide barriers and a short horizon
          volatility tells, year after year, which labels end by time, so that a market without any edge would prefer
          them.
`growth`  the same after costs: what betting the forecasts would have added to log wealth, to second order. Where the
          better side's expected net return e is positive, f = e / v of the wealth is staked, v being the variance of a
          label's net return, and f r - (f r)^2 / 2 of it is won; trades that overlap count by their uniqueness among
          those that the rule takes. Without costs this is the skill in telling the two sides apart (Kelly, "A new
          interpretation of information rate", 1956). With them, barriers so close that no forecast pays its fees earn
          nothing; less than nothing is only earned by claiming too much.

A forecaster that knows nothing scores zero or less under every barrier, so that noise prefers none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any, Literal, Self, get_args

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.labels.uniqueness import average_uniqueness
from tradsys.models.calibration import Calibration, fit_calibration
from tradsys.predictor.economics import TimeExit
from tradsys.predictor.judgement import Judge
from tradsys.research.spec import Experiment
from tradsys.research.tuning.forecasts import Said
from tradsys.verdict.scores import log_loss

type Measure = Literal["skill", "growth"]
MEASURES: tuple[Measure, ...] = get_args(Measure.__value__)

WORST = -1_000.0
"""Objective of a trial that diverged or could not be fitted, in nats a year: below whatever a fit can reach."""

N_BLOCKS = 30
"""Equal blocks of the tuning part's time in which a score is kept, to tell how far two of them differ by luck."""

_YEAR_MS = 365 * 86_400_000


@dataclass(frozen=True, slots=True)
class Worth:
    """One seed's nats a year: of each left-out fold, and by block of time, (N_BLOCKS,), which add up to the whole."""

    by_fold: tuple[float, ...]
    blocks: FloatArray


@dataclass(frozen=True, slots=True)
class Score:
    """A trial's score: nats a year by seed and fold, and by block of time, mean over seeds; `troubles` in words."""

    by_fold: tuple[tuple[float, ...], ...] = ()
    blocks: tuple[float, ...] = ()
    troubles: tuple[str, ...] = ()

    @classmethod
    def of(cls, seeds: Sequence[Worth]) -> Self:
        """From every seed's worth."""
        blocks = np.mean([one.blocks for one in seeds], axis=0)
        return cls(tuple(one.by_fold for one in seeds), tuple(blocks.tolist()))

    @property
    def n_folds(self) -> int:
        """Folds that were scored."""
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
        """JSON-able."""
        return {"by_fold": self.by_fold, "blocks": self.blocks, "troubles": self.troubles}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """What `to_dict` wrote, to the last bit."""
        folds = tuple(tuple(seed) for seed in stored["by_fold"])
        return cls(folds, tuple(stored["blocks"]), tuple(stored["troubles"]))


@dataclass(frozen=True, slots=True)
class Span:
    """The tuning part's time in ms, and the length of a bar."""

    opens: int
    closes: int
    step: int


def worth(said: Sequence[Said], spec: Experiment, measure: Measure, span: Span) -> Worth:
    """What one seed's folds are worth; what a run fits on earlier forecasts is fitted on the other folds'."""
    nats = [_nats(said, left_out, spec, measure, span.step) for left_out in range(len(said))]
    years = [_years(one, span.step) for one in said]
    total = np.zeros(N_BLOCKS)
    for one, values in zip(said, nats, strict=True):
        block = np.minimum((one.start - span.opens) * N_BLOCKS // max(span.closes - span.opens, 1), N_BLOCKS - 1)
        total += np.bincount(block, weights=values, minlength=N_BLOCKS)
    return Worth(tuple(float(values.sum() / one) for values, one in zip(nats, years, strict=True)), total / sum(years))


def _nats(said: Sequence[Said], left_out: int, spec: Experiment, measure: Measure, step: int) -> FloatArray:
    """What each row of the left-out fold adds, (n,)."""
    one = said[left_out]
    others = [other for k, other in enumerate(said) if k != left_out] or [one]
    is_alone = len(said) == 1
    p = _calibrated("logits", [] if is_alone else others, one)
    if measure == "skill":
        return _information(p, _calibrated("volatility", [] if is_alone else others, one), one, step)
    return _growth(p, one, others, spec, is_alone=is_alone)


def _information(p: Calibration, reference: Calibration, said: Said, step: int) -> FloatArray:
    """Gain in log-loss over volatility alone, mean of the sides; as many labels count as fit into the fold's time."""
    total = np.zeros(len(said.start))
    for k in (0, 1):
        y = said.y[:, [k]]
        losses = (log_loss(one[:, [k]], y) for one in (reference.apply(said.volatility), p.apply(said.logits)))
        lives = (said.end[:, k] - said.start).sum()
        total += np.subtract(*losses) * (_years(said, step) * _YEAR_MS / lives)
    return total / 2


def _growth(p: Calibration, said: Said, others: Sequence[Said], spec: Experiment, *, is_alone: bool) -> FloatArray:
    """What betting the better side adds to log wealth, to second order, by the label's uniqueness."""
    ret_atr, weight, aop = (
        np.concatenate([getattr(o, name) for o in others]) for name in ("ret_atr", "weight", "atr_over_price")
    )
    time_exit = TimeExit()
    if not is_alone:
        probability = np.concatenate([p.apply(other.logits) for other in others])
        timed_out = np.concatenate([other.timed_out for other in others])
        time_exit = TimeExit.fit(probability, ret_atr, timed_out, weight)
    judge = Judge(
        calibration=p,
        timeout_calibration=fit_calibration(
            np.concatenate([o.timeout for o in others]),
            np.concatenate([o.timed_out for o in others]).astype(np.float64),
            weight,
            base_rate=said.timeout_rate,
        ),
        time_exit=time_exit,
        upper=spec.barriers.upper,
        lower=spec.barriers.lower,
        costs=spec.costs,
        sides=spec.sides,
    )
    judged = judge.judge(said.logits, said.timeout, said.atr_over_price)
    chosen = (np.arange(len(judged.choice)), judged.choice)
    net_atr = np.concatenate([o.net for o in others]) / aop[:, None]
    variance = float((weight * net_atr**2).sum() / weight.sum()) * said.atr_over_price**2
    stake = np.maximum(judged.expected_net[chosen], 0.0) / variance
    won = stake * said.net[chosen]
    return np.asarray(_uniqueness(said, judged.choice, stake > 0) * (won - won**2 / 2))


def _uniqueness(said: Said, side: IntArray, is_taken: BoolArray) -> FloatArray:
    """Average uniqueness of each trade among those of its symbol that are taken, 0 for the others, (n,)."""
    unique = np.zeros(len(said.start))
    for symbol in np.unique(said.symbol):
        rows = np.flatnonzero((said.symbol == symbol) & is_taken)
        if len(rows):
            unique[rows] = average_uniqueness(said.start[rows], said.end[rows, side[rows]])
    return unique


def _calibrated(name: Literal["logits", "volatility"], others: Sequence[Said], said: Said) -> Calibration:
    """The left-out fold's log-odds, calibrated on those of the other folds; on none, by the prior alone."""
    none = np.empty((0, 2))
    logits, y, weight = (np.concatenate([none, *(getattr(o, n) for o in others)]) for n in (name, "y", "weight"))
    return fit_calibration(logits, y, weight, base_rate=said.base_rate)


def _years(said: Said, step: int) -> float:
    """How long the fold lasted, summed over symbols."""
    starts: list[IntArray] = [said.start[said.symbol == s] for s in np.unique(said.symbol)]
    return sum(int(s.max() - s.min()) + step for s in starts) / _YEAR_MS
