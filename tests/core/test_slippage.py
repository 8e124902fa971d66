"""What a market order is charged beside its fee: known before the bar, beyond noise, and at least half a step."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import TS
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError
from tradsys.core.slippage import FEWEST_BARS, UNKNOWN_BPS, slippage_of
from tradsys.core.time import HOUR_MS, to_ms
from tradsys.data.simulate import simulate

START = to_ms(datetime(2023, 1, 1, tzinfo=UTC))
ESTIMATED = Costs(slippage_bps="estimated")


def quoted(n_bars, spread, *, seed=0, step=0.0, price=100.0, start=START, opens_at_close=False):
    """Hourly bars of trades at bid or ask around a mid that wanders, on a grid where there is a step."""
    rng = np.random.default_rng(seed)
    mid = price * np.exp(np.cumsum(0.002 * rng.standard_normal(n_bars * 6)))
    trades = mid * (1 + spread / 2 * np.sign(rng.standard_normal(n_bars * 6)))
    trades = (np.round(trades / step) * step if step else trades).reshape(n_bars, 6)
    opens = np.append(trades[0, 0], trades[:-1, -1]) if opens_at_close else trades[:, 0]
    return pl.DataFrame(
        {
            "ts": start + HOUR_MS * np.arange(n_bars),
            "open": opens,
            "high": np.maximum(trades.max(axis=1), opens),
            "low": np.minimum(trades.min(axis=1), opens),
            "close": trades[:, -1],
            "volume": np.ones(n_bars),
        }
    ).with_columns(pl.col("ts").cast(TS))


JANUARY = 31 * 24


def test_a_number_that_is_set_is_charged_in_every_bar():
    assert (slippage_of(quoted(1000, 0.01), Costs(slippage_bps=3.0)) == 3e-4).all()


def test_half_the_spread_is_charged_once_a_month_is_over():
    charged = slippage_of(quoted(3000, 0.01), ESTIMATED)
    assert (charged[:JANUARY] == UNKNOWN_BPS / 1e4).all()
    assert charged[JANUARY:] == pytest.approx(0.005, rel=0.1)
    assert len(np.unique(charged)) == 5  # January's, and another one from each month on


def test_a_first_month_of_a_few_bars_says_nothing():
    late = START + (JANUARY - FEWEST_BARS + 1) * HOUR_MS
    charged = slippage_of(quoted(2000, 0.01, start=late), ESTIMATED)
    assert (charged[: FEWEST_BARS - 1 + 28 * 24] == UNKNOWN_BPS / 1e4).all()
    assert charged[FEWEST_BARS - 1 + 28 * 24] > 0.004


@pytest.mark.parametrize("opens_at_close", [False, True])
def test_half_the_step_is_the_least(opens_at_close):
    bars = quoted(3000, 0.0, step=0.5, opens_at_close=opens_at_close)
    charged, half = slippage_of(bars, ESTIMATED)[JANUARY:], 0.25 / bars["open"].to_numpy()[JANUARY:]
    assert (charged >= half).all()
    if opens_at_close:
        assert charged == pytest.approx(half, rel=1e-12)


@pytest.mark.parametrize("recipe", ["noise", "sv-martingale", "bull", "edge:2"])
def test_a_market_without_a_spread_pays_nearly_none(recipe):
    known = [slippage_of(simulate(recipe, seed=seed), ESTIMATED)[JANUARY:] for seed in range(4)]
    assert np.mean(np.concatenate(known) > 0) < 0.1
    assert np.mean(known) < 0.2e-4


@pytest.mark.parametrize("spread", [0.0, 0.002, 0.02])
@pytest.mark.parametrize("step", [0.0, 0.5])
def test_what_is_charged_in_a_bar_is_known_before_it(spread, step):
    bars = quoted(3000, spread, step=step)
    whole = slippage_of(bars, ESTIMATED)
    for cut in (JANUARY, JANUARY + 1, *np.random.default_rng(1).integers(1, 3000, 20)):
        assert (slippage_of(bars[:cut], ESTIMATED) == whole[:cut]).all()
        doubled = pl.concat([bars[:cut], bars[cut:].with_columns(pl.col("high") * 2)])
        assert (slippage_of(doubled, ESTIMATED)[: cut + 1] == whole[: cut + 1]).all()


def test_no_bars_are_charged_nothing():
    assert len(slippage_of(quoted(10, 0.0)[:0], ESTIMATED)) == 0


@pytest.mark.parametrize("value", ["measured", -1.0, float("nan"), None])
def test_only_a_number_or_the_word_is_slippage(value):
    with pytest.raises(ConfigError, match="'estimated' takes what the bars say"):
        Costs(slippage_bps=value)


def test_a_tick_that_is_given_floors_what_the_prices_show():
    bars = quoted(2000, 0.0)
    opens = bars["open"].to_numpy()
    assert slippage_of(bars, Costs(tick=0.5))[:10] == pytest.approx(np.maximum(0.25 / opens[:10], UNKNOWN_BPS / 1e4))
    assert slippage_of(bars, Costs(tick=0.5))[JANUARY:] == pytest.approx(0.25 / opens[JANUARY:])
    assert (slippage_of(bars, Costs(tick=0.5, slippage_bps=1.0)) == 1e-4).all()
    coarse = quoted(2000, 0.0, step=2.0)
    assert (slippage_of(coarse, Costs(tick=0.5)) == slippage_of(coarse, ESTIMATED))[JANUARY:].all()


def test_a_spread_of_more_than_a_year_ago_is_no_longer_charged():
    first, rest = quoted(4 * 730, 0.01), 14 * 730
    later = quoted(rest, 0.0, seed=1, start=START + len(first) * HOUR_MS)
    charged = slippage_of(pl.concat([first, later]), ESTIMATED)
    assert charged[len(first) + 2 * 730] > 0.003
    assert charged[-1] == 0.0
