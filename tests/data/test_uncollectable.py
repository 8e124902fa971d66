"""Markets that look as if there were something to earn: what their bars promise, and what a trader is paid."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import validate_bars
from tradsys.core.errors import ConfigError
from tradsys.data import load_market
from tradsys.data.simulate import known_signal, parse_recipe, simulate, simulate_symbols, tradable_prices
from tradsys.data.simulate.recipes import FAMILIES, PLAIN, examples

N_BARS = 20_000
HELD = 2
SEEDS = range(8)

PRINTED = [
    "ticks:1",
    "ticks:0.4",
    "bounce:100",
    "thin",
    "bad-prints",
    "rounded:0.5",
    "illiquid",
    "wash",
    "spread-regimes",
    "storms",
    "averaged:3",
]
POOLED = ["misaligned", "late:20", "stale-ranks"]


@cache
def drawn(recipe: str, seed: int, n_bars: int = N_BARS) -> pl.DataFrame:
    """Bars of one symbol or several, with a `symbol` column."""
    if parse_recipe(recipe).n_symbols > 1:
        return simulate_symbols(recipe, seed=seed, n_bars=n_bars)
    return simulate(recipe, seed=seed, n_bars=n_bars).select(pl.lit(recipe).alias("symbol"), pl.all())


@cache
def earned(recipe: str, rule) -> dict[str, tuple[float, float]]:
    """Mean and standard error, bp a trade: at the bars' opens, at the middle of the quotes, and paying bid and ask.

    A trade of the last symbol is decided at a close by `rule` of its and the first symbol's closes, entered at the next
    open and left two opens later; trades do not overlap.
    """
    found: dict[str, list] = {"told": [], "fair": [], "paid": []}
    for seed in SEEDS:
        bars, quotes = drawn(recipe, seed), tradable_prices(recipe, seed=seed, n_bars=N_BARS)
        first, last = bars["symbol"][0], bars["symbol"][-1]
        own = bars.filter(symbol=last)
        side = rule(own["close"].to_numpy(), bars.filter(symbol=first)["close"].to_numpy(), seed)
        bid, ask = (quotes.filter(symbol=last)[name].to_numpy() for name in ("bid_open", "ask_open"))
        open_, middle = own["open"].to_numpy(), (bid + ask) / 2
        enter = np.arange(100, N_BARS - HELD, HELD)
        enter = enter[side[enter - 1] != 0]
        s, leave = side[enter - 1], enter + HELD
        found["told"].append(s * (open_[leave] / open_[enter] - 1))
        found["fair"].append(s * (middle[leave] / middle[enter] - 1))
        found["paid"].append(np.where(s > 0, bid[leave] / ask[enter] - 1, 1 - ask[leave] / bid[enter]))
    trades = {name: 1e4 * np.concatenate(parts) for name, parts in found.items()}
    return {name: (float(x.mean()), float(x.std() / np.sqrt(len(x)))) for name, x in trades.items()}


def at_random(own, first, seed):
    return np.random.default_rng(seed).choice([-1, 1], len(own))


def against(own, first, seed):
    """Buy what has fallen: what a bounce between bid and ask, or a rounded price, pays on paper."""
    return -np.sign(np.diff(own, prepend=own[0]))


def along(own, first, seed):
    """Buy what has risen: what a mean over past hours pays on paper."""
    return np.sign(np.diff(own, prepend=own[0]))


def after_first(own, first, seed):
    """Do what the first symbol of the pool has just done."""
    return np.sign(np.diff(first, prepend=first[0]))


FOOLED_BY = {
    **{recipe: against for recipe in PRINTED},
    **{recipe: after_first for recipe in POOLED},
    "averaged:3": along,
}


@pytest.mark.parametrize("recipe", FOOLED_BY)
def test_bars_promise_what_no_trader_is_paid(recipe):
    found = earned(recipe, FOOLED_BY[recipe])
    by_bars, paid = found["told"], found["paid"]
    assert by_bars[0] > 4 * by_bars[1] > 0
    assert paid[0] < 3 * paid[1]  # bid and ask are paid: nothing is left, of up to 79,600 trades


@pytest.mark.parametrize("recipe", [r for r in FOOLED_BY if not r.startswith("ticks")])
def test_the_price_between_bid_and_ask_is_a_martingale_whatever_the_bars_foretell(recipe):
    """Between ticks the middle is none: a price near a step is about to leave it, which bid and ask more than cost."""
    mean, error = earned(recipe, FOOLED_BY[recipe])["fair"]
    assert error < 2.0
    assert abs(mean) < 4 * error


@pytest.mark.parametrize(
    ("recipe", "spread_bp", "tolerance"),
    [("bounce:20", 20, 3), ("thin", 60, 4), ("illiquid", 100, 6), ("wash", 100, 6)],
)
def test_a_random_entrant_loses_the_spread(recipe, spread_bp, tolerance):
    mean, error = earned(recipe, at_random)["paid"]
    assert 4 * error < 2 * tolerance
    assert mean == pytest.approx(-spread_bp, abs=tolerance)


def test_a_tick_costs_at_least_itself():
    mean, error = earned("ticks:1", at_random)["paid"]
    assert mean + 4 * error < -100  # 1% of the first price; prices fall below it in some of the markets


@pytest.mark.parametrize("recipe", [*PRINTED, "weekends", "decay", "bull-edge:0"])
def test_bars_are_possible_and_the_same_seed_gives_the_same(recipe):
    bars = drawn(recipe, 1)
    assert validate_bars(bars.drop("symbol"), interval="1h") is not None
    again = simulate(recipe, seed=1, n_bars=N_BARS)
    assert again.equals(bars.drop("symbol"))
    assert not simulate(recipe, seed=2, n_bars=N_BARS).equals(again)
    n = 3_000 if recipe != "weekends" else len(simulate(recipe, seed=1, n_bars=3_000))
    assert simulate(recipe, seed=1, n_bars=3_000).equals(again[:n])


@pytest.mark.parametrize("recipe", [*POOLED, "survivors"])
def test_pools_are_possible_and_the_same_seed_gives_the_same(recipe):
    bars = drawn(recipe, 1)
    assert bars["symbol"].n_unique() == parse_recipe(recipe).n_symbols
    for (_,), one in bars.partition_by("symbol", as_dict=True).items():
        validate_bars(one.drop("symbol"), interval="1h")
    assert simulate_symbols(recipe, seed=1, n_bars=N_BARS).equals(bars)


def test_every_recipe_has_prices_that_could_be_traded():
    for recipe in examples():
        quotes = tradable_prices(recipe, seed=1, n_bars=500)
        assert quotes.columns == ["symbol", "ts", "bid_open", "ask_open", "bid_close", "ask_close"]
        assert (quotes["bid_open"] <= quotes["ask_open"]).all()
        assert (quotes["bid_close"] <= quotes["ask_close"]).all()
        assert (quotes["bid_close"] > 0).all()


def test_half_the_bars_of_an_illiquid_market_are_without_volume_and_none_of_a_washed_one():
    for recipe, share in (("illiquid", np.exp(-0.7)), ("wash", np.exp(-8.7))):
        bars = drawn(recipe, 1)
        silent = bars["volume"].to_numpy() == 0
        assert silent.mean() == pytest.approx(share, abs=0.02)
        assert (bars["high"] == bars["low"]).mean() > 0.45


def test_all_prices_lie_on_the_ticks():
    steps = drawn("ticks:0.4", 1)["close"].to_numpy() / 0.4
    assert np.abs(steps - np.round(steps)).max() < 1e-6


def test_bounce_opens_at_the_last_close_and_weekends_are_closed():
    bars = drawn("bounce:20", 1)
    assert (bars["open"].to_numpy()[1:] == bars["close"].to_numpy()[:-1]).all()
    assert set(drawn("weekends", 1)["ts"].dt.weekday().unique()) == {1, 2, 3, 4, 5}


def test_an_edge_dies_half_way():
    """What the next bar moves in the direction of the signal, bp, before and after."""
    halves = []
    for seed in range(6):
        close = simulate("decay", seed=seed)["close"].to_numpy()
        signal = known_signal("decay", seed=seed)[:-1]
        gained = 1e4 * (close[1:] / close[:-1] - 1) * np.sign(signal)
        halves.append([gained[:21_900].mean(), gained[21_900:].mean()])
    before, after = np.mean(halves, axis=0)
    assert before > 2.0
    assert abs(after) < 0.7


def test_the_last_symbol_of_a_misaligned_pool_is_told_an_hour_late():
    bars = drawn("misaligned", 1).pivot(on="symbol", index="ts", values="close", maintain_order=True).sort("ts")
    moves = np.diff(np.log(bars.drop("ts").to_numpy()), axis=0)
    same, next_ = (np.corrcoef(moves[: len(moves) - lag, 0], moves[lag:, 3])[0, 1] for lag in (0, 1))
    assert abs(same) < 0.1  # the last trade of an hour is some minutes old
    assert next_ > 0.6
    assert np.corrcoef(moves[:, 0], moves[:, 1])[0, 1] > 0.6


def test_survivors_rose_and_nobody_could_have_known():
    ends = [
        one["close"][-1] / one["open"][0] for seed in SEEDS for one in drawn("survivors", seed).partition_by("symbol")
    ]
    assert min(ends) > 1


def test_a_bull_with_an_edge_is_for_both_sides():
    assert not parse_recipe("bull-edge:0").is_long_only
    assert parse_recipe("bull").is_long_only
    close = simulate("bull-edge:0", seed=1)["close"].to_numpy()
    x = close[1:] / close[:-1] - 1
    assert x.mean() / x.std() * np.sqrt(8760) == pytest.approx(2.4, abs=4 / np.sqrt(5))


@pytest.mark.parametrize("recipe", examples())
def test_every_recipe_is_parsed_and_keeps_its_name(recipe):
    made = parse_recipe(recipe)
    assert parse_recipe(made.name) == made
    assert made.family in {*PLAIN, *FAMILIES, "universe"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ticks", "ticks takes a tick in percent of the first price from 0.01 to 2, was not given; .*ticks:0.4"),
        ("ticks:5", "from 0.01 to 2, was 5"),
        ("bounce:nan", "was nan"),
        ("illiquid:3", "illiquid takes no number, found illiquid:3"),
        ("ilquid", "did you mean illiquid"),
        ("tick", "did you mean ticks:0.4"),
        ("universal", "did you mean universe:30"),
    ],
)
def test_what_is_no_recipe_says_what_would_be(text, words):
    with pytest.raises(ConfigError, match=words):
        parse_recipe(text)


def test_pools_are_loaded_by_their_recipe():
    assert load_market(["simulated:misaligned"], seed=1).symbols == ("S00", "S01", "S02", "S03")
    with pytest.raises(ConfigError, match="several symbols; draw it with simulate_symbols"):
        simulate("late:20")
