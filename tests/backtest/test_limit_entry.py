"""Trades that are entered by limit orders: what fills and what is missed, and a label is still its trade."""

import numpy as np
import polars as pl
import pytest
from tests.backtest.markets import decide, ragged_market, random_decisions
from tests.backtest.test_no_volume import rarely_traded
from tests.core.test_carry import with_funding
from tests.labels.hand_made import HOUR_MS, Row, bars_from

from tradsys.backtest import PortfolioSpec, Simulation
from tradsys.backtest.cost_breakdown import cost_breakdown
from tradsys.backtest.entries import entry_outcomes
from tradsys.backtest.margin_spec import MarginSpec
from tradsys.backtest.more_slippage import more_slippage
from tradsys.backtest.nautilus import second_opinion
from tradsys.backtest.simulate import simulate
from tradsys.core.costs import Costs, Instrument
from tradsys.core.errors import ConfigError
from tradsys.core.limit_entry import LimitEntry
from tradsys.core.traded import NoVolume
from tradsys.data.simulate.market import HOUR
from tradsys.labels import BarrierSpec
from tradsys.research.walk.dataset import label_symbol

QUIET: Row = (100, 101, 99, 100)
AWAY: Row = (100, 104, 100, 103)
FREE = Costs(0.0, 0.0, slippage_bps=0.0)


def play(rows: list[Row], decisions: pl.DataFrame, entry: LimitEntry | None = LimitEntry(), **options) -> Simulation:
    portfolio = PortfolioSpec(entry=entry, margin=options.pop("margin", MarginSpec()), cap=options.pop("cap", 1.0))
    options = {"costs": FREE, "start": 0, "end": len(rows) * HOUR_MS} | options
    return simulate({"A": bars_from(rows)}, decisions, portfolio=portfolio, **options)


def random_market(entry: LimitEntry | None, n_bars: int = 900) -> Simulation:
    market, end = ragged_market(n_bars), n_bars * HOUR_MS
    settings = {"costs": Costs(slippage_bps=1.0), "start": 0, "end": end, "barriers": BarrierSpec(horizon=8)}
    portfolio = PortfolioSpec(fraction=0.7, cap=1.6, entry=entry)
    return simulate(market, random_decisions(market, 1), portfolio=portfolio, **settings)


def test_an_order_is_filled_at_its_price_and_pays_the_maker_fee() -> None:
    costs = Costs(10.0, 2.0, slippage_bps=3.0)
    one = play([QUIET, (100, 101, 99, 100), QUIET, QUIET], decide(("A", 0, 1)), LimitEntry(0.25), costs=costs)
    (trade,) = one.trades.to_dicts()
    assert (trade["entry_price"], trade["stop"], trade["target"]) == (99.5, 97.5, 101.5)
    assert trade["fees_quote"] == pytest.approx(2e-4 * trade["notional_quote"] + 1e-3 * trade["size_base"] * 100)
    assert trade["slippage_quote"] == pytest.approx(3e-4 * trade["size_base"] * 100)
    assert one.not_taken["missed"] == 0


def test_a_touch_is_missed_and_what_it_would_have_earned_at_the_market_is_told() -> None:
    costs = Costs(10.0, 2.0, slippage_bps=0.0)
    one = play([QUIET, AWAY, QUIET, QUIET], decide(("A", 0, 1)), costs=costs)
    assert (one.n_trades, one.not_taken["missed"]) == (0, 1)
    (missed,) = one.missed.to_dicts()
    assert (missed["symbol"], missed["side"], missed["gross_return"]) == ("A", 1, pytest.approx(0.02))
    assert missed["net_return"] == pytest.approx(0.02 - 1e-3 - 2e-4 * 1.02)  # in at the market, out at the target
    assert one.equity["equity"].to_list() == [10_000.0] * 4


def test_an_order_that_rests_is_filled_by_a_later_bar_and_ends_when_the_decision_said() -> None:
    rows = [QUIET, (100, 101, 100, 101), (101, 101, 99.5, 100), QUIET, QUIET, QUIET]
    one = play(rows, decide(("A", 0, 1), horizon=3), LimitEntry(bars=2))
    (trade,) = one.trades.to_dicts()
    assert trade["entry_ts"].hour == 2
    assert (trade["exit_ts"].hour, trade["reason"], trade["bars_held"]) == (4, "time", 2)
    assert play(rows, decide(("A", 0, 1), horizon=3), LimitEntry(bars=1)).not_taken["missed"] == 1


def test_an_order_that_rests_keeps_its_symbol_until_the_bar_in_which_it_lapses_has_closed() -> None:
    rows = [QUIET, (100, 101, 100, 101), (101, 102, 100.5, 101), (101, 102, 100, 101), QUIET, QUIET, QUIET]
    one = play(rows, decide(("A", 0, 1), ("A", 1, 1), ("A", 2, 1)), LimitEntry(bars=2))
    assert (one.not_taken["missed"], one.not_taken["in position"]) == (1, 1)
    assert one.trades["decided"].dt.hour().to_list() == [3]


