"""The bot's path over a tape against the batch: live predictor, allocator, executor and paper account."""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from tests.backtest.markets import random_decisions
from tests.live.venues.bot_session import decisions_at, same_size, session
from tests.live.venues.test_paper_parity import with_distances

from tradsys.backtest import PortfolioSpec
from tradsys.backtest.simulate import Simulation, simulate
from tradsys.bundle.deployment import DeployedPortfolio, DeployedVerdict, Deployment
from tradsys.core.bars import split_symbols
from tradsys.core.costs import Costs, Instrument
from tradsys.core.errors import NotEnoughBars
from tradsys.core.time import HOUR_MS, ts_ms
from tradsys.data import load_bars
from tradsys.labels import BarrierSpec
from tradsys.live.replay.gap import summed
from tradsys.live.replay.parity import ComparedTrade, Pairing, paired
from tradsys.live.replay.replaying import hold_against, replay
from tradsys.live.venues.paper_rules import PaperRules, slippage_of_bars
from tradsys.predictor.live import LivePredictor
from tradsys.predictor.predictor import Decision, Predictor

CENT = 0.005


def compared(simulation: Simulation, trades: list[dict], *, before: int) -> tuple[list[Pairing], list[dict]]:
    """Trades of both that were decided in time to end, and those of the session."""
    batch = [
        ComparedTrade(
            row["symbol"],
            round(row["decided"].timestamp() * 1_000),
            row["side"],
            row["entry_price"],
            round(row["exit_ts"].timestamp() * 1_000),
            row["exit_price"],
            row["reason"],
            row["ambiguous"],
        )
        for row in simulation.trades.iter_rows(named=True)
    ]
    done = [row for row in trades if not row["is_open"] and row["decided_ms"] < before]
    ours = [
        ComparedTrade(
            row["symbol"],
            row["decided_ms"],
            row["side"],
            row["entry_price"],
            row["exit_ms"],
            row["exit_price"],
            row["exit_reason"],
        )
        for row in done
    ]
    return paired([one for one in batch if one.decided_ms < before], ours), done


def net_differences(simulation: Simulation, pairs: list[Pairing], trades: list[dict]) -> list[float]:
    """What the trades that both took alike net otherwise, in quote at the batch's size."""
    at = {
        (row["symbol"], round(row["decided"].timestamp() * 1_000)): row
        for row in simulation.trades.iter_rows(named=True)
    }
    # a time exit is filled in the next bar, which may slip otherwise; so is a price that was touched to the last bit
    alike = {
        (one.batch.symbol, one.decided_ms)
        for one in pairs
        if one.cause == "same" and one.batch.exit_ms == one.session.exit_ms + 1
    }
    assert len(alike) > 0.9 * len(pairs)
    return [
        abs(same_size(row, at[key]["size_base"]) - at[key]["pnl_quote"])
        for row in trades
        if (key := (row["symbol"], row["decided_ms"])) in alike
    ]


def check(simulation: Simulation, pairs: list[Pairing], trades: list[dict], *, fewest: int) -> Counter:
    causes = Counter(one.cause for one in pairs)
    assert set(causes) <= {"same", "time_exit", "gap_exit"}
    assert causes["same"] >= fewest
    assert max(net_differences(simulation, pairs, trades)) < CENT
    return causes


