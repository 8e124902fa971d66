"""A paper session of a tape takes the actions of the batch, and every trade nets the same to the cent."""

import numpy as np
import polars as pl
import pytest
from tests.backtest.markets import random_decisions
from tests.backtest.test_no_volume import rarely_traded
from tests.labels.hand_made import HOUR_MS, random_bars
from tests.live.venues.paper_loop import taped_trades

from tradsys.backtest import PortfolioSpec
from tradsys.backtest.simulate import simulate
from tradsys.core.carry import Settlements, settle
from tradsys.core.costs import Costs, Instrument
from tradsys.core.time import ts_ms
from tradsys.labels import BarrierSpec
from tradsys.live.replay.parity import ComparedTrade, paired

CENT = 0.005
TICK = 0.25
N = 400
HORIZON = 2


def with_distances(market, decisions: pl.DataFrame, spec: BarrierSpec) -> pl.DataFrame:
    """As a predictor writes them: distances and horizon in every row."""
    parts = []
    for symbol, bars in market.items():
        own = decisions.filter(pl.col("symbol") == symbol)
        pace = spec.pace(bars)
        parts.append(
            own.with_columns(
                stop_distance=pl.Series(spec.lower * pace),
                target_distance=pl.Series(spec.upper * pace),
                horizon=pl.lit(spec.horizon, pl.Int32),
            )
        )
    return pl.concat(parts)


def both(market, costs: Costs, *, settlements=None, funded=None, tick: float = TICK):
    """The same decisions as a batch and as a session: trades side by side, one of each."""
    spec = BarrierSpec(upper=0.8, lower=0.6, horizon=HORIZON)
    decisions = with_distances(market, random_decisions(market, 3), spec)
    start, end = 100 * HOUR_MS, N * HOUR_MS
    decisions = decisions.filter(pl.col("start").dt.epoch("ms") >= start)
    batch = simulate(
        funded or market,
        decisions,
        costs=costs,
        instrument=Instrument(tick=tick),
        portfolio=PortfolioSpec(fraction=1e-6, cap=1.0),
        start=start,
        end=end,
    ).trades.with_columns(pl.col("decided").dt.epoch("ms"))
    session, paid = taped_trades(
        market, decisions, costs=costs, interval_ms=HOUR_MS, start=start - 1, tick=tick, settlements=settlements
    )
    joined = batch.join(pl.DataFrame(session), on=["symbol", "decided"], how="full", suffix="_paper", coalesce=True)
    # at the end of its time the batch takes no trade that might not end; the session knows no end
    return joined.filter(pl.col("decided") < end - 8 * HOUR_MS), paid


@pytest.fixture(scope="module")
def market():
    return {name: random_bars(N, seed) for seed, name in enumerate(("A", "B"))}


def check(joined: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """Each action is the batch's, or follows from a time exit; returns the trades that ended at a barrier in both."""
    batch = [
        ComparedTrade(
            row["symbol"],
            row["decided"],
            row["side"],
            row["entry_price"],
            round(row["exit_ts"].timestamp() * 1_000),
            row["exit_price"],
            row["reason"],
            row["ambiguous"],
        )
        for row in joined.filter(pl.col("side").is_not_null()).iter_rows(named=True)
    ]
    session = [
        ComparedTrade(
            row["symbol"],
            row["decided"],
            row["side_paper"],
            row["entry_price_paper"],
            row["exit_ms"],
            row["exit_price_paper"],
            row["reason_paper"],
        )
        for row in joined.filter(pl.col("side_paper").is_not_null()).iter_rows(named=True)
    ]
    causes = [one.cause for one in paired(batch, session)]
    assert set(causes) <= {"same", "time_exit"}
    n_in_time = sum(one.reason == "time" for one in batch)
    assert causes.count("same") >= fewest
    assert causes.count("same") >= sum(one.reason != "time" for one in batch) - 0.1 * n_in_time
    return joined.filter((pl.col("reason") != "time") & pl.col("side_paper").is_not_null())


def net_difference(at_barriers: pl.DataFrame) -> float:
    """The largest, in quote a unit of the base."""
    return (at_barriers["pnl_quote"] / at_barriers["size_base"] - at_barriers["pnl_quote_paper"]).abs().max()


def test_actions_prices_and_net_results_are_those_of_the_simulation(market):
    joined, _ = both(market, Costs(slippage_bps=0.5))
    at_barriers = check(joined, 150)
    assert at_barriers["entry_price"].to_list() == at_barriers["entry_price_paper"].to_list()
    assert {"stop", "target", "time"} == set(joined["reason"])
    assert joined["ambiguous"].sum() > 10
    assert net_difference(at_barriers) < CENT / 100
    opens = {(s, t): o for s, bars in market.items() for t, o in zip(ts_ms(bars).tolist(), bars["open"], strict=True)}
    in_time = joined.filter((pl.col("reason") == "time") & (pl.col("reason_paper") == "time"))
    assert len(in_time) > 10
    for row in in_time.iter_rows(named=True):  # by design at the next open, when the close is already known
        assert row["exit_price_paper"] == opens[row["symbol"], row["decided"] + HORIZON * HOUR_MS]


def test_estimated_slippage_is_the_simulations_bar_by_bar(market):
    joined, _ = both(market, Costs())
    assert net_difference(check(joined, 150)) < CENT / 100
    assert (joined["slippage_quote"] > 0).any()


def test_bars_in_which_nobody_trades_fill_nothing_in_either():
    market = {name: rarely_traded(N, seed, 0.4) for seed, name in enumerate(("A", "B"))}
    joined, _ = both(market, Costs(slippage_bps=0.5), tick=0.0)
    assert net_difference(check(joined, 100)) < CENT / 100


def test_funding_falls_on_the_same_trades(market):
    every_h = 5
    times = np.arange(1, N // every_h) * every_h * HOUR_MS
    rates = np.random.default_rng(1).normal(0, 1e-3, len(times))
    settlements = {"A": Settlements.of(times, rates), "B": Settlements.of(times + HOUR_MS // 3, rates)}
    funded = {}
    for symbol, bars in market.items():
        empty = Settlements.of(np.empty(0, np.int64), np.empty(0))
        columns = settle(ts_ms(bars), HOUR_MS, settlements.get(symbol, empty)).columns()
        funded[symbol] = bars.with_columns(**{name: pl.Series(values) for name, values in columns.items()})
    joined, paid = both(market, Costs(slippage_bps=0.5), settlements=settlements, funded=funded)
    at_barriers = check(joined, 150)
    assert (at_barriers["funding_quote"] != 0).sum() > 20
    for row in at_barriers.iter_rows(named=True):
        own = sum(
            one.paid_quote
            for one in paid
            if one.symbol == row["symbol"] and row["entry_ms"] < one.ts_ms <= row["exit_ms"]
        )
        assert own == pytest.approx(row["funding_quote"] / row["size_base"], abs=CENT / 100)