def test_orders_that_rest_take_their_room() -> None:
    rose: Row = (103, 104, 102, 103)
    frames = {"A": bars_from([QUIET, AWAY, rose, rose, rose]), "B": bars_from([QUIET] * 5)}
    options = {"costs": FREE, "start": 0, "end": 5 * HOUR_MS}
    portfolio = PortfolioSpec(fraction=0.8, cap=1.0, entry=LimitEntry(bars=2))
    decisions = decide(("A", 0, 1), ("B", 1, 1), horizon=2)
    (trade,) = simulate(frames, decisions, portfolio=portfolio, **options).trades.to_dicts()
    assert trade["notional_quote"] == pytest.approx(2_000)  # 0.8 are promised to the order on A
    at_once = decide(("B", 1, 1), horizon=2)
    (alone,) = simulate(frames, at_once, portfolio=portfolio, **options).trades.to_dicts()
    assert alone["notional_quote"] == pytest.approx(8_000)


def test_a_delayed_order_rests_at_the_open_at_which_it_is_sent() -> None:
    rows = [QUIET, QUIET, (102, 103, 101, 102), (102, 102, 101.5, 102), QUIET, QUIET]
    (late,) = play(rows, decide(("A", 0, 1)), LimitEntry(0.25), delay=1).trades.to_dicts()
    assert (late["entry_price"], late["entry_ts"].hour) == (101.5, 2)


def test_prices_are_on_ticks_inside_the_open() -> None:
    rows = [QUIET, (100, 101, 98, 100), QUIET, QUIET]
    one = play(rows, decide(("A", 0, 1)), LimitEntry(0.3), instrument=Instrument(tick=0.5))
    assert one.trades["entry_price"].to_list() == [99.0]


def test_what_is_held_is_marked_from_the_fill_on() -> None:
    one = play([QUIET, (100, 101, 99.5, 100.5), QUIET, QUIET, QUIET], decide(("A", 0, 1)), LimitEntry(bars=3))
    assert one.equity["equity"].to_list() == pytest.approx([10_000, 10_050, 10_000, 10_000, 10_000])
    waits = play([QUIET, (100, 101, 100, 101), QUIET, QUIET, QUIET], decide(("A", 0, 1)), LimitEntry(bars=3))
    assert waits.position[0].tolist() == [0, 0, 1, 1, 0]
    assert waits.equity["exposure"].to_list() == pytest.approx([0, 0, 1, 0, 0])


def test_an_order_is_withdrawn_where_the_account_is_liquidated() -> None:
    frames = {
        "A": bars_from([QUIET, QUIET, (100, 100, 45, 50), (50, 51, 49, 50), (50, 51, 49, 50)]),
        "B": bars_from([QUIET, QUIET, AWAY, (103, 104, 102, 103), (103, 103, 90, 95)]),
    }
    decisions = decide(("A", 0, 1), ("B", 1, 1), horizon=3, distance=60.0)
    portfolio = PortfolioSpec(fraction=2.0, cap=4.0, entry=LimitEntry(bars=3))
    one = simulate(frames, decisions, portfolio=portfolio, costs=FREE, start=0, end=5 * HOUR_MS)
    assert one.trades["reason"].to_list() == ["liquidation"]
    assert (one.not_taken["no room"], one.not_taken["missed"]) == (1, 0)


def test_what_is_missed_would_have_had_its_barriers_as_far_from_the_open() -> None:
    rows: list[Row] = [QUIET, (100, 101.8, 100, 101), (101, 102.5, 101, 102), QUIET, QUIET]
    (missed,) = play(rows, decide(("A", 0, 1)), LimitEntry(0.25)).missed.to_dicts()
    assert (missed["gross_return"], missed["exit_ts"].hour) == (pytest.approx(0.02), 3)  # 102, not 101.5


