"""Simulated records whose truth is known: a market, positions with or without foresight, costs a trade."""

from dataclasses import dataclass

import numpy as np

from tradsys.core.time import DAY_MS
from tradsys.journal import TrialSeries

FIRST_DAY = 18_000


@dataclass(frozen=True)
class Market:
    """Independent returns between opens; `n_bars` a day."""

    returns: np.ndarray
    n_bars: int

    @property
    def opens(self):
        return 100 * np.cumprod(np.concatenate([[1.0], 1 + self.returns[:-1]]))[None]

    @property
    def grid(self):
        return FIRST_DAY * DAY_MS + np.arange(len(self.returns)) * (DAY_MS // self.n_bars)

    @property
    def days(self):
        return FIRST_DAY + np.arange(len(self.returns) // self.n_bars)


def market(rng, n_days=400, n_bars=4, drift=0.0, volatility=0.01):
    """White noise around a drift, both a bar."""
    returns = np.append(rng.normal(drift, volatility, n_days * n_bars - 1), 0.0)
    return Market(returns, n_bars)


def record(key, on, rng, *, foresight=0.0, cost=0.0, hold=4, busy=0.5, long_only=False):
    """A profile that holds for `hold` bars at a time; `foresight` 0 enters at random, larger values know more."""
    n = len(on.returns) // hold
    coming = on.returns[: n * hold].reshape(n, hold).sum(axis=1) / (0.01 * np.sqrt(hold))
    guess = foresight * coming + rng.normal(size=n)
    side = np.ones(n) if long_only else np.where(guess > 0, 1.0, -1.0)
    held = side * (rng.random(n) < busy)
    position = np.zeros(len(on.returns))
    position[: n * hold] = np.repeat(held, hold)
    paid = np.zeros(len(on.returns))
    paid[: n * hold : hold] = np.abs(held) * cost
    return series(key, on, position, position * on.returns - paid, int(np.count_nonzero(held)))


def series(key, on, position, net, n_trades):
    """Bars to a trial's series; with orders a bar later it earns as much."""
    daily = net.reshape(-1, on.n_bars).sum(axis=1)
    return TrialSeries(
        key=key,
        days=on.days,
        daily=daily,
        delayed=daily,
        grid=on.grid,
        position=np.asarray(position, np.float32)[None],
        opens=on.opens,
        symbols=("BTC",),
        n_trades=n_trades,
    )
