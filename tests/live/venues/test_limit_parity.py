"""Limit entries over a tape against the batch: fills, misses and exits are the same, or a cause says why not."""

from collections import Counter
from collections.abc import Sequence

import polars as pl
import pytest
from tests.labels.hand_made import HOUR_MS, random_bars
from tests.live.venues.bot_session import TapedSession, decisions_at, session
from tests.live.venues.test_bot_parity import random_market

from tradsys.backtest import PortfolioSpec
from tradsys.backtest.simulate import Simulation, simulate
from tradsys.bundle.deployment import DeployedPortfolio
from tradsys.core.costs import Costs, Instrument
from tradsys.core.limit_entry import LimitEntry
from tradsys.labels import BarrierSpec
from tradsys.live.replay.replaying import ReplayedTrade, hold_against, missed_orders
from tradsys.live.venues.paper_rules import PaperRules

N, FIRST = 500, 100
CENT = 0.005
COSTS = Costs(taker_bps=5.0, maker_bps=1.0, slippage_bps=2.0)
STEPS = Instrument(0.01, 1e-6, 5.0)


def both(
    entry: LimitEntry,
    *,
    horizon: int = 4,
    symbols: Sequence[str] = ("A", "B"),
    lower: float = 0.8,
    is_spot: bool = False,
) -> tuple[Simulation, TapedSession, list[ReplayedTrade]]:
    """The same random decisions simulated and traded, and each of them held against the other."""
    market = {
        name: random_bars(N, seed).with_columns(pl.col("open", "high", "low", "close").round(2))
        for seed, name in enumerate(symbols)
    }
    closes = [row * HOUR_MS for row in range(FIRST, N)]
    decisions = random_market(market, 7, BarrierSpec(upper=1.0, lower=lower, horizon=horizon))
    decisions = decisions.filter(pl.col("start").dt.epoch("ms") >= closes[0])
    if is_spot:
        decisions = decisions.with_columns(action=pl.col("action").clip(lower_bound=0))
    lived = session(
        market,
        decisions_at(decisions),
        closes,
        interval_ms=HOUR_MS,
        rules=PaperRules(costs=COSTS),
        portfolio=DeployedPortfolio(0.3, 1.0, 10_000.0, ("long", "short"), entry),
        instruments=STEPS,
        is_spot=is_spot,
    )
    simulation = simulate(
        market,
        decisions,
        costs=COSTS,
        start=closes[0],
        end=closes[-1] + HOUR_MS,
        portfolio=PortfolioSpec(fraction=0.3, entry=entry),
        instrument=STEPS,
    )
    before_ms = closes[-1] - 20 * HOUR_MS
    replayed = hold_against(
        simulation,
        [one for one in lived.lived if one.decided_ms < before_ms],
        market,
        before_ms=before_ms,
        denied=[(symbol, close) for symbol, close, _ in lived.not_entered],
        unfilled=[one for one in lived.unfilled if one.decided_ms < before_ms],
    )
    return simulation, lived, replayed


@pytest.mark.parametrize("entry", [LimitEntry(), LimitEntry(0.25, 3)])
def test_fills_misses_and_exits_are_those_of_the_batch(entry: LimitEntry) -> None:
    _, lived, replayed = both(entry)
    causes = Counter(one.cause for one in replayed)
    assert set(causes) <= {"same", "time_exit", "gap_exit"}
    filled = [one for one in replayed if one.simulated and one.lived]
    n_missed = sum(one.simulated is None and one.lived is None for one in replayed)
    assert causes["same"] > 0.9 * len(replayed) and len(filled) > 60 and n_missed > 10
    at_barriers = [one for one in filled if one.simulated.reason != "time"]
    within_bar = [one for one in at_barriers if one.simulated.is_within_bar]
    assert {one.simulated.reason for one in within_bar} == {"stop", "target"}, "stop and target in the bar of the fill"
    for one in at_barriers:
        assert one.lived.entry_price == pytest.approx(one.simulated.entry_price, rel=1e-9)
        size = one.simulated.size_base / one.lived.size_base
        assert one.lived.result_quote * size == pytest.approx(one.simulated.pnl_quote, abs=CENT)
    assert all(fill.is_maker for one in filled for fill in one.lived.fills[:1])
    assert {reason for _, _, reason in lived.not_entered} <= {"in position", "too small"}


def test_an_order_filled_in_the_last_bar_of_its_time_has_a_cause_of_its_own() -> None:
    _, _, replayed = both(LimitEntry(0.3, 8), horizon=2, symbols=("A",), lower=0.6)
    causes = Counter(one.cause for one in replayed)
    assert set(causes) <= {"same", "time_exit", "gap_exit", "filled_last"}
    assert causes["filled_last"] > 0 and causes["same"] > 0.7 * len(replayed)


def test_orders_of_the_batch_that_lapsed_are_told_with_when_they_did() -> None:
    simulation, _, _ = both(LimitEntry(0.5, 2), symbols=("A",))
    rested = missed_orders(simulation, simulation.grid[-1])
    assert 0 < len(rested) <= simulation.not_taken["missed"]
    assert {one.exit_ms - one.decided_ms for one in rested} == {2 * HOUR_MS}


def test_coins_are_bought_missed_and_sold_as_in_the_batch() -> None:
    _, lived, replayed = both(LimitEntry(0.25, 3), is_spot=True)
    causes = Counter(one.cause for one in replayed)
    assert set(causes) <= {"same", "time_exit", "gap_exit"} and causes["same"] > 0.9 * len(replayed) > 50
    assert len(lived.unfilled) > 5
    assert {one.lived.exit_reason for one in replayed if one.lived} >= {"stop", "target"}