def test_an_order_that_rests_needs_no_margin_until_it_is_filled() -> None:
    high = {"margin": MarginSpec(), "cap": 300.0}
    one = play([QUIET, AWAY, QUIET, QUIET], decide(("A", 0, 1), size=300.0), **high)
    assert (one.not_taken["missed"], one.ruin) == (1, None)
    assert one.equity["equity"].to_list() == [10_000.0] * 4


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("no_volume", ["lapse", "wait"])
@pytest.mark.parametrize("entry", [LimitEntry(), LimitEntry(0.2, 4)])
def test_a_labels_net_outcome_is_its_trades(side: int, no_volume: NoVolume, entry: LimitEntry) -> None:
    horizon, n, costs = 11, 900, Costs(5.0, -1.0, slippage_bps=1.0, borrow_bps_per_year=800.0)
    quarters = (np.arange(0, n, 0.25) * HOUR_MS).astype(np.int64)  # most settlements lie inside a bar
    bars = with_funding(rarely_traded(n, 21, 0.1), quarters, np.random.default_rng(0).normal(1e-4, 5e-4, len(quarters)))
    spec = BarrierSpec(upper=1.5, lower=2.0, horizon=horizon, no_volume=no_volume, entry=entry)
    labels, column = label_symbol(bars, HOUR, spec, costs), 0 if side > 0 else 1
    decisions = bars.select(symbol=pl.lit("A"), start=pl.col("ts").dt.offset_by("1h"), action=pl.lit(side))
    every = 4 * horizon  # an exit may wait, and the next decision is to find no position
    portfolio = PortfolioSpec(no_volume=no_volume, entry=entry)
    options = {"costs": costs, "start": 0, "end": n * HOUR_MS, "barriers": spec, "portfolio": portfolio}
    played = [simulate({"A": bars}, decisions.gather_every(every, k), **options) for k in range(every)]
    trades, missed = (pl.concat(parts) for parts in ([one.trades for one in played], [one.missed for one in played]))
    filled, lapsed = (
        np.searchsorted(labels.start, frame["decided"].dt.epoch("ms").to_numpy()) for frame in (trades, missed)
    )
    is_known = labels.is_labelled
    assert set(np.flatnonzero(is_known)) <= {*filled, *lapsed}
    assert labels.missed[lapsed[is_known[lapsed]], column].all()
    assert not labels.missed[filled, column].any()
    known = is_known[filled]
    assert np.abs(labels.net[filled[known], column] - trades["net_return"].to_numpy()[known]).max() < 1e-12
    assert (labels.end[filled[known], column] == trades["exit_ts"].dt.epoch("ms").to_numpy()[known]).all()
    assert len(trades) > 0.5 * n
    assert len(missed) > (5 if entry.offset == 0 else 30)
    assert (labels.weight[labels.missed] == 0).all()
    assert (labels.net[labels.missed] == 0).all()


def test_every_decision_is_a_trade_or_counted() -> None:
    one = random_market(LimitEntry(0.3, 3))
    n_decided = int((random_decisions(ragged_market(), 1)["action"] != 0).sum())
    assert one.n_trades + sum(one.not_taken.values()) == n_decided
    assert one.not_taken["missed"] == len(one.missed) > 100


def test_equity_is_the_cash_and_what_the_trades_earned() -> None:
    one = random_market(LimitEntry(0.3, 3))
    assert one.equity["equity"][-1] == pytest.approx(10_000 + one.trades["pnl_quote"].sum(), abs=1e-6)
    assert one.n_trades > 200


def test_costs_by_kind_and_more_slippage_know_that_entries_rested() -> None:
    one = random_market(LimitEntry(0.3, 3))
    trades, exits = one.trades, one.trades["size_base"] * one.trades["exit_price"]
    paid = cost_breakdown(trades, one.costs, has_resting_entries=True)
    assert paid.traded == pytest.approx((trades["notional_quote"] + exits).sum())
    at_market = exits.filter(trades["reason"] != "target").sum()
    (level, *_) = more_slippage(one, seed=0).levels
    assert level.profit == pytest.approx(trades["pnl_quote"].sum() - 1e-4 * at_market)


def test_gross_less_costs_is_net_beside_what_was_missed() -> None:
    one = random_market(LimitEntry(0.3, 3), n_bars=2_600)
    found = entry_outcomes(one, seed=0)
    costs = sum(found[name].value for name in ("fees", "slippage", "carry"))
    assert found["gross"].value - costs == pytest.approx(found["net"].value, abs=1e-12)
    assert (found["net"].n, found["missed_net"].n) == (one.n_trades, len(one.missed))
    assert found["missed_share"].value == len(one.missed) / (len(one.missed) + one.n_trades)
    assert found["missed_gross"].value == pytest.approx(one.missed["gross_return"].mean())
    assert found["gross"].low < found["gross"].value < found["gross"].high
    assert entry_outcomes(random_market(None), seed=0)["missed_share"].value == 0


def test_other_engines_that_fill_otherwise_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="NautilusTrader fills a limit order that is touched"):
        second_opinion(random_market(LimitEntry()), ragged_market(), 8)
    with pytest.raises(ConfigError, match="walk 'pessimistic' alone, found 'ohlc'"):
        PortfolioSpec(entry=LimitEntry(), walk="ohlc")


def test_the_future_changes_no_trade_that_has_ended() -> None:
    market = ragged_market()
    later = {name: bars.with_columns(pl.when(pl.int_range(pl.len()) > 500).then(pl.col("open") * 0 + 200.0)
             .otherwise(pl.col("open")).alias("open")) for name, bars in market.items()}  # fmt: skip
    later = {
        name: bars.with_columns(high=pl.max_horizontal("high", "open"), low=pl.min_horizontal("low", "open"))
        for name, bars in later.items()
    }
    options = {"costs": FREE, "start": 0, "end": 900 * HOUR_MS, "barriers": BarrierSpec(horizon=8)}
    portfolio = PortfolioSpec(fraction=0.3, entry=LimitEntry(0.2, 2))
    one, other = (
        simulate(m, random_decisions(market, 1), portfolio=portfolio, **options).trades for m in (market, later)
    )
    ended = pl.col("exit_ts").dt.epoch("ms") < 480 * HOUR_MS
    assert one.filter(ended).drop("slippage_quote").equals(other.filter(ended).drop("slippage_quote"))
    assert len(one.filter(ended)) > 50
