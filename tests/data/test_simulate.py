"""Simulated markets: reproducible, valid as bars, and with the properties that their recipe names."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from tradsys.core.bars import validate_bars
from tradsys.core.errors import ConfigError
from tradsys.data.simulate import known_states, parse_recipe, simulate
from tradsys.data.simulate.recipes import edge_drift

RECIPES = ["noise", "sv-martingale", "bull", "edge:0", "edge:1.5", "regimes"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_bars_are_possible_and_without_gaps(recipe):
    for seed in range(5):
        bars = validate_bars(simulate(recipe, seed=seed), interval="1h")
        assert len(bars) == 43_800
        assert bars["ts"][0] == datetime(2019, 1, 1, tzinfo=UTC)
        assert bars["ts"][-1] - bars["ts"][0] == timedelta(hours=43_799)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_same_seed_gives_the_same_bytes(recipe):
    assert simulate(recipe, seed=3).equals(simulate(recipe, seed=3))


def test_other_seeds_and_other_recipes_give_other_markets():
    ends = {simulate(recipe, seed=seed)["close"][-1] for recipe in RECIPES for seed in range(3)}
    assert len(ends) == 18


def test_fewer_bars_are_the_first_of_more():
    assert simulate("noise", n_bars=100).equals(simulate("noise", n_bars=1000)[:100])


def test_the_drift_of_an_edge_passes_through_the_measured_values():
    assert [edge_drift(s) for s in (0, 1, 2, 3)] == [0.0228, 0.0384, 0.0533, 0.0679]
    assert edge_drift(2.5) == pytest.approx((0.0533 + 0.0679) / 2)


def test_volatility_clusters_and_tails_are_fat_on_noise():
    close = simulate("noise")["close"].to_numpy()
    x = np.diff(np.log(close))
    size = np.abs(x) - np.abs(x).mean()
    assert (size[1:] * size[:-1]).mean() / size.var() > 0.05
    assert (x**4).mean() / x.var() ** 2 > 5


def test_highs_lie_as_far_out_as_brownian_paths_reach():
    bars = simulate("sv-martingale")
    o, h, low, c = (bars[name].to_numpy() for name in ("open", "high", "low", "close"))
    parkinson = (np.log(h / low) ** 2).mean() / (4 * np.log(2))
    assert parkinson / (np.log(c / o) ** 2).mean() == pytest.approx(1, abs=0.05)  # ten sub-steps give 0.66


def test_the_states_of_regimes_are_what_their_bars_show():
    bars, states = simulate("regimes"), known_states()
    x = np.log(bars["close"].to_numpy() / bars["open"].to_numpy())
    quiet, trend, panic = (x[states == k].std() for k in range(3))
    assert trend / quiet == pytest.approx(2, rel=0.1)
    assert panic / quiet == pytest.approx(5, rel=0.1)
    changes = np.flatnonzero(np.diff(states)) + 1
    assert 43_800 / (len(changes) + 1) == pytest.approx(70, rel=0.25)
    stays = [(x[a:b].sum(), b - a) for a, b in pairwise([0, *changes, 43_800]) if states[a] == 1]
    squares = np.array([total**2 / (n * trend**2) for total, n in stays])
    assert squares.mean() > 1.5  # a trend keeps its direction; without drift this is 1


def test_only_regimes_has_known_states():
    with pytest.raises(ConfigError, match="only the recipe 'regimes' has states"):
        known_states("noise")


def test_bull_is_for_longs_only():
    assert parse_recipe("bull").is_long_only
    assert not parse_recipe("edge:3").is_long_only


@pytest.mark.parametrize("interval", [timedelta(minutes=15), timedelta(hours=4)])
def test_annual_volatility_does_not_depend_on_the_interval(interval):
    close = simulate("sv-martingale", interval=interval)["close"].to_numpy()
    annual = np.diff(np.log(close)).std() * np.sqrt(timedelta(days=365) / interval)
    assert annual == pytest.approx(0.63, abs=0.06)
