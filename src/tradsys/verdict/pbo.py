"""Probability of backtest overfitting: that the choice in sample is below the median out of sample."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import batched, combinations

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.counts import check_counts
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.logistic import log_odds
from tradsys.verdict.refusals import finite

SLICE = 1 << 12
ROUNDING = 1e-12
"""Variance below this share of the squared mean is rounding: the strategy took no risk."""


@dataclass(frozen=True, slots=True)
class Overfitting:
    """What happened to each half's winner in the other half; arrays have shape (n_combinations,).

    `logits` are ln(w / (1 - w)) of the winner's relative rank w out of sample; `pbo` is the share at or below 0,
    `p_loss` the share of winners that lost out of sample, `slope` the regression of `out_of_sample` on `in_sample`
    Sharpe ratios. On noise one `pbo` has mean .51 and standard deviation .18: a single low one is weak evidence.
    """

    pbo: float
    p_loss: float
    slope: float
    logits: FloatArray
    in_sample: FloatArray
    out_of_sample: FloatArray
    n_obs: int


def probability_of_backtest_overfitting(returns: FloatArray, n_blocks: int = 16) -> Overfitting:
    """Combinatorially symmetric cross-validation of strategies' returns, shape (n_obs, n_trials).

    Rows fall into `n_blocks` equal consecutive blocks (the oldest rows that do not fit are left out); every half of the
    blocks picks its best per-period Sharpe ratio (ddof 1), and the other half ranks it, ties by their average rank.

    Bailey, Borwein, Lopez de Prado and Zhu, "The probability of backtest overfitting", Journal of Computational Finance
    20(4) (2017).
    """
    returns = finite(returns, "returns")
    check_counts(0, n_blocks=n_blocks)
    if n_blocks < 2 or n_blocks % 2:
        raise ConfigError(f"n_blocks must be even and at least 2, was {n_blocks}; 16 is usual")
    if returns.ndim != 2 or returns.shape[1] < 2 or returns.shape[0] < 2 * n_blocks:
        raise DataError(
            f"returns need shape (n_obs, n_trials) with 2 trials and {2 * n_blocks} rows or more, found {returns.shape}"
        )
    rows = returns.shape[0] // n_blocks
    kept = returns[returns.shape[0] - rows * n_blocks :]
    blocks = kept.reshape(n_blocks, rows, -1)
    total, square = blocks.sum(axis=1), (blocks**2).sum(axis=1)
    found = []
    for half in _halves(n_blocks):
        one, other = (
            _sharpe(_sums(chosen, total), _sums(chosen, square), rows * n_blocks // 2) for chosen in (half, 1.0 - half)
        )
        found += [_winners(one, other), _winners(other, one)]
    in_sample, out_of_sample, rank = (np.concatenate(column) for column in zip(*found, strict=True))
    share = rank / (returns.shape[1] + 1)
    logits = log_odds(share)
    return Overfitting(
        pbo=float((logits <= 0).mean()),
        p_loss=float((out_of_sample < 0).mean()),
        slope=_slope(in_sample, out_of_sample),
        logits=logits,
        in_sample=in_sample,
        out_of_sample=out_of_sample,
        n_obs=len(kept),
    )


def _slope(x: FloatArray, y: FloatArray) -> float:
    """Least-squares slope of y on x; NaN where x never moves or a winner had no risk."""
    if not (np.isfinite(x).all() and np.isfinite(y).all() and np.ptp(x) > 0):
        return float("nan")
    centred = x - x.mean()
    return float(centred @ y / (centred @ centred))


def _halves(n_blocks: int) -> Iterator[FloatArray]:
    """Indicators of every half of the blocks that holds the first, in slices of shape (<= SLICE, n_blocks)."""
    others = combinations(range(1, n_blocks), n_blocks // 2 - 1)
    for part in batched(others, SLICE):
        half = np.zeros((len(part), n_blocks))
        half[:, 0] = 1.0
        np.put_along_axis(half, np.array(part, np.int64).reshape(len(part), -1), 1.0, axis=1)
        yield half


def _winners(inside: FloatArray, outside: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sharpe ratio of each half's winner in it and in the other half, and its rank there."""
    best = inside.argmax(axis=1)[:, None]
    won = np.take_along_axis(inside, best, axis=1)
    then = np.take_along_axis(outside, best, axis=1)
    above, below = (outside > then).sum(axis=1), (outside < then).sum(axis=1)
    return won[:, 0], then[:, 0], (below - above + outside.shape[1] + 1) / 2


def _sums(half: FloatArray, blocks: FloatArray) -> FloatArray:
    """Sums over the chosen blocks, shape (n_halves, n_trials), block after block.

    Not a matrix product: that may round two equal strategies differently, and equal ones must tie.
    """
    sums = np.zeros((len(half), blocks.shape[1]))
    for chosen, block in zip(half.T, blocks, strict=True):
        sums += chosen[:, None] * block
    return sums


def _sharpe(total: FloatArray, square: FloatArray, n_obs: int) -> FloatArray:
    """Sharpe ratios from sums; without risk, the infinity of the mean's sign, or 0."""
    mean = total / n_obs
    variance = (square - total * mean) / (n_obs - 1)
    riskless = np.where(mean != 0, np.copysign(np.inf, mean), 0.0)
    return np.divide(mean, np.sqrt(np.maximum(variance, 0.0)), out=riskless, where=variance > ROUNDING * mean**2)
