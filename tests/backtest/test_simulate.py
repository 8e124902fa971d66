"""One trade at a time by hand: entry 100, target 102, stop 98, 10,000 in the account."""

import numpy as np
import polars as pl
import pytest
from tests.backtest.markets import decide, random_decisions
from tests.labels.hand_made import HOUR_MS, Row, bars_from, random_bars

from tradsys.backtest import PortfolioSpec, Simulation, buy_and_hold
from tradsys.backtest.simulate import PricedGrid, simulate
from tradsys.core.costs import Costs, Instrument
from tradsys.core.errors import ConfigError, DataError, NotEnoughBars
from tradsys.labels import BarrierSpec, triple_barrier

QUIET: Row = (100, 101, 99, 100)
UP: Row = (100, 101.5, 99, 101)
TOUCH: Row = (101, 102, 100, 101)
FREE = Costs(taker_bps=0.0, maker_bps=0.0, slippage_bps=0.0)


def run(rows: list[Row], decisions: pl.DataFrame, **options: object) -> Simulation:
    options = {"costs": Costs(slippage_bps=0.0), "start": 0, "end": len(rows) * HOUR_MS} | options
    return simulate({"A": bars_from(rows)}, decisions, **options)  # type: ignore[arg-type]


def only(simulation: Simulation) -> dict[str, object]:
    assert simulation.n_trades == 1
    return simulation.trades.row(0, named=True)


def test_a_long_that_meets_its_target_by_hand() -> None:
    one = run([QUIET, UP, TOUCH, QUIET, QUIET], decide(("A", 0, 1)))
    trade = only(one)
    assert (trade["entry_price"], trade["exit_price"], trade["reason"], trade["bars_held"]) == (100, 102, "target", 2)
    assert (trade["size_base"], trade["notional_quote"]) == (100.0, 10_000.0)
    assert trade["fees_quote"] == pytest.approx(10_000 * 5e-4 + 10_200 * 2e-4)  # market in, limit out
    assert trade["pnl_quote"] == pytest.approx(200 - 7.04)
    assert trade["net_return"] == pytest.approx(0.019296)
    assert trade["gross_return"] == pytest.approx(0.02)
    equity = one.equity["equity"].to_list()
    assert equity == pytest.approx([10_000, 10_000 - 5 + 100, 10_192.96, 10_192.96, 10_192.96])
    assert one.equity["exposure"].to_list() == pytest.approx([0, 10_100 / 10_095, 0, 0, 0])


def test_a_stop_and_a_time_exit_pay_the_taker_fee() -> None:
    stopped = only(run([QUIET, QUIET, (100, 101, 97, 98), QUIET, QUIET], decide(("A", 0, 1))))
    assert (stopped["reason"], stopped["fees_quote"]) == ("stop", pytest.approx(5 + 4.9))
    timed = only(run([QUIET, QUIET, UP, (101, 101, 100, 101), QUIET], decide(("A", 0, 1))))
    assert (timed["reason"], timed["exit_price"], timed["fees_quote"]) == ("time", 101, pytest.approx(5 + 5.05))


def test_slippage_is_paid_by_market_orders_alone() -> None:
    trade = only(run([QUIET, TOUCH, QUIET, QUIET], decide(("A", 0, 1)), costs=Costs(slippage_bps=10.0)))
    assert trade["entry_price"] == 101.0
    touched = only(run([QUIET, UP, TOUCH, QUIET], decide(("A", 0, 1)), costs=Costs(slippage_bps=10.0)))
    assert touched["fees_quote"] == pytest.approx(10_000 * 5e-4 + 10_200 * 2e-4)
    assert touched["slippage_quote"] == pytest.approx(10_000 * 10e-4)
    assert touched["pnl_quote"] == pytest.approx(200 - touched["fees_quote"] - touched["slippage_quote"])


def test_a_short_earns_what_the_price_loses() -> None:
    trade = only(run([QUIET, QUIET, (100, 101, 97, 98), QUIET, QUIET], decide(("A", 0, -1)), costs=FREE))
    assert (trade["side"], trade["reason"], trade["exit_price"]) == (-1, "target", 98)
    assert trade["pnl_quote"] == pytest.approx(200)


def test_a_decision_while_in_position_is_not_taken_and_one_at_the_close_of_the_exit_bar_is() -> None:
    rows = [QUIET, UP, TOUCH, QUIET, QUIET, QUIET]
    simulation = run(rows, decide(("A", 0, 1), ("A", 1, 1), ("A", 2, -1)))
    assert simulation.trades["decided"].dt.epoch("ms").to_list() == [HOUR_MS, 3 * HOUR_MS]
    assert simulation.not_taken["in position"] == 1


