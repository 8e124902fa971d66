"""The end of a record by itself: an edge that has died looks well for as long as its past is averaged in."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import ndtr

from tradsys.core.arrays import Float32Array, FloatArray
from tradsys.core.time import DAY_MS, DAYS_A_YEAR, from_ms
from tradsys.journal.trial import TrialSeries
from tradsys.verdict.legs import bootstrapped
from tradsys.verdict.results import Lately, VerdictSpec

_LARGEST_T = 10.0
"""A quantile of the draws beyond this is one of draws that hold next to nothing but still days."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Mean, its standard error by blocks, and the annual Sharpe ratio with its 95% interval of some days.

    `is_sure` says that they hold enough trades and days that move for errors and intervals to mean anything.
    """

    mean: float
    error: float
    sharpe: float
    low: float
    high: float
    is_sure: bool


def last_third(trial: TrialSeries, spec: VerdictSpec, seed: int) -> Lately | None:
    """The last third of the record's days beside the rest; None where that is less than two blocks, or never moves."""
    return _end(trial, len(trial.days) // 3, spec, seed)


def since_when_over(trial: TrialSeries, lately: Lately | None, spec: VerdictSpec, seed: int) -> Lately | None:
    """The end of the record in which what was there before is not there any more: the last third, else the last half.

    A third alone is short enough to look well by luck after an edge has died; a half rarely is, and is over where it
    earned next to nothing too. None where both go on.
    """
    if lately is not None and lately.is_over:
        return lately
    half = _end(trial, len(trial.days) // 2, spec, seed)
    return half if half is not None and (half.is_over or half.earned_next_to_nothing) else None


def _end(trial: TrialSeries, n_days: int, spec: VerdictSpec, seed: int) -> Lately | None:
    """The last days beside the rest; None where they are less than two blocks.

    The two means differ beyond luck where their difference has a two-sided p of at most 5%, by the long-run standard
    errors of each. Trades are counted by the positions that begin there, as a share of all that begin. Where they are
    fewer than a third of those a verdict asks for, or move fewer days than two blocks hold, there is no interval, and
    the end is never better than the rest beyond luck. Nor does anything differ where the smaller mean has the larger
    Sharpe ratio.
    """
    first = len(trial.days) - n_days
    if n_days < 2 * spec.block_days:
        return None
    since = from_ms(int(trial.days[first]) * DAY_MS).date().isoformat()
    late = trial.grid >= int(trial.days[first]) * DAY_MS
    begins = _begins(trial.position)
    n_trades = round(trial.n_trades * begins[late].sum() / max(begins.sum(), 1))
    before = _part(trial.daily[:first], trial.n_trades - n_trades, spec, seed)
    part = _part(trial.daily[first:], n_trades, spec, seed)
    if part is None:
        return Lately(since, n_days, n_trades)
    p = None
    if before is not None and _is_told_apart(part, before):
        p = float(2 * ndtr(-abs(part.mean - before.mean) / sqrt(part.error**2 + before.error**2)))
    return Lately(
        since=since,
        n_days=n_days,
        n_trades=n_trades,
        sharpe=part.sharpe,
        low=part.low if part.is_sure else None,
        high=part.high if part.is_sure else None,
        sharpe_before=None if before is None else before.sharpe,
        p_differs=p,
    )


def _is_told_apart(part: _Part, before: _Part) -> bool:
    """Whether means and Sharpe ratios agree on which is better, and the end does not look better by a few trades."""
    is_less = part.mean < before.mean
    return is_less == (part.sharpe < before.sharpe) and (is_less or part.is_sure)


def _part(daily: FloatArray, n_trades: int, spec: VerdictSpec, seed: int) -> _Part | None:
    """The studentised interval of the mean, in units of an annual Sharpe ratio; None where nothing moves."""
    drawn = bootstrapped(daily[None], spec, seed)
    error = float(drawn.long_run_sd[0]) / sqrt(len(daily))
    if not drawn.t[0] and not drawn.draws.any():
        return None
    mean, scale = float(daily.mean()), sqrt(DAYS_A_YEAR) / float(daily.std(ddof=1))
    few, many = (float(q) for q in np.quantile(drawn.draws[:, 0], [0.025, 0.975]))
    has_enough = 3 * n_trades >= spec.min_trades and np.count_nonzero(daily) >= 2 * spec.block_days
    is_sure = has_enough and max(-few, many) < _LARGEST_T
    low, high = (mean - many * error) * scale, (mean - few * error) * scale
    return _Part(mean, error, mean * scale, low, high, bool(is_sure))


def _begins(position: Float32Array) -> FloatArray:
    """How many positions begin at each bar, (n_grid,)."""
    changed = np.ones(position.shape, bool)
    changed[:, 1:] = position[:, 1:] != position[:, :-1]
    return np.asarray((changed & (position != 0)).sum(axis=0), np.float64)
