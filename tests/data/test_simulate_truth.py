"""Simulated markets earn what they say they earn: nothing, or the known edge."""

import numba
import numpy as np
import pytest

from tradsys.core.atr import wilder_atr
from tradsys.core.bars import to_arrays
from tradsys.data.simulate import known_signal, simulate

HORIZON = 24
YEAR = 8760


@numba.njit
def trade(side, open_, high, low, close, atr, target, stop, taker, maker):
    """One position at a time: net return of each trade on its entry notional, the stop first where a bar holds both."""
    n = len(open_)
    net = np.zeros(n)
    trades = 0
    hourly = np.zeros(n)
    t = 20
    while t < n - HORIZON - 1:
        s = side[t]
        if s == 0:
            t += 1
            continue
        entry = open_[t + 1]
        take, cut = entry + s * target * atr[t], entry - s * stop * atr[t]
        out, fee, j = np.nan, taker, t + 1
        last = entry
        while True:
            if j > t + 1 and s * (open_[j] - take) >= 0:
                out, fee = open_[j], maker
            elif j > t + 1 and s * (open_[j] - cut) <= 0:
                out = open_[j]
            elif (low[j] <= cut) if s > 0 else (high[j] >= cut):
                out = cut
            elif (high[j] >= take) if s > 0 else (low[j] <= take):
                out, fee = take, maker
            elif j == t + HORIZON:
                out = close[j]
            mark = close[j] if np.isnan(out) else out
            hourly[j] += s * (mark - last) / entry
            last = mark
            if not np.isnan(out):
                break
            j += 1
        hourly[t + 1] -= taker
        hourly[j] -= fee * out / entry
        net[trades] = s * (out - entry) / entry - taker - fee * out / entry
        trades += 1
        t = j
    return net[:trades], hourly


def walk(seed, recipe, side, target, stop, taker=0.0, maker=0.0):
    a = to_arrays(simulate(recipe, seed=seed))
    atr = wilder_atr(a.high, a.low, a.close, 14)
    sides = side(len(a), seed).astype(np.int64)
    return trade(sides, a.open, a.high, a.low, a.close, atr, target, stop, taker, maker)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["noise", "sv-martingale"])
@pytest.mark.parametrize(("target", "stop"), [(6.0, 0.5), (0.5, 6.0)])
def test_a_martingale_pays_nothing_for_lopsided_barriers(recipe, target, stop):
    def both(n, seed):
        return np.full(n, 1 if seed % 2 else -1)

    net = np.concatenate([walk(seed, recipe, both, target, stop)[0] for seed in range(60)]) * 1e4
    error = net.std() / np.sqrt(len(net))
    assert error < 0.5  # basis points a trade; extremes from sub-steps would show 9.4 and -9.8
    assert abs(net.mean()) < 4 * error


@pytest.mark.slow
@pytest.mark.parametrize("sharpe", [0, 1, 2, 3])
def test_the_oracle_of_an_edge_market_earns_about_its_sharpe_after_costs(sharpe):
    recipe = f"edge:{sharpe}"

    def oracle(n, seed):
        signal = known_signal(recipe, seed=seed, n_bars=n)
        return np.sign(signal) * (np.abs(signal) > 1.5)

    sharpes, counts = [], []
    for seed in range(30):
        net, hourly = walk(seed, recipe, oracle, 1.5, 1.5, taker=5e-4, maker=2e-4)
        daily = hourly.reshape(-1, 24).sum(axis=1)
        sharpes.append(daily.mean() / daily.std() * np.sqrt(365))
        counts.append(len(net) / 5)
    assert np.mean(sharpes) == pytest.approx(sharpe, abs=0.3)  # standard error .08
    assert 380 < np.mean(counts) < 530


@pytest.mark.parametrize("recipe", ["noise", "sv-martingale"])
def test_simple_returns_of_a_martingale_average_nothing(recipe):
    returns = []
    for seed in range(20):
        close = simulate(recipe, seed=seed)["close"].to_numpy()
        returns.append(close[1:] / close[:-1] - 1)
    x = np.concatenate(returns)
    error = x.std() / np.sqrt(len(x))
    assert abs(x.mean()) < 4 * error
    assert x.std() * np.sqrt(YEAR) == pytest.approx(0.62, abs=0.05)


def test_bull_drifts_at_a_sharpe_of_one_and_a_half():
    sharpes = []
    for seed in range(40):
        close = simulate("bull", seed=seed)["close"].to_numpy()
        x = close[1:] / close[:-1] - 1
        sharpes.append(x.mean() / x.std() * np.sqrt(YEAR))
    assert np.mean(sharpes) == pytest.approx(1.45, abs=4 * 0.45 / np.sqrt(40))