def test_decisions_are_censored_like_labels() -> None:
    rows = [QUIET, (100, 103, 99, 103), QUIET, QUIET]
    assert run(rows, decide(("A", 0, 1))).n_trades == 1
    shorter = run(rows, decide(("A", 0, 1)), end=3 * HOUR_MS)
    assert (shorter.n_trades, shorter.not_taken["outside the time"]) == (0, 1)
    assert run(rows[:-1], decide(("A", 0, 1))).n_trades == 0


def test_the_first_fill_may_be_at_the_start_but_not_before() -> None:
    rows = [QUIET] * 6
    simulation = run(rows, decide(("A", 0, 1), ("A", 1, -1)), start=2 * HOUR_MS)
    assert simulation.trades["side"].to_list() == [-1]
    assert simulation.not_taken["outside the time"] == 1


def test_sizes_are_rounded_down_to_the_lot_and_nothing_is_no_trade() -> None:
    rows = [(7, 8, 6, 7)] * 5
    trade = only(run(rows, decide(("A", 0, 1)), instrument=Instrument(lot=0.5)))
    assert trade["size_base"] == 1428.5  # 10,000 / 7 = 1428.57
    none = run(rows, decide(("A", 0, 1)), instrument=Instrument(lot=2000.0))
    assert (none.n_trades, none.not_taken["too small"], none.equity["equity"][-1]) == (0, 1, 10_000)


def test_a_size_that_is_a_whole_number_of_lots_is_not_rounded_away() -> None:
    trade = only(run([(1, 2, 0.5, 1)] * 5, decide(("A", 0, 1), size=0.3), instrument=Instrument(lot=0.1)))
    assert trade["size_base"] == pytest.approx(3000)


def test_an_order_below_the_venues_minimum_is_no_trade() -> None:
    rows = [(100, 101, 99, 100)] * 5
    wanted = decide(("A", 0, 1), size=0.01)  # 100 of 10,000
    assert run(rows, wanted, instrument=Instrument(min_notional=100.0)).n_trades == 1
    none = run(rows, wanted, instrument=Instrument(min_notional=100.01))
    assert (none.n_trades, none.not_taken["too small"]) == (0, 1)


def test_nothing_of_the_equity_is_too_small_and_no_trade() -> None:
    none = run([QUIET] * 5, decide(("A", 0, 1), size=0.0))
    assert (none.n_trades, none.not_taken["too small"], none.not_taken["no room"]) == (0, 1, 0)


def test_an_account_too_small_for_the_venue_trades_no_more() -> None:
    rows = [QUIET, (100, 101, 99, 100), (100, 100, 40, 50), *[(50, 51, 49, 50)] * 5]
    orders = pl.concat([decide(("A", 0, 1), distance=50.0), decide(("A", 3, 1), distance=5.0)])
    few = {"portfolio": PortfolioSpec(cash_quote=8.0)}
    spent = run(rows, orders, instrument=Instrument(min_notional=5.0), **few)
    assert spent.trades["reason"].to_list() == ["stop"]
    assert spent.not_taken["too small"] == 1
    assert run(rows, orders, **few).n_trades == 2


def test_what_rounding_leaves_of_the_cap_buys_nothing() -> None:
    market = {name: bars_from([QUIET] * 8) for name in "ABCD"}
    orders = pl.concat(
        decide((name, 0 if name < "D" else 1, 1), size=size)
        for name, size in zip("ABCD", (0.7, 0.2, 0.1, 1.0), strict=True)
    )
    one = simulate(market, orders, costs=Costs(), start=0, end=8 * HOUR_MS)
    assert (one.n_trades, one.not_taken["no room"]) == (3, 1)


def test_a_stop_nearer_than_a_tick_is_no_order() -> None:
    rows = [(100.25, 101, 99, 100.25)] * 5
    near = decide(("A", 0, 1), distance=0.5)  # 99.75 is rounded to 100, half a tick below an entry between two ticks
    assert run(rows, near, instrument=Instrument(tick=0.5)).not_taken["no barriers"] == 1
    assert run(rows, near, instrument=Instrument(tick=0.25)).n_trades == 1


def test_barriers_are_rounded_to_the_tick_before_the_walk() -> None:
    decision = decide(("A", 0, 1), distance=1.7)
    rows = [QUIET, (100, 101.6, 99, 101), QUIET, QUIET]
    exact, rounded = only(run(rows, decision)), only(run(rows, decision, instrument=Instrument(tick=0.5)))
    assert (exact["reason"], exact["target"], exact["stop"]) == ("time", 101.7, 98.3)
    assert (rounded["reason"], rounded["exit_price"], rounded["target"], rounded["stop"]) == (
        "target",
        101.5,
        101.5,
        98.5,
    )


