"""Ranks among the symbols that had a bar by then; what the battery of features asks for, on columns that come late."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from tradsys.core.bars import split_symbols
from tradsys.core.errors import ConfigError, DataError
from tradsys.data.fingerprint import fingerprint, month_blocks
from tradsys.data.market import Market
from tradsys.data.panel import PricePanel
from tradsys.data.simulate import simulate_universe
from tradsys.data.universe import UniverseSpec
from tradsys.features.cross_section import CROSS_SECTION, RANKS
from tradsys.features.feature_set import FeatureSet
from tradsys.features.registry import feature_from_dict, feature_to_dict, registered
from tradsys.features.universe_ranks import (
    MOMENTUM,
    Compared,
    attach_ranks,
    compared,
    dispersion,
    market_mean,
    momentum,
    place,
    rank_names,
    strength,
)

HOUR_MS = 3_600_000
SPEC = UniverseSpec(size=6, min_listed_days=10, volume_days=5, rebalance_days=1)
COLUMNS = [name for feature in RANKS for name in feature.needs]
EVERYTHING: tuple[Compared, ...] = (*MOMENTUM, "funding")


def market_of(bars: pl.DataFrame) -> Market:
    symbols = tuple(split_symbols(bars))
    return Market(bars, timedelta(hours=1), ("test",), symbols, (), fingerprint(bars), month_blocks(bars), False)


@pytest.fixture(scope="module")
def bars():
    drawn = simulate_universe(8, seed=3, n_bars=3000)
    keep = np.random.default_rng(0).random(len(drawn)) > 0.01  # holes
    return drawn.filter(pl.Series(keep))


@pytest.fixture(scope="module")
def funded(bars):
    """The same with the funding of seven of the eight, and all that compares symbols."""
    rng = np.random.default_rng(2)
    eight = np.arange(len(bars)) // 8 % 2 == 0
    rate = np.where(bars["symbol"] == "S07", np.nan, rng.normal(0, 1e-4, len(bars)))
    columns = {"funding_rate": rate, "funding_hours": np.where(eight, 8.0, 4.0)}
    return attach_ranks(market_of(bars.with_columns(**columns)), SPEC, kinds=EVERYTHING)


@pytest.fixture(scope="module")
def ranked(bars):
    return attach_ranks(market_of(bars), SPEC)


def test_nothing_after_a_time_changes_a_bit_before(bars, ranked):
    cut = bars["ts"].min() + (bars["ts"].max() - bars["ts"].min()) * 0.7
    is_past = pl.col("ts") <= cut
    before = ranked.bars.filter(is_past)
    assert before[COLUMNS[0]].is_not_nan().any()
    prices = pl.col("open", "high", "low", "close", "volume")
    rng = pl.Series(np.random.default_rng(1).uniform(0.5, 2, len(bars)))
    wild = bars.with_columns(pl.when(is_past).then(prices).otherwise(prices * rng))
    for other in (bars.filter(is_past), wild):
        again = attach_ranks(market_of(other), SPEC).bars.filter(is_past)
        assert again.equals(before)


def test_nothing_after_a_time_changes_a_bit_of_what_all_symbols_do(bars, funded):
    cut = bars["ts"].min() + (bars["ts"].max() - bars["ts"].min()) * 0.7
    is_past = pl.col("ts") <= cut
    names = rank_names((24, 72, 168), EVERYTHING)
    before = funded.bars.filter(is_past)
    assert all(before[name].is_not_nan().sum() > 1000 for name in names)
    own = funded.bars.drop(names)
    rng = pl.Series(np.random.default_rng(1).uniform(0.5, 2, len(bars)))
    changed = [pl.when(is_past).then(pl.col(one)).otherwise(pl.col(one) * rng) for one in ("close", "funding_rate")]
    for other in (own.filter(is_past), own.with_columns(changed)):
        again = attach_ranks(market_of(other), SPEC, kinds=EVERYTHING).bars.filter(is_past)
        assert again.select(names).equals(before.select(names))


def test_the_market_is_the_mean_of_the_members_and_dispersion_their_spread(bars, funded, ranked):
    assert funded.bars.select(COLUMNS).equals(ranked.bars.select(COLUMNS))
    frames = split_symbols(bars)
    panel = PricePanel.of(frames, HOUR_MS)
    table = compared(momentum(panel, frames, 72), SPEC.choose(frames, HOUR_MS).at(panel.times))
    held = funded.frames()
    n_checked = 0
    for t in range(600, len(panel.times), 97):
        known = [value for value in table[t] if np.isfinite(value)]
        for s, symbol in enumerate(panel.symbols):
            row = held[symbol].filter(pl.col("ts").dt.epoch("ms") == panel.times[t] - HOUR_MS)
            if not len(row):
                continue
            found = row.select("rank_market_72", "rank_dispersion_72").row(0)
            if not np.isfinite(table[t, s]):
                assert np.isnan(found).all()
                continue
            np.testing.assert_allclose(found, [np.mean(known), np.std(known)])
            n_checked += 1
    assert n_checked > 50
    assert np.isnan(market_mean(np.array([[np.nan, np.nan]]))).all()
    assert dispersion(np.array([[1.0, 3.0, np.nan]]))[0, :2].tolist() == [1.0, 1.0]


def test_funding_is_ranked_by_what_it_is_in_eight_hours_among_those_that_have_any(funded):
    held = pl.concat(frame.with_columns(symbol=pl.lit(name)) for name, frame in funded.frames().items())
    assert held.filter(symbol="S07")["rank_funding"].is_nan().all()
    known = held.filter(pl.col("rank_funding").is_not_nan()).with_columns(
        own=pl.col("funding_rate") * 8 / pl.col("funding_hours"), among=pl.len().over("ts")
    )
    wanted = 2 * (known.select(pl.col("own").rank().over("ts")).to_series() - 1) / (known["among"] - 1) - 1
    assert known["among"].min() >= 4
    np.testing.assert_allclose(known["rank_funding"], wanted)


def test_a_symbol_that_is_listed_later_changes_nothing_before(bars, ranked):
    opens = {name: frame["ts"][0] for name, frame in split_symbols(bars).items()}
    late = max(opens, key=lambda name: opens[name])
    without = attach_ranks(market_of(bars.filter(pl.col("symbol") != late)), SPEC).bars
    before = pl.col("ts") <= opens[late]
    assert ranked.bars.filter(before, pl.col("symbol") != late).equals(without.filter(before))


def test_only_members_with_a_bar_now_and_then_are_ranked(bars, ranked):
    frames = split_symbols(bars)
    panel = PricePanel.of(frames, HOUR_MS)
    member = SPEC.choose(frames, HOUR_MS).at(panel.times)
    for s, frame in enumerate(ranked.frames().values()):
        opens = set(frame["ts"].dt.epoch("ms").to_list())
        is_member = dict(zip(panel.times.tolist(), member[:, s].tolist(), strict=True))
        for ts, value in zip(frame["ts"].dt.epoch("ms"), frame["rank_place_168"], strict=True):
            if np.isfinite(value):
                assert ts - 168 * HOUR_MS in opens
                assert is_member[ts + HOUR_MS]


def test_values_are_those_of_a_slow_plain_version(bars, ranked):
    frames = split_symbols(bars)
    panel = PricePanel.of(frames, HOUR_MS)
    member = SPEC.choose(frames, HOUR_MS).at(panel.times)
    table = momentum(panel, frames, 72)
    checked = 0
    for t in range(500, len(panel.times), 131):
        values = {s: table[t, s] for s in range(8) if member[t, s] and np.isfinite(table[t, s])}
        for s in values:
            row = ranked.frames()[panel.symbols[s]].filter(pl.col("ts").dt.epoch("ms") == panel.times[t] - HOUR_MS)
            if len(values) < 4:
                assert np.isnan(row["rank_place_72"][0])
                continue
            order = sorted(values.values())
            assert row["rank_place_72"][0] == pytest.approx(2 * order.index(values[s]) / (len(order) - 1) - 1)
            assert row["rank_strength_72"][0] == pytest.approx(values[s] - np.median(order))
            checked += 1
    assert checked > 50


def test_momentum_is_that_of_the_clock_and_not_of_neighbours(bars):
    frames = split_symbols(bars)
    panel = PricePanel.of(frames, HOUR_MS)
    close = panel.spread({name: frame["close"].to_numpy() for name, frame in frames.items()})
    has_both = np.isfinite(close[24:]) & np.isfinite(close[:-24])
    assert not np.isfinite(momentum(panel, frames, 24)[24:][~has_both]).any()


def test_ranks_of_equal_values_lie_in_the_middle_and_few_are_not_ranked():
    assert place(np.array([[1.0, 2.0, 2.0, 3.0]])).tolist() == [[-1.0, 0.0, 0.0, 1.0]]
    assert strength(np.array([[1.0, 2.0, 4.0, np.nan]]))[0, :3].tolist() == [-1.0, 0.0, 2.0]
    few = compared(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[True, True, True, False]]))
    assert np.isnan(few).all()


def test_a_mirrored_universe_flips_every_column(bars, ranked):
    inverse = bars.with_columns(
        open=1 / pl.col("open"), high=1 / pl.col("low"), low=1 / pl.col("high"), close=1 / pl.col("close")
    )
    inverse = inverse.with_columns(quote_volume=bars["close"] * bars["volume"])
    image = attach_ranks(market_of(inverse), SPEC).bars.select(COLUMNS).to_numpy()
    np.testing.assert_allclose(image, -ranked.bars.select(COLUMNS).to_numpy(), atol=1e-7)


def test_names_are_those_of_the_columns_in_their_order(funded):
    attached = [name for name in funded.bars.columns if name.startswith("rank_")]
    assert attached == rank_names((24, 72, 168), EVERYTHING)
    assert rank_names((24,), ["market"]) == ["rank_market_24"]


@pytest.mark.parametrize("feature", RANKS, ids=lambda feature: feature.name)
def test_features_read_the_columns_and_miss_them_by_name(feature, ranked):
    frame = ranked.frames()["S00"]
    assert np.array_equal(feature.compute(frame), frame.select(feature.needs).to_numpy(), equal_nan=True)
    assert feature.compute(frame[:0]).shape == (0, 3)
    assert feature_from_dict(feature_to_dict(feature)) == feature
    assert all(feature.is_odd)
    X = FeatureSet((feature,)).fit(list(ranked.frames().values())).compute(frame).values
    assert np.array_equal(np.isnan(X), np.isnan(frame.select(feature.needs).to_numpy()))
    with pytest.raises(DataError, match="attach the rank data"):
        feature.compute(frame.drop(feature.needs[0]))


def test_every_feature_of_ranks_is_registered():
    assert {type(feature) for feature in CROSS_SECTION} <= set(registered().values())


def test_three_symbols_are_no_cross_section(bars):
    with pytest.raises(ConfigError, match="ranks compare at least 4 symbols"):
        attach_ranks(market_of(bars.filter(pl.col("symbol") < "S03")), SPEC)


def test_the_ledger_tells_a_market_with_ranks_from_one_without(bars, ranked):
    assert ranked.fingerprint != market_of(bars).fingerprint
    assert ranked.blocks == month_blocks(bars)
    assert "ranks among 8 symbols" in ranked.outside[0]
