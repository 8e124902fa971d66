"""What a focal loss does to a probability, and how to undo it; numpy only, for training and bots alike."""

import numpy as np

from tradsys.core.arrays import Float32Array, FloatArray

_STEPS = 60


def truth_logit(logit: FloatArray, gamma: float, alpha: float | None = None) -> FloatArray:
    """Log-odds of the event, given the log-odds z of a forecast that minimises the focal loss; any shape.

    Setting the derivative of the expected loss to zero gives odds of the event in closed form,

        log odds = (gamma + 1) z + log(1 + gamma h(-z)) - log(1 + gamma h(z)) + log((1 - alpha) / alpha)

    with h(z) = e^z log(1 + e^-z), which is safe at any z, since h stays within (0, 1). Without `alpha` the last term is
    absent.

    >>> float(np.round(1 / (1 + np.exp(-truth_logit(np.log(np.array(0.3609 / 0.6391)), gamma=2.0))), 3))
    0.178

    Charoenphakdee, Vongkulbhadisak, Chairatanakongkul & Sugiyama, *On Focal Loss for Class-Posterior Probability
    Estimation* (CVPR 2021), theorem 11; `alpha` as in Lin et al. (2017), eq. 5.
    """
    z = np.asarray(logit, dtype=np.float64)
    bend = np.log1p(gamma * _h(-z)) - np.log1p(gamma * _h(z))
    return np.asarray((gamma + 1.0) * z + bend + prior_shift(alpha))


def focal_logit(logit: FloatArray, gamma: float, alpha: float | None = None) -> FloatArray:
    """Log-odds of the forecast that minimises the focal loss, given the true log-odds: the inverse of `truth_logit`."""
    target = np.asarray(logit, dtype=np.float64) - prior_shift(alpha)
    z = target / (gamma + 1.0)
    for _ in range(_STEPS):
        step = (truth_logit(z, gamma) - target) / _slope(z, gamma)
        z = z - step
        if not np.any(np.abs(step) > 1e-14 * (1.0 + np.abs(z))):
            break
    return np.asarray(z)


def add_on_focal_scale(
    base: FloatArray, added: FloatArray | Float32Array, gamma: float, alpha: float | None = None
) -> FloatArray:
    """True log-odds `base`, taken to the focal loss's scale, plus what a network `added` there, and back; any shape."""
    return truth_logit(focal_logit(base, gamma, alpha) + added, gamma, alpha)


def _h(z: FloatArray) -> FloatArray:
    """e^z log(1 + e^-z), without overflow: tends to 1 for large z and to 0 for very negative z."""
    tail = np.exp(-np.abs(z))
    floor = np.maximum(tail, np.finfo(np.float64).tiny)
    return np.where(z >= 0, np.log1p(floor) / floor, tail * (np.log1p(tail) - np.minimum(z, 0.0)))


def _slope(z: FloatArray, gamma: float) -> FloatArray:
    """Derivative of `truth_logit`, using h' = h - sigmoid; positive everywhere."""
    tail = np.exp(-np.abs(z))
    p = np.where(z >= 0, 1.0, tail) / (1.0 + tail)
    up, down = _h(z), _h(-z)
    return gamma + 1.0 - gamma * (down - (1.0 - p)) / (1.0 + gamma * down) - gamma * (up - p) / (1.0 + gamma * up)


def prior_shift(alpha: float | None) -> float:
    """What weighing the outcomes by `alpha` adds to the log-odds: log((1 - alpha) / alpha), 0 without it."""
    return 0.0 if alpha is None else float(np.log((1.0 - alpha) / alpha))


COMPILED = (_h, _slope, prior_shift, truth_logit, focal_logit)
"""What `add_on_focal_scale` consists of: networks that step bar by bar compile these very functions."""