def test_barriers_that_vanish_in_the_tick_are_no_event() -> None:
    simulation = run([QUIET] * 5, decide(("A", 0, 1), distance=0.2), instrument=Instrument(tick=0.5))
    assert (simulation.n_trades, simulation.not_taken["no barriers"]) == (0, 1)
    assert run([QUIET] * 5, decide(("A", 0, 1), distance=float("nan"))).not_taken["no barriers"] == 1


@pytest.mark.parametrize(("action", "sign"), [(1, 1.0), (-1, -1.0)])
def test_funding_is_settled_at_8_utc_on_positions_held_through(action: int, sign: float) -> None:
    rows = [QUIET] * 12
    costs = Costs(taker_bps=0.0, maker_bps=0.0, funding_bps_per_8h=10.0, slippage_bps=0.0)
    through = run(rows, decide(("A", 5, action), horizon=4), costs=costs)  # held from 06:00 to 10:00
    assert only(through)["funding_quote"] == pytest.approx(sign * 10.0)
    assert through.equity["equity"][7:10].to_list() == pytest.approx([10_000, 10_000 - sign * 10, 10_000 - sign * 10])
    assert only(run(rows, decide(("A", 7, action)), costs=costs))["funding_quote"] == 0.0  # entered at 08:00
    assert only(run(rows, decide(("A", 4, action)), costs=costs))["funding_quote"] == 0.0  # out at the close before it


def test_a_hole_in_the_bars_misses_no_funding() -> None:
    bars = bars_from([QUIET] * 30).filter(pl.int_range(30).is_in(range(7, 17)).not_())
    costs = Costs(taker_bps=0.0, maker_bps=0.0, funding_bps_per_8h=10.0, slippage_bps=0.0)
    trade = only(simulate({"A": bars}, decide(("A", 4, 1), horizon=4), costs=costs, start=0, end=30 * HOUR_MS))
    assert trade["funding_quote"] == pytest.approx(20.0)  # 08:00 and 16:00


def test_days_without_a_trade_are_flat_days() -> None:
    rows = [QUIET, UP, TOUCH, *[QUIET] * 69]
    simulation = run(rows, decide(("A", 0, 1), ("A", 40, 1)))
    assert simulation.days.tolist() == [0, 1, 2]
    assert simulation.daily.tolist() == pytest.approx([0.019296, -0.001, 0.0])
    later = run(rows, decide(("A", 40, 1)), start=30 * HOUR_MS, end=60 * HOUR_MS)
    assert (later.days.tolist(), len(later.grid)) == ([1, 2], 30)


def test_a_bar_that_closes_at_midnight_belongs_to_the_day_it_ends() -> None:
    rows = [QUIET] * 48
    rows[23] = (100, 102, 99, 102)
    assert run(rows, decide(("A", 22, 1)), costs=FREE).daily.tolist() == pytest.approx([0.02, 0.0])


def test_position_is_held_from_the_entry_bar_to_the_exit_bar() -> None:
    simulation = run([QUIET, UP, TOUCH, QUIET, QUIET], decide(("A", 0, -1), size=0.5), costs=FREE)
    assert simulation.position.dtype == np.float32
    assert simulation.position.tolist() == [[0.0, -0.5, -0.5, 0.0, 0.0]]
    assert simulation.opens.tolist() == [[100, 100, 101, 100, 100]]


def test_distances_and_horizon_come_from_the_barriers_where_decisions_have_none() -> None:
    bars, spec = random_bars(200, 3), BarrierSpec(upper=1.0, lower=2.0, horizon=5)
    decisions = random_decisions({"A": bars}, 1, actions=(1,))
    simulation = simulate({"A": bars}, decisions, costs=FREE, barriers=spec, start=0, end=200 * HOUR_MS)
    labels = triple_barrier(bars, upper=1.0, lower=2.0, horizon=5)
    joined = simulation.trades.join(labels, left_on="decided", right_on="start")
    assert len(joined) == simulation.n_trades > 20
    assert (joined["exit_price"] == joined["exit"]).all()
    with pytest.raises(DataError, match="lack stop_distance, target_distance, horizon; pass `barriers`"):
        simulate({"A": bars}, decisions, costs=FREE, start=0, end=200 * HOUR_MS)


def test_the_walk_is_the_portfolios_choice() -> None:
    rows = [QUIET, (100, 103, 97, 100), QUIET, QUIET]
    exits = {
        walk: only(run(rows, decide(("A", 0, 1)), portfolio=PortfolioSpec(walk=walk)))["reason"]  # type: ignore[arg-type]
        for walk in ("pessimistic", "stop_first", "ohlc")
    }
    assert exits == {"pessimistic": "stop", "stop_first": "time", "ohlc": "target"}