@pytest.mark.slow
def test_a_bundles_session_bar_by_bar_is_its_batch(finished, small_market):
    stored, _, _ = finished
    predictor = Predictor.load(stored.folder / "bundle", profile="RECKLESS")
    market = split_symbols(small_market.bars)
    ((_, bars),) = market.items()
    opens = ts_ms(bars)
    closes = [int(ts) + HOUR_MS for ts in opens[-500:]]
    decisions = predictor.decide_many(small_market.bars).filter(pl.col("start").dt.epoch("ms") >= closes[0])
    live = LivePredictor(predictor)
    live.warm(small_market.bars.filter(pl.col("ts").dt.epoch("ms") < closes[0] - HOUR_MS))
    rows = {int(ts) + HOUR_MS: row for ts, row in zip(opens, bars.iter_rows(named=True), strict=True)}

    def decide(close: int) -> list[Decision]:
        return [live.step(rows[close], now=close)]

    costs = Costs(slippage_bps=1.0)
    lived = session(
        market,
        decide,
        closes,
        interval_ms=HOUR_MS,
        rules=PaperRules(costs=costs),
        portfolio=DeployedPortfolio(fraction=0.5, cap=1.0, cash_quote=10_000.0, sides=("long", "short")),
        instruments=Instrument(lot=1e-6),
    )
    simulation = simulate(
        market,
        decisions,
        costs=costs,
        start=closes[0],
        end=closes[-1],
        portfolio=PortfolioSpec(fraction=0.5),
        instrument=Instrument(lot=1e-6),
    )
    before = closes[-1] - 30 * HOUR_MS
    pairs, done = compared(simulation, lived.trades, before=before)
    causes = check(simulation, pairs, done, fewest=20)
    replayed = hold_against(simulation, [x for x in lived.lived if x.decided_ms < before], market, before_ms=before)
    assert Counter(one.cause for one in replayed) == causes
    gap = summed(one.gap for one in replayed)
    made = sum(one.lived.result_quote for one in replayed if one.lived)
    simulated = sum(one.simulated.pnl_quote for one in replayed if one.simulated)
    assert gap.total == pytest.approx(made - simulated, abs=1e-6)
    assert all(abs(amount) < CENT for name, amount in gap.parts.items() if name not in ("latency", "signal"))
    again = replay(
        lived.lived,
        predictor,
        market,
        deployment(costs, symbol=next(iter(market))),
        start_ms=closes[0],
        end_ms=closes[-1],
        instruments=Instrument(lot=1e-6),
    )
    assert again.causes["same"] > 0.9 * len(again.trades) and again.causes["same"] >= 20
    assert again.gap.total == pytest.approx(again.lived_quote - again.simulated_quote, abs=1e-6)
    assert again.revised == ()
    assert {one.setting for one in again.learned} >= {"costs.taker_bps", "costs.slippage_bps"}
    slipped = next(one for one in again.learned if one.setting == "costs.slippage_bps")
    assert slipped.bps == pytest.approx(1.0, abs=0.1)
    assert again.lines[0].startswith("the account made ")
    with pytest.raises(NotEnoughBars, match=r"needs .* bars of EDGE before it, found 0"):
        replay([], predictor, market, deployment(costs, symbol="EDGE"), start_ms=0, end_ms=closes[-1])


def deployment(costs: Costs, *, symbol: str) -> Deployment:
    """What a bundle of that market says of itself, as far as a replay reads it."""
    portfolio = DeployedPortfolio(fraction=0.5, cap=1.0, cash_quote=10_000.0, sides=("long", "short"))
    verdict = DeployedVerdict("RECKLESS", "not proven", "", "", "")
    return Deployment(
        venue="tape",
        symbols=(symbol,),
        interval_ms=HOUR_MS,
        trained_from_ms=0,
        trained_to_ms=1,
        created_ms=1,
        expires_ms=2,
        profile="RECKLESS",
        costs=costs,
        portfolio=portfolio,
        outside=(),
        verdict=verdict,
        bands={},
    )


def random_market(market: Mapping[str, pl.DataFrame], seed: int, spec: BarrierSpec) -> pl.DataFrame:
    """Decisions at random, with what a predictor would say beside them."""
    return told(market, random_decisions(market, seed), spec)


def told(market: Mapping[str, pl.DataFrame], decisions: pl.DataFrame, spec: BarrierSpec) -> pl.DataFrame:
    """The same with distances, horizon and the other fields of a decision."""
    decisions = with_distances(market, decisions, spec)
    filled = decisions.filter(pl.col("stop_distance").is_finite() & (pl.col("stop_distance") > 0))
    return filled.with_columns(
        side=pl.col("action"),
        probability=pl.lit(0.5),
        rank=pl.lit(0.5),
        regime=pl.lit([1.0]),
        audit=pl.lit(0.5),
        reason=pl.lit("random"),
        expected_net=pl.lit(0.0),
    )


