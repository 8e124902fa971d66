"""The rank profile: nothing proven where nothing is, a planted momentum proven, and two old mistakes caught."""

from datetime import timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from tradsys.backtest.rebalance import Targets, simulate_targets
from tradsys.core.bars import split_symbols
from tradsys.core.errors import ConfigError, NotEnoughBars
from tradsys.core.time import to_ms
from tradsys.data import load_market
from tradsys.data.fingerprint import fingerprint, month_blocks
from tradsys.data.market import Market
from tradsys.data.simulate import simulate_universe
from tradsys.data.simulate.market import START
from tradsys.features.universe_risk import beta_over, volatility_over
from tradsys.journal.ledger import Ledger
from tradsys.predictor.rank_rule import NAME, RankRule
from tradsys.research.judging.trials import trial_series
from tradsys.research.procedures.ranks import RankProcedure
from tradsys.research.ranking.market_neutral import (
    market_neutral_from,
    mean_spread,
    rank,
    spreads,
    trade,
)
from tradsys.research.run import run
from tradsys.settings.config import RunConfig
from tradsys.verdict.procedure import judge

HOUR_MS = 3_600_000
N_BARS = 17_520
OPENS, CLOSES = to_ms(START) + 3_504 * HOUR_MS, to_ms(START) + N_BARS * HOUR_MS
NO_COSTS = {"taker_bps": 0.0, "maker_bps": 0.0}


@cache
def universe(momentum: float, seed: int):
    return split_symbols(simulate_universe(30, momentum, seed=seed, n_bars=N_BARS))


def spec_of(**settings):
    return market_neutral_from(RunConfig(**settings))


def traded(momentum: float, seed: int, spec):
    return trade(universe(momentum, seed), HOUR_MS, spec, start=OPENS, end=CLOSES)


def verdict_of(simulation, spec):
    own = trial_series({NAME: simulation})
    return judge(own, spec=spec.verdict, benchmark=spec.benchmark, guard_bars=spec.guard_bars, seed=0).profiles[NAME]


@pytest.mark.slow
@pytest.mark.parametrize(("costs", "most"), [({}, 0), (NO_COSTS, 1)], ids=["costs", "no costs"])
def test_nothing_is_proven_where_prices_are_martingales(costs, most):
    """Without costs one in twenty is, by the size of the test: of eight, two are too many."""
    spec = spec_of(costs=costs)
    verdicts = [verdict_of(traded(0.0, seed, spec).simulation, spec) for seed in range(8)]
    assert [one.verdict for one in verdicts].count("proven") <= most
    assert np.mean([one.z_skill for one in verdicts]) == pytest.approx(0, abs=1.0)


@pytest.mark.slow
def test_a_planted_momentum_is_proven():
    spec = spec_of()
    for seed in range(3):
        judged = verdict_of(traded(0.015, seed, spec).simulation, spec)
        assert judged.verdict == "proven", judged.sentence


@pytest.mark.slow
def test_a_fill_before_the_deciding_close_would_be_proven_on_noise_and_the_right_one_is_not():
    spec = spec_of(rank={"lookback": 24, "horizon": 24})
    right = traded(0.0, 1, spec)
    early = Targets(right.targets.symbols, right.targets.times - 2 * HOUR_MS, right.targets.weights)
    wrong = simulate_targets(universe(0.0, 1), early, costs=spec.costs, start=OPENS, end=CLOSES)
    assert verdict_of(wrong, spec).p <= 0.05
    assert verdict_of(right.simulation, spec).p > 0.05


def test_every_trade_is_decided_at_a_close_and_filled_at_the_open_of_then():
    trades = traded(0.0, 1, spec_of()).simulation.trades
    late = (trades["entry_ts"] - trades["decided"]).dt.total_hours()
    assert late.min() == 0
    assert (trades["decided"].dt.epoch("ms") % (24 * HOUR_MS) == 0).all()
    frames = universe(0.0, 1)
    for row in trades.head(50).iter_rows(named=True):
        bar = frames[row["symbol"]].filter(pl.col("ts") == row["entry_ts"])
        assert bar["open"][0] == row["entry_price"]


def test_symbols_that_are_left_look_better_than_all_were_and_the_universe_holds_them_all():
    for seed in (0, 2, 5):
        frames = universe(0.0, seed)
        end = max(bars["ts"][-1] for bars in frames.values())
        gone = {name for name, bars in frames.items() if bars["ts"][-1] < end}
        returns = {name: (bars["close"] / bars["open"] - 1).to_numpy() for name, bars in frames.items()}
        left = np.concatenate([r for name, r in returns.items() if name not in gone])
        assert gone
        assert left.mean() > np.concatenate(list(returns.values())).mean()
        one = traded(0.0, seed, spec_of(universe={"size": 30}, rank={"k": 10}))
        closed = one.simulation.trades.filter(pl.col("symbol").is_in(list(gone)))
        assert set(closed["symbol"]) == gone
        lasts = {name: frames[name]["ts"][-1] + timedelta(hours=1) for name in gone}
        assert all(exit_ <= lasts[name] for name, exit_ in closed.select("symbol", "exit_ts").iter_rows())