@pytest.mark.parametrize(
    ("decisions", "match"),
    [
        (decide(("B", 0, 1)), "decisions on B have no bars; the market holds A"),
        (decide(("A", 9, 1)), r"1 of A are not, the first at 1970-01-01 10:00"),
        (decide(("A", 0, 1), ("A", 0, -1)), "several decisions for one bar"),
        (decide(("A", 0, 1), size=-0.5), "finite shares of equity"),
        (decide(("A", 0, 1), size=float("inf")), "A has inf at 1970-01-01 01:00; give 0"),
    ],
)
def test_decisions_that_cannot_be_filled_are_refused(decisions: pl.DataFrame, match: str) -> None:
    with pytest.raises(DataError, match=match):
        run([QUIET] * 5, decisions)


def test_decisions_to_stay_out_need_no_size_and_no_distance() -> None:
    idle = decide(("A", 0, 0), distance=float("nan"), size=float("nan"))
    simulation = run([QUIET] * 5, idle)
    assert simulation.trades.is_empty()
    assert simulation.equity["equity"].to_list() == [10_000] * 5


def test_a_span_without_bars_and_settings_without_meaning_are_refused() -> None:
    with pytest.raises(NotEnoughBars, match="no bar lies between 1970-01-03 02:00"):
        run([QUIET] * 5, decide(), start=50 * HOUR_MS, end=60 * HOUR_MS)
    with pytest.raises(ConfigError, match=r"were 0.0, 1.0 and"):
        PortfolioSpec(fraction=0.0)
    with pytest.raises(ConfigError, match="pessimistic, stop_first, ohlc, was 'open'"):
        PortfolioSpec(walk="open")  # type: ignore[arg-type]


def test_buy_and_hold_buys_the_first_open_and_sells_the_last_close() -> None:
    rows = [QUIET, (100, 111, 99, 110), (110, 121, 109, 120), QUIET]
    held = buy_and_hold({"A": bars_from(rows)}, HOUR_MS, 3 * HOUR_MS, costs=Costs(slippage_bps=0.0))
    trade = only(held)
    assert (trade["entry_price"], trade["exit_price"], trade["reason"]) == (100, 120, "time")
    assert held.equity["equity"].to_list() == pytest.approx([10_000 - 5 + 1000, 10_000 - 5 + 2000 - 6])


def test_a_delayed_order_fills_a_bar_later_with_its_barriers_as_far_from_there() -> None:
    rows = [QUIET, UP, TOUCH, (103, 104.5, 102, 104), (104, 105.5, 103.5, 105), QUIET]
    on_time = only(run(rows, decide(("A", 0, 1)), costs=FREE))
    late = only(run(rows, decide(("A", 0, 1)), costs=FREE, delay=1))
    assert (on_time["entry_price"], on_time["target"], on_time["stop"]) == (100, 102, 98)
    assert (late["entry_price"], late["target"], late["stop"]) == (101, 103, 99)
    assert late["decided"] == on_time["decided"]
    assert late["entry_ts"] - on_time["entry_ts"] == late["exit_ts"] - on_time["exit_ts"]


def test_a_delayed_time_exit_comes_as_much_later_and_must_still_fit() -> None:
    rows = [QUIET, QUIET, QUIET, QUIET, (100, 101, 99, 99.5)]
    late = only(run(rows, decide(("A", 0, 1)), costs=FREE, delay=1))
    assert (late["reason"], late["exit_price"], late["bars_held"]) == ("time", 99.5, 3)
    assert only(run(rows[:4], decide(("A", 0, 1)), costs=FREE))["reason"] == "time"
    shorter = run(rows[:4], decide(("A", 0, 1)), delay=1)
    assert (shorter.n_trades, shorter.not_taken["outside the time"]) == (0, 1)
    with pytest.raises(ConfigError, match="delay counts"):
        run(rows, decide(("A", 0, 1)), delay=-1)


def test_bars_that_were_priced_once_give_the_same_simulation_again_and_again() -> None:
    bars = {"A": random_bars(300, seed=1), "B": random_bars(300, seed=2)}
    priced = PricedGrid.of(bars, 0, 280 * HOUR_MS, costs=Costs())
    for seed in (0, 1):
        decisions = random_decisions(bars, seed=seed)
        again = priced.simulate(decisions, portfolio=PortfolioSpec(), barriers=BarrierSpec())
        whole = simulate(bars, decisions, costs=Costs(), start=0, end=280 * HOUR_MS, barriers=BarrierSpec())
        assert whole.n_trades > 3
        assert again.trades.equals(whole.trades)
        assert again.equity.equals(whole.equity)
