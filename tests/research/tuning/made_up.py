"""Forecasts made up with a known skill, in the place of fits."""

from math import log

import numpy as np

from tradsys.research.tuning.objective import Span
from tradsys.research.tuning.out_of_fold import FailedFit, FoldFit, FoldForecasts

HOUR = 3_600_000
N_ROWS = 400
SPAN = Span(0, 5 * N_ROWS * HOUR, HOUR)


def fold(opens: int, n: int, *, knows: float, weight: float = 1.0, seed: int = 0, aop: float = 0.01) -> FoldForecasts:
    """Coin flips of 1.5 ATR either way; the forecaster's log-odds lean by `knows` to what really came."""
    rng = np.random.default_rng(seed)
    up = rng.random(n) < 0.5
    lean = np.where(rng.random(n) < 0.5 + knows, 1, -1) * np.where(up, 1, -1)
    strength = log((0.5 + knows) / (0.5 - knows))
    y = np.column_stack([up, ~up]).astype(float)
    ret = 1.5 * np.where(y == 1, 1.0, -1.0)
    none = np.zeros((n, 2))
    return FoldForecasts(
        start=opens + HOUR * np.arange(n),
        end=np.repeat(opens + HOUR * np.arange(1, n + 1)[:, None], 2, axis=1),
        symbol=np.zeros(n, np.int64),
        logits=strength * np.column_stack([lean, -lean]),
        timeout=none - 9,
        y=y,
        timed_out=none.astype(bool),
        ret_atr=ret,
        net=ret * aop,
        weight=none + weight,
        atr_over_price=np.full(n, aop),
        slippage=np.zeros(n),
        base_rate=np.full(2, 0.5),
        timeout_rate=np.full(2, 1e-4),
    )


def skill_of(penalty: float) -> float:
    """What the made-up forecaster knows: most at a penalty of 1."""
    return 0.12 / (1 + abs(log(penalty)))


def made_up_forecasts(fits: list[FoldFit]) -> list[FoldForecasts | FailedFit]:
    """In the place of `evaluator`: the skill hangs on the penalty alone, and a horizon of 13 diverges."""
    return [
        FailedFit("diverged at step 7")
        if fit.config.labels.horizon == 13
        else fold(
            fit.fold * N_ROWS * HOUR,
            N_ROWS,
            knows=skill_of(fit.config.agent.penalty or 2.0),
            seed=100 * fit.config.seed + fit.fold,
        )
        for fit in fits
    ]