def test_symbols_listed_later_and_what_comes_later_change_no_earlier_choice():
    frames, spec = universe(0.0, 1), spec_of()
    cut = OPENS + 5_000 * HOUR_MS
    opens = {name: bars["ts"].dt.epoch("ms")[0] for name, bars in frames.items()}
    past = {
        name: bars.filter(pl.col("ts").dt.epoch("ms") + HOUR_MS <= cut)
        for name, bars in frames.items()
        if opens[name] + HOUR_MS <= cut - 40 * 24 * HOUR_MS
    }
    assert len(past) < len(frames)
    less = trade(past, HOUR_MS, spec, start=OPENS, end=cut)
    whole = traded(0.0, 1, spec)
    before = whole.targets.times < cut
    kept = [whole.targets.symbols.index(name) for name in less.targets.symbols]
    assert np.array_equal(whole.targets.weights[before][:, kept], less.targets.weights)
    assert not np.delete(whole.targets.weights[before], kept, axis=1).any()


def test_both_sides_weigh_the_same_and_turn_round_when_contrarian():
    weights = traded(0.0, 1, spec_of()).targets.weights
    assert np.abs(weights.sum(axis=1)).max() < 1e-12
    assert np.abs(weights).sum(axis=1).max() == pytest.approx(1.0)
    turned = traded(0.0, 1, spec_of(rank={"contrarian": True})).targets.weights
    assert np.array_equal(turned, -weights)


def test_the_rule_holds_a_fifth_or_k_and_nobody_among_too_few():
    values = np.array([[0.3, np.nan, -0.2, 0.1, 0.0, -0.5], [1.0, 2.0, 3.0, np.nan, np.nan, np.nan]])
    symbols = list("ABCDEF")
    assert RankRule().sides(values, symbols).tolist() == [[1, 0, 0, 0, 0, -1], [0] * 6]
    assert RankRule(k=2).sides(values, symbols)[0].tolist() == [1, 0, -1, 1, 0, -1]
    assert not RankRule(k=3).sides(values, symbols).any()
    equal = np.ones((1, 4))
    assert RankRule().sides(equal, list("DCBA")).tolist() == [[1, 0, 0, -1]]
    with pytest.raises(ConfigError, match="must be at least 1"):
        RankRule(k=0)


@pytest.mark.parametrize("neutral", ["dollar", "volatility", "beta"])
def test_sides_that_are_scaled_by_risk_have_in_common_what_was_asked(neutral):
    frames = universe(0.0, 1)
    settings = {"weighting": "inverse_volatility", "neutral": neutral, "holds": "ranks"}
    one = rank(frames, HOUR_MS, spec_of(rank=settings))
    risk = volatility_over(one.panel, frames, 720)
    masses = {"dollar": np.ones_like(risk), "volatility": risk, "beta": beta_over(one.panel, frames, 720)}
    is_held = one.weights.any(axis=1)
    assert is_held.mean() > 0.8
    shared = np.nansum(one.weights * masses[neutral], axis=1)[is_held]
    assert np.abs(shared).max() < 1e-12
    others = [np.nansum(one.weights * mass, axis=1)[is_held] for name, mass in masses.items() if name != neutral]
    assert all(np.abs(other).max() > 1e-6 for other in others)
    assert np.abs(one.weights[is_held]).sum(axis=1) == pytest.approx(1.0)


def test_inverse_volatility_gives_every_position_of_a_side_the_same_risk():
    frames = universe(0.0, 1)
    one = rank(frames, HOUR_MS, spec_of(rank={"weighting": "inverse_volatility", "k": 4}))
    risk = np.abs(one.weights) * volatility_over(one.panel, frames, 720)
    for side in (one.weights > 0, one.weights < 0):
        held = np.where(side, risk, np.nan)[side.any(axis=1)]
        assert np.nanmax(held, axis=1) == pytest.approx(np.nanmin(held, axis=1))


def test_a_band_and_overlapping_choices_trade_less():
    def fees(**settings):
        trades = traded(0.0, 1, spec_of(rank={"holds": "ranks"} | settings)).simulation.trades
        return trades["fees_quote"].sum()

    plain = fees()
    assert fees(no_trade_band=0.5) < 0.8 * plain
    assert fees(overlap=7) < 0.5 * plain


def test_settings_that_contradict_each_other_are_named():
    with pytest.raises(ConfigError, match="k=3 counts extremes"):
        RankRule(k=3, holds="ranks")
    with pytest.raises(ConfigError, match=r"between 0 and 1, was 1\.5"):
        RankRule(no_trade_band=1.5)
    with pytest.raises(ConfigError, match="overlap must be at least 1"):
        RankRule(overlap=0)


def test_a_rule_says_how_many_it_may_hold():
    assert (RankRule().most_held(12), RankRule(k=3).most_held(12)) == (4, 6)
    for rule in (RankRule(holds="ranks"), RankRule(k=3, overlap=2), RankRule(k=3, no_trade_band=0.5)):
        assert rule.most_held(12) == 12


