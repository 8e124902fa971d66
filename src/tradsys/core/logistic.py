"""The logistic function and its inverse, in numpy alone: probabilities from log-odds and back.

Not scipy's `expit` and `logit`: those round four values in ten differently in the last bit, which would move every
stored forecast and metric, and a machine that trains networks has torch and numpy but no scipy.
"""

from typing import overload

import numpy as np

from tradsys.core.arrays import FloatArray


def sigmoid(log_odds: FloatArray) -> FloatArray:
    """Probabilities of log-odds, any shape, without overflow; NaN stays NaN.

    >>> sigmoid(np.array([-800.0, 0.0, 800.0]))
    array([0. , 0.5, 1. ])
    """
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * log_odds))


@overload
def log_odds(probability: float) -> float: ...
@overload
def log_odds(probability: FloatArray) -> FloatArray: ...
def log_odds(probability: float | FloatArray) -> float | FloatArray:
    """Log-odds of probabilities strictly between 0 and 1, any shape.

    >>> float(log_odds(0.5))
    0.0
    """
    value: FloatArray = np.log(probability / (1 - probability))
    return value
