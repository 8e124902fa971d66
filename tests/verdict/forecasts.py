"""Forecasts of overlapping labels in markets whose volatility clusters, and what a gain is truly worth there."""

import numpy as np
from scipy.signal import lfilter
from scipy.special import expit


def persistent(rng, n, memory, spread):
    """Autoregression of the first order with the given standard deviation."""
    return lfilter([np.sqrt(1 - memory**2)], [1, -memory], rng.standard_normal(n + 1000))[1000:] * spread


def gains_of_direction(rng, n, horizon, *, memory=0.98):
    """Log-loss that a persistent, worthless opinion on the direction gains over a coin."""
    returns = np.exp(persistent(rng, n + horizon, memory, 0.5)) * rng.standard_normal(n + horizon)
    total = np.append(0.0, returns.cumsum())
    rose = total[horizon : horizon + n] > total[:n]
    opinion = expit(persistent(rng, n, 0.95, 0.15))
    return np.log(2 * np.where(rose, opinion, 1 - opinion))


def gains_of_volatility(rng, n, horizon, *, memory=0.98):
    """Log-loss that knowing the volatility gains over the base rate when the label is a large move."""
    log_sd = persistent(rng, n + horizon, memory, 0.5)
    total = np.append(0.0, (np.exp(log_sd) * rng.standard_normal(n + horizon)).cumsum())
    moved = np.abs(total[horizon : horizon + n] - total[:n]) > 1.2 * np.sqrt(horizon)
    said = expit(-1.3 + 1.4 * log_sd[:n])
    return np.log(np.where(moved, said, 1 - said) / np.where(moved, 0.27, 0.73))


def true_mean(gains, horizon, **market):
    """Mean over a history 250 times as long as the longest that is tested."""
    rng = np.random.default_rng(99)
    return np.mean([gains(rng, 250_000, horizon, **market).mean() for _ in range(20)])