def test_a_rule_says_in_a_sentence_what_it_does():
    assert RankRule().description == (
        "Long a fifth strongest, short a fifth weakest by the return over 168 bars, equal notional, chosen again every "
        "24 bars"
    )
    rule = RankRule(336, signal="trend", holds="signal", weighting="inverse_volatility", overlap=7, no_trade_band=0.5)
    assert rule.description == (
        "Long the stronger half, short the weaker by the trend over 336 bars, in standard deviations and cut at two, "
        "each by its distance from the mean, equal notional, scaled by the inverse volatility of 720 bars, chosen "
        "again every 24 bars, the mean of the last 7 choices, left alone within 0.5 of an average position"
    )


def test_spreads_are_long_less_short_from_fill_to_fill():
    one = traded(0.0, 1, spec_of(costs=NO_COSTS))
    values = spreads(one)
    days = np.diff(one.simulation.equity["equity"].to_numpy()[::24])
    assert len(values) == pytest.approx(len(days), abs=2)
    growth = one.simulation.equity["equity"][-1] / one.simulation.cash_quote
    assert np.prod(1 + values / 2) == pytest.approx(growth, rel=0.02)
    measured = mean_spread(values, 24 * HOUR_MS, seed=0)
    assert measured.low < measured.value < measured.high


def test_three_symbols_are_refused():
    frames = dict(list(universe(0.0, 1).items())[:3])
    with pytest.raises(NotEnoughBars, match="nobody could be ranked"):
        trade(frames, HOUR_MS, spec_of(), start=OPENS, end=CLOSES)


@pytest.fixture(scope="module")
def small():
    bars = simulate_universe(8, 0.03, seed=1, n_bars=12_000)
    symbols = tuple(split_symbols(bars))
    return Market(bars, timedelta(hours=1), ("t",), symbols, (), fingerprint(bars), month_blocks(bars), False)


def test_a_run_is_one_trial_and_the_same_run_again_none(small, tmp_path):
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    first = run(small, RunConfig(), procedure=RankProcedure.of, root=tmp_path / "ranks", ledger=ledger)
    again = run(small, RunConfig(), procedure=RankProcedure.of, root=tmp_path / "ranks", ledger=ledger)
    assert ledger.n_trials_on(small.blocks) == 1
    assert again.verdict == first.verdict
    assert again.metrics == first.metrics
    other = run(
        small, RunConfig(rank={"horizon": 72}), procedure=RankProcedure.of, root=tmp_path / "ranks", ledger=ledger
    )
    assert other.verdict.n_trials == 2
    stored = ledger.load_trial(next(iter(ledger.trials_on(small.blocks))).content["series"])
    assert stored.position.shape[0] == 8
    assert (first.folder / "universe.parquet").is_file()


def test_the_first_and_the_last_part_are_left_alone_until_the_lockbox_is_opened(small, tmp_path):
    ledger = Ledger(tmp_path / "journal" / "ledger.jsonl")
    bars = small.bars
    opens = bars["ts"].min() + (bars["ts"].max() - bars["ts"].min()) * 0.8
    wild = bars.with_columns(
        pl.when(pl.col("ts") < opens).then(pl.col(name)).otherwise(pl.col(name) * 3).alias(name)
        for name in ("open", "high", "low", "close")
    )
    symbols = small.symbols
    other = Market(wild, small.interval, ("t",), symbols, (), fingerprint(wild), month_blocks(wild), False)
    one = run(small, RunConfig(), procedure=RankProcedure.of, root=tmp_path / "ranks", ledger=ledger)
    two = run(other, RunConfig(), procedure=RankProcedure.of, root=tmp_path / "ranks", ledger=ledger)
    assert one.metrics.profiles == two.metrics.profiles
    trades = pl.read_parquet(one.folder / "trades.parquet")
    assert trades["entry_ts"].min() >= bars["ts"].min() + (bars["ts"].max() - bars["ts"].min()) * 0.2
    assert one.verdict.lockbox is None
    judgeable = RunConfig(verdict={"min_days": 20})
    opened = run(
        small, judgeable, procedure=RankProcedure.of, root=tmp_path / "ranks", ledger=ledger, open_the_lockbox=True
    )
    assert opened.verdict.lockbox.profile == NAME
    assert [entry.kind for entry in ledger.entries()].count("lockbox") == 1


@pytest.mark.needs_data
def test_the_gross_spread_of_four_coins_is_that_of_the_notes(development_data):
    """+31 bp [8, 55] a day, best of eight looks on coins chosen in hindsight."""
    names = [f"{coin}USDT-1h-binancefut.parquet" for coin in ("BTC", "ETH", "SOL", "BNB")]
    market = load_market([development_data / "market" / name for name in names])
    spec = spec_of(rank={"k": 1}, universe={"min_listed_days": 0, "volume_days": 1})
    start, end = (to_ms(when) for when in (market.bars["ts"].min(), market.bars["ts"].max()))
    one = trade(market.frames(), HOUR_MS, spec, start=start, end=end)
    measured = mean_spread(spreads(one), 24 * HOUR_MS, seed=0)
    assert 1e4 * measured.value == pytest.approx(31, abs=3)
    assert (1e4 * measured.low, 1e4 * measured.high) == pytest.approx((8, 55), abs=5)
