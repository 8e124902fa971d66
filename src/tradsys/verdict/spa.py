"""Superior predictive ability: is any of many models better than a benchmark (Hansen), and which (Romano and Wolf)."""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.core.errors import DataError
from tradsys.core.seeds import generator
from tradsys.verdict.stationary import long_run_variance, mean_block, stationary_sums
from tradsys.verdict.stepdown import romano_wolf

OWN_WEIGHT = 0.7
"""How much a model's own ratio of long-run to short-run variance counts against the mean of all models."""


@dataclass(frozen=True, slots=True)
class SuperiorAbility:
    """p-values of "no model beats the benchmark".

    `p_value` is Hansen's consistent one, between `p_lower` (poor models left out) and `p_upper` (White's reality check,
    studentised). `t` (n_models,) are the studentised advantages, `best` the index of the largest.
    """

    p_value: float
    p_lower: float
    p_upper: float
    statistic: float
    t: FloatArray
    best: int
    block_length: float


@dataclass(frozen=True, slots=True)
class SuperiorModels:
    """Step-down p-value of each model, shape (n_models,), and which are better at the given level."""

    p_values: FloatArray
    is_superior: BoolArray


def superior_predictive_ability(
    benchmark: FloatArray,
    models: FloatArray,
    *,
    block_length: float | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> SuperiorAbility:
    """Test losses of models (n_obs, n_models) against those of a benchmark (n_obs,); smaller losses are better.

    Advantages are divided by their long-run standard deviations, so that a noisy model cannot hide a good one.
    `block_length` is the mean block of the stationary bootstrap; None chooses it from the advantages.

    Hansen, "A test for superior predictive ability", Journal of Business & Economic Statistics 23 (2005).
    """
    t, draws, block = _studentised(benchmark, models, block_length, n_bootstrap, seed)
    statistic = max(0.0, float(t.max()))
    is_poor = t < -sqrt(2 * log(log(len(benchmark))))
    recentred = {"lower": np.minimum(t, 0.0), "consistent": np.where(is_poor, t, 0.0), "upper": np.zeros(len(t))}
    p = {
        name: (1 + int((np.maximum(0.0, (draws + shift).max(axis=1)) >= statistic).sum())) / (1 + n_bootstrap)
        for name, shift in recentred.items()
    }
    return SuperiorAbility(
        p_value=p["consistent"],
        p_lower=p["lower"],
        p_upper=p["upper"],
        statistic=statistic,
        t=t,
        best=int(t.argmax()),
        block_length=block,
    )


def superior_models(
    benchmark: FloatArray,
    models: FloatArray,
    *,
    alpha: float = 0.05,
    block_length: float | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> SuperiorModels:
    """Which models beat the benchmark, with any false one among them in at most a share `alpha` of cases.

    Romano and Wolf, "Stepwise multiple testing as formalized data snooping", Econometrica 73 (2005).
    """
    t, draws, _ = _studentised(benchmark, models, block_length, n_bootstrap, seed)
    p = romano_wolf(t, draws)
    return SuperiorModels(p, p <= alpha)


def _studentised(
    benchmark: FloatArray, models: FloatArray, block_length: float | None, n_bootstrap: int, seed: int
) -> tuple[FloatArray, FloatArray, float]:
    """The t of every model's advantage, draws of it around nothing, and the block length."""
    benchmark, models = np.asarray(benchmark, np.float64), np.asarray(models, np.float64)
    models = models[:, None] if models.ndim == 1 else models
    if models.ndim != 2 or benchmark.shape != models.shape[:1] or len(benchmark) < 10:
        raise DataError(
            "losses need shapes (n_obs,) and (n_obs, n_models) with 10 rows or more, found "
            f"{benchmark.shape} and {models.shape}"
        )
    advantage = benchmark[:, None] - models
    if not np.isfinite(advantage).all():
        raise DataError("losses must be finite")
    moves = np.ptp(advantage, axis=0) > 0
    if not moves.all():
        raise DataError(f"models {np.flatnonzero(~moves).tolist()} differ from the benchmark by a constant; drop them")
    block = mean_block(advantage, block_length)
    n_obs = len(advantage)
    drawn = stationary_sums(advantage, block, n_bootstrap, generator(seed, "verdict", "stationary"))
    own = n_obs * advantage.var(axis=0, ddof=1)
    variance = _pooled(n_obs * long_run_variance(advantage, block), own)
    t = n_obs * advantage.mean(axis=0) / np.sqrt(variance)
    return t, drawn.sums / np.sqrt(_pooled(drawn.variances, own)), block


def _pooled(variance: FloatArray, own: FloatArray) -> FloatArray:
    """Long-run variances (..., n_models) moved towards the models' common ratio to the variances `own` of single rows.

    At a mean block of 10 in 500 rows a long-run variance has a standard error of 20%: left out of the draws that costs
    the test's size, and left in alone its power. On 1,000 panels of 29 noisy models and a better one the fixed
    standard errors of Hansen (2005) reject 10% of noise, each draw's unpooled ones 4% with power .58, and these 5% with
    power .64.
    """
    ratio = variance / own
    return np.asarray(own * (OWN_WEIGHT * ratio + (1 - OWN_WEIGHT) * ratio.mean(axis=-1, keepdims=True)))
