"""The spread estimator against the authors' package, and the steps that prices move in."""

import numpy as np
import pytest

from tradsys.core.effective_spread import effective_spread, price_step, squared_spread

SPREADS = {"wide": 0.01, "narrow": 0.0005, "none": 0.0, "rare": 0.01, "rounded": 0.002}
BY_BIDASK = {
    ("wide", 1): 0.010839366538444776,
    ("wide", 2): 0.010451365905806939,
    ("narrow", 1): 0.0011704028283434761,
    ("narrow", 2): -0.0006497938202494273,
    ("none", 1): 0.0009492110695216726,
    ("none", 2): -0.000549739312723105,
    ("rare", 1): 0.010847050199577058,
    ("rare", 2): 0.010145932616589502,
    ("rounded", 1): 0.012428856878948152,
    ("rounded", 2): 0.011160981255838528,
}
"""`bidask.edge(open, high, low, close, sign=True)` of bidask 2.1.0 on the bars of `drawn`."""


def drawn(kind, seed, n=200):
    """Open, high, low and close of bars of six trades each, at bid or ask."""
    rng = np.random.default_rng(seed)
    mid = 100 * np.exp(np.cumsum(0.002 * rng.standard_normal(n * 6)))
    prices = (mid * (1 + SPREADS[kind] / 2 * np.sign(rng.standard_normal(n * 6)))).reshape(n, 6)
    if kind == "rounded":
        prices = np.round(prices, 0)
    if kind == "rare":
        still = rng.random(n) < 0.4
        for t in range(1, n):
            if still[t]:
                prices[t] = prices[t - 1, -1]
    return prices[:, 0], prices.max(axis=1), prices.min(axis=1), prices[:, -1]


@pytest.mark.parametrize(("kind", "seed"), list(BY_BIDASK))
def test_the_estimate_is_that_of_the_authors_package(kind, seed):
    assert effective_spread(*drawn(kind, seed)) == pytest.approx(BY_BIDASK[kind, seed], rel=1e-9)


@pytest.mark.parametrize("kind", list(SPREADS))
def test_the_authors_package_itself_agrees_on_other_draws(kind):
    edge = pytest.importorskip("bidask", reason="bidask 2.1 is not installed; its constants are checked above").edge
    for seed in range(10, 20):
        bars = drawn(kind, seed)
        assert effective_spread(*bars) == pytest.approx(edge(*bars, sign=True), rel=1e-9)


def test_its_variance_is_that_of_many_draws():
    found = np.array([squared_spread(*drawn("wide", seed)) for seed in range(300)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].var(), rel=0.25)


def test_opens_at_the_close_before_say_nothing():
    open_, high, low, close = drawn("wide", 1)
    open_[1:] = close[:-1]
    assert effective_spread(open_, np.maximum(high, open_), np.minimum(low, open_), close) == 0.0


def test_too_few_bars_and_prices_that_stand_still_have_no_spread():
    assert np.isnan(effective_spread(*(one[:2] for one in drawn("wide", 1))))
    assert np.isnan(effective_spread(*(np.full(50, 7.0),) * 4))


@pytest.mark.parametrize("step", [1000, 50, 2.5, 1, 0.5, 0.25, 0.2, 0.1, 0.01, 0.0005, 0.00001])
def test_the_step_of_prices_on_a_grid_is_found(step):
    rng = np.random.default_rng(3)
    prices = rng.integers(80, 300, 200) * step
    assert price_step(prices) == pytest.approx(step, rel=1e-12)
    assert price_step(prices.astype(np.float32).astype(np.float64)) == pytest.approx(step, rel=1e-12)


def test_prices_without_a_grid_have_no_step():
    assert price_step(100 * np.exp(np.random.default_rng(0).standard_normal(80))) == 0.0
    assert price_step(np.append(np.arange(10.0, 60.0), 11.123456)) == 0.0


def test_one_price_alone_tells_no_step():
    assert np.isnan(price_step(np.full(100, 0.25)))