@pytest.mark.slow
def test_the_samples_real_quarters_of_an_hour_are_traded_as_in_the_batch():
    bars = load_bars("sample", log=lambda line: None).drop("symbol", strict=False)
    opens = ts_ms(bars)
    quarter = 15 * 60_000
    gaps = np.flatnonzero(np.diff(opens) != quarter)
    first = int(next(a for a, b in pairwise(gaps) if b - a > 620)) + 1
    market = {"BTC-USD": bars[first : first + 600]}
    closes = [int(ts) + quarter for ts in opens[first + 100 : first + 600]]
    spec, costs, steps = (
        BarrierSpec(upper=1.0, lower=1.0, horizon=8),
        Costs(slippage_bps=1.0),
        Instrument(0.01, 1e-6, 5.0),
    )
    random = random_decisions(market, 2).with_columns(start=market["BTC-USD"]["ts"].dt.offset_by("15m"))
    decisions = told(market, random, spec).filter(pl.col("start").dt.epoch("ms") >= closes[0])
    lived = session(
        market,
        decisions_at(decisions),
        closes,
        interval_ms=quarter,
        rules=PaperRules(costs=costs),
        portfolio=DeployedPortfolio(fraction=0.5, cap=1.0, cash_quote=10_000.0, sides=("long", "short")),
        instruments=steps,
    )
    simulation = simulate(
        market,
        decisions,
        costs=costs,
        start=closes[0],
        end=closes[-1],
        portfolio=PortfolioSpec(fraction=0.5),
        instrument=steps,
    )
    pairs, done = compared(simulation, lived.trades, before=closes[-1] - 10 * quarter)
    causes = check(simulation, pairs, done, fewest=50)
    assert causes["same"] > 0.9 * len(pairs)


@pytest.mark.slow
@pytest.mark.needs_data
def test_real_bars_of_three_coins_are_traded_as_in_the_batch(development_data):
    market = {}
    for coin in ("BTC", "ETH", "SOL"):
        path = development_data / "market" / f"{coin}USDT-1h-binancefut.parquet"
        market[f"{coin}USDT"] = load_bars(path, log=lambda line: None).drop("symbol", strict=False).head(800)
    opens = ts_ms(market["BTCUSDT"])
    assert all(np.array_equal(ts_ms(bars), opens) for bars in market.values())
    closes = [int(ts) + HOUR_MS for ts in opens[200:]]
    decisions = random_market(market, 5, BarrierSpec(horizon=24))
    decisions = decisions.filter(pl.col("start").dt.epoch("ms") >= closes[0])
    costs = Costs()
    steps = {
        "BTCUSDT": Instrument(0.1, 0.001, 5.0),
        "ETHUSDT": Instrument(0.01, 0.001, 5.0),
        "SOLUSDT": Instrument(0.001, 1.0, 5.0),
    }
    slippage = slippage_of_bars(market, costs, {symbol: one.tick for symbol, one in steps.items()})
    lived = session(
        market,
        decisions_at(decisions),
        closes,
        interval_ms=HOUR_MS,
        rules=PaperRules(costs=costs, slippage=slippage, cash_quote=1e6),
        portfolio=DeployedPortfolio(fraction=0.2, cap=1.0, cash_quote=1e6, sides=("long", "short")),
        instruments=steps,
    )
    simulation = simulate(
        market,
        decisions,
        costs=costs,
        start=closes[0],
        end=closes[-1],
        portfolio=PortfolioSpec(fraction=0.2, cash_quote=1e6),
        instrument=steps,
    )
    pairs, done = compared(simulation, lived.trades, before=closes[-1] - 30 * HOUR_MS)
    check(simulation, pairs, done, fewest=60)
    assert {reason for _, _, reason in lived.not_entered} <= {"in position"}
