"""Selection among candidates by the rule of one standard error, and by stability among those within it."""

from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.time import DAYS_A_YEAR
from tradsys.research.walk.deciding import STANDARD_ERRORS
from tradsys.verdict.ruin import is_ruined
from tradsys.verdict.stationary import long_run_variance

MIN_TRADES = 20
"""Trades below which a candidate's record says nothing."""

MIN_DAYS = 60
"""Days below which nobody's record says anything."""

_PARTS = 3
_BLOCK_DAYS = 10


@dataclass(frozen=True, slots=True)
class Selected:
    """Number of the candidate selected, and why; the annual net Sharpe ratios are those of the training part.

    `best_sharpe` is the highest of all candidates, `standard_error` that of its lead over the one selected, None
    where that is itself; all are None where the records were too short to compare.
    """

    index: int
    why: str
    sharpe: float | None = None
    best_sharpe: float | None = None
    standard_error: float | None = None


def select_candidate(daily: FloatArray, n_trades: IntArray, *, held: int | None = None) -> Selected:
    """One of the candidates, from their daily net returns (n_candidates, n_days) and numbers of trades (n_candidates,).

    1. Whoever is no more than one standard error below the best Sharpe ratio is as good as the best; the standard
       error is that of the difference of both daily returns, each over its own deviation, in blocks of ten days.
    2. Among those the candidate `held` before stays.
    3. Otherwise the one whose worst third of the days went best; the first of equals.

    Candidates that were ruined, or of fewer than `MIN_TRADES` trades, are left out. Where all are, or the record is
    shorter than `MIN_DAYS`, `held` stays, or the first.

    The rule of one standard error: Breiman, Friedman, Olshen and Stone, *Classification and Regression Trees* (1984),
    section 3.4.3.
    """
    n_days = daily.shape[1]
    deviation = daily.std(axis=1)
    ruined = np.array([is_ruined(one) for one in daily], bool)
    eligible = (n_trades >= MIN_TRADES) & (deviation > 0) & ~ruined
    stays = 0 if held is None else held
    if n_days < MIN_DAYS:
        return Selected(stays, f"too few days to choose on: {n_days} of {MIN_DAYS}")
    if not eligible.any():
        less = ", or all of them were ruined" if ruined.any() else ""
        return Selected(stays, f"no candidate had {MIN_TRADES} trades to be chosen by{less}")
    scaled = daily / np.where(deviation > 0, deviation, 1.0)[:, None]
    sharpe = np.where(eligible, scaled.mean(axis=1), -np.inf) * np.sqrt(DAYS_A_YEAR)
    best = int(sharpe.argmax())
    variance = long_run_variance((scaled[best] - scaled).T, _BLOCK_DAYS)
    error = np.sqrt(np.maximum(variance, 0.0) / n_days * DAYS_A_YEAR)
    is_near = eligible & (sharpe[best] - sharpe <= STANDARD_ERRORS * error)
    is_near[best] = True
    if held is not None and is_near[held]:
        chosen, why = held, "kept: none leads it by over one standard error"
    else:
        worst = np.min([part.mean(axis=1) for part in np.array_split(scaled, _PARTS, axis=1)], axis=0)
        chosen = int(np.where(is_near, worst, -np.inf).argmax())
        n_near = int(is_near.sum())
        why = (
            f"steadiest of {n_near} within one standard error" if n_near > 1 else "leads all by over one standard error"
        )
    return Selected(
        chosen, why, float(sharpe[chosen]), float(sharpe[best]), float(error[chosen]) if chosen != best else None
    )
