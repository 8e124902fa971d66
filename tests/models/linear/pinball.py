"""The loss whose minimum is a quantile, for the tests of quantile forecasts."""

from collections.abc import Sequence

import numpy as np

from tradsys.core.arrays import FloatArray


def pinball(quantiles: FloatArray, target: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Loss of each quantile, (n_rows, n_levels): level * excess above it, 1 - level * shortfall below.

    Koenker & Bassett, "Regression quantiles", *Econometrica* 46 (1978).
    """
    error, level = target[:, None] - quantiles, np.asarray(levels)
    return np.maximum(level * error, (level - 1.0) * error)
