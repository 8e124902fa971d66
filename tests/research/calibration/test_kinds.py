"""One market of each kind on which a backtest alone was taken in: what the verdict says, and what keeps it honest."""

import polars as pl
import pytest

from tradsys.core.costs import Costs
from tradsys.core.slippage import slippage_of
from tradsys.data.market import load_market
from tradsys.data.simulate import simulate, tradable_prices
from tradsys.research.calibration.replication import Replication, replicate
from tradsys.research.calibration.scenarios import SCENARIOS, calibration_experiment
from tradsys.research.walk.experiment import run_experiment

SEEDS = {
    "bull-edge:0": 1_000_004,
    "bull-edge:0-long": 1_000_004,
    "ticks:1": 1_000_000,
    "ticks:0.4": 1_000_000,
    "ticks:0.2": 1_000_001,
    "bounce": 1_000_000,
    "thin": 1_000_000,
    "storms": 1_000_000,
    "bad-prints": 1_000_000,
    "rounded": 1_000_001,
    "illiquid": 1_000_000,
    "wash": 1_000_000,
    "spread-regimes": 1_000_000,
    "weekends": 1_000_000,
    "averaged": 1_000_000,
    "survivors": 1_000_000,
    "stale-ranks": 1_000_000,
    "misaligned": 1_000_000,
    "decay": 1_000_003,
}
"""Where there were some, markets in which a profile was proven as long as nothing but fees was paid."""

CHARGED = ("ticks:1", "illiquid", "wash", "stale-ranks", "rounded")
"""Markets whose backtest alone makes money, and whose costs take it."""

HALF_SPREADS = {"ticks:1": 0.35, "ticks:0.4": 0.35, "illiquid": 0.2, "wash": 0.2, "spread-regimes": 0.35}
"""How far the charged slippage may lie from the true half-spread, as a share of it, over all bars."""


def tried(cell: str) -> dict:
    return replicate(Replication("fast", cell, SEEDS[cell], has_competitors=False))


@pytest.mark.slow
@pytest.mark.parametrize("cell", [one for one in SEEDS if one != "misaligned"])
def test_what_cannot_be_collected_is_not_proven(cell):
    """And where `CHARGED` has it, what is charged by default turns the profit into a loss."""
    profiles = tried(cell)["profiles"]
    assert profiles
    assert not [name for name, one in profiles.items() if one["verdict"] == "proven" and one["until"] is None]
    if cell in CHARGED:
        traded = [one for one in profiles.values() if one["n_trades"] >= 60]
        assert max((one["sharpe"] for one in traded), default=0.0) < 0.5


@pytest.mark.slow
def test_what_some_of_many_trials_keep_by_luck_is_not_proven():
    """Five of the 100 on this market keep 40% of their profit one bar later, and 40 that look as good keep nothing."""
    line = replicate(Replication("fast", "bounce", 1_000_099, has_competitors=True))
    assert line["among"] == {k: {"any": False, "own": []} for k in ("20", "100")}


@pytest.mark.slow
def test_a_symbol_that_is_stamped_by_its_close_is_refused():
    line = tried("misaligned")
    assert line["profiles"] == {}
    assert "S03" in line["refused"]


@pytest.mark.parametrize("recipe", HALF_SPREADS)
def test_the_slippage_that_is_charged_is_the_half_spread_that_traders_paid(recipe):
    bars, quotes = simulate(recipe, seed=1), tradable_prices(recipe, seed=1)
    bid, ask = quotes["bid_open"].to_numpy(), quotes["ask_open"].to_numpy()
    paid = (ask - bid) / (ask + bid)
    charged = slippage_of(bars, Costs())[2_000:]
    assert charged.mean() == pytest.approx(paid[2_000:].mean(), rel=HALF_SPREADS[recipe])


def test_a_rounded_price_costs_half_of_its_step():
    bars = simulate("rounded:0.5", seed=1)
    charged, opens = slippage_of(bars, Costs())[2_000:], bars["open"].to_numpy()[2_000:]
    assert (charged >= 0.999 * 0.25 / opens).mean() > 0.95


def test_entries_into_bars_without_volume_lapse_and_are_counted():
    market = load_market(["simulated:illiquid"], seed=1)
    outcome = run_experiment(market, calibration_experiment("fast", seed=1))
    decided = sum(one.not_taken.get("no volume", 0) for one in outcome.simulations.values())
    assert decided > 50
    silent = market.bars.filter(pl.col("volume") == 0).select("ts")
    entered = pl.concat([one.trades.select(pl.col("entry_ts").alias("ts")) for one in outcome.simulations.values()])
    assert len(entered) > 0
    assert len(entered.join(silent, on="ts", how="semi")) == 0


def test_every_kind_without_an_edge_is_tried_here():
    sceptical = {one.name for one in SCENARIOS if one.sharpe is None}
    plain = {"noise", "noise-free", "sv-free", "bull", "bull-free", "edge:0"}  # those have tests of the whole run
    assert sceptical - plain == set(SEEDS)
