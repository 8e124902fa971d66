"""The one loop that draws a market, bar by bar."""

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.kernels import njit
from tradsys.data.simulate.recipes import GARCH, REGIMES, STOCHASTIC_VOLATILITY

MAX_STEP = 0.3
JUMP_PROBABILITY, JUMP_SD = 0.001, 4.0
SIGNAL_DECAY = 0.9
QUIET, TREND, PANIC = 0, 1, 2
STATE_SD = np.array([0.5, 1.0, 2.5])
STATE_DRIFT = np.array([0.0, 0.12, -0.06])  # in standard deviations of the state; the trend's sign is drawn on entry
STATE_CHANGE = np.array([[0.0, 0.75, 0.25], [0.8, 0.0, 0.2], [0.6, 0.4, 0.0]])  # where a state that ends goes
STATE_BARS = np.array([96.0, 72.0, 24.0])  # expected stay


@njit(cache=True)
def _clip(x: float, bound: float) -> float:
    return max(-bound, min(bound, x))


@njit(cache=True)
def draw_prices(rng: np.random.Generator, bar: FloatArray, price: float, x: float, spread: float) -> float:
    """Open, high, low and close into `bar` for the bar's return x and its standard deviation; returns the close.

    Inside a bar the price is an arithmetic Brownian motion P(1 + B), so that with no drift it is a martingale in price
    and not in log price, which would hand longs half the variance. Given the bar's return x and its standard deviation
    s, the largest B is distributed as (x + sqrt(x^2 - 2 s^2 ln U)) / 2 whatever the drift; the smallest mirrors it.
    Karatzas and Shreve, *Brownian Motion and Stochastic Calculus* (1991), 2.8; sampled on steps, extremes fall
    short and distant targets earn what is not there.
    """
    up = 0.5 * (x + np.sqrt(x * x - 2.0 * spread * spread * np.log(1.0 - rng.random())))
    down = 0.5 * (x - np.sqrt(x * x - 2.0 * spread * spread * np.log(1.0 - rng.random())))
    bar[0] = price
    bar[1] = price * (1.0 + max(up, x, 0.0))
    bar[2] = price * (1.0 + max(min(down, x, 0.0), -0.9))
    close = price * (1.0 + x)
    bar[3] = close
    return close


@njit(cache=True)
def draw_market(
    rng: np.random.Generator, hour: FloatArray, sd: float, volatility: int, drift: float, edge: float, ends: int
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Prices and volume, shape (n_bars, 5) as open, high, low, close, volume; the signal s, and the state, (n_bars,).

    `hour` is the hour of the day of each open, shape (n_bars,); `sd` the unconditional standard deviation of a bar's
    return, `drift` a constant part of its mean, `edge` the weight of the signal in it
    before the bar `ends`; from there on it has none.
    """
    n = len(hour)
    bars = np.empty((n, 5))
    signal = np.zeros(n)
    state = np.zeros(n, dtype=np.int64)
    price = 100.0
    garch, log_sd, s, direction, now = 1.0, 0.0, 0.0, 1.0, QUIET
    gain = np.sqrt(1.0 - SIGNAL_DECAY**2)
    for t in range(n):
        scale = sd * (1.0 + 0.35 * np.sin(2.0 * np.pi * (hour[t] - 9.0) / 24.0))
        mix = 1.0
        mean = drift
        if volatility == STOCHASTIC_VOLATILITY:
            log_sd = 0.995 * log_sd + 0.5 * np.sqrt(1.0 - 0.995**2) * rng.standard_normal()
            scale *= np.exp(log_sd - 0.25)
        elif volatility == GARCH:
            scale *= np.sqrt(garch)
            mix = min(np.sqrt(2.0 / rng.chisquare(4.0)), 6.0)  # t with 4 degrees of freedom, unit variance
        elif volatility == REGIMES:
            if t > 0 and rng.random() < 1.0 / STATE_BARS[now]:
                u = rng.random()
                for to in range(3):
                    u -= STATE_CHANGE[now, to]
                    if u < 0.0:
                        now = to
                        break
                direction = 1.0 if rng.random() < 0.5 else -1.0
            scale *= STATE_SD[now]
            mean += STATE_DRIFT[now] * scale * (direction if now == TREND else 1.0)
        state[t] = now
        if t > 0 and rng.random() < JUMP_PROBABILITY:
            price *= 1.0 + _clip(JUMP_SD * scale * rng.standard_normal(), MAX_STEP)
        spread = scale * mix
        x = _clip(mean + (edge if t < ends else 0.0) * scale * s + spread * rng.standard_normal(), MAX_STEP)
        price = draw_prices(rng, bars[t], price, x, spread)
        z = x / scale
        bars[t, 4] = np.exp(0.5 * np.log(1e-3 + abs(z)) + 0.4 * rng.standard_normal())
        s = SIGNAL_DECAY * s + gain * _clip(z, 3.0)
        signal[t] = s
        garch = min(0.01 + 0.05 * garch * z * z + 0.94 * garch, 30.0)
    return bars, signal, state
