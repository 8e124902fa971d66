"""Liquidation and ruin: what is closed when, at which price, and what is left; equity is never below zero."""

import numpy as np
import polars as pl
import pytest
from tests.backtest.markets import decide, ragged_market, random_decisions
from tests.labels.hand_made import HOUR_MS, Row, bars_from

from tradsys.backtest import PortfolioSpec, Simulation, buy_and_hold, measure
from tradsys.backtest.cost_breakdown import cost_breakdown
from tradsys.backtest.margin_spec import MarginSpec
from tradsys.backtest.rebalance import Targets, simulate_targets
from tradsys.backtest.simulate import simulate
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError
from tradsys.labels import BarrierSpec

FREE = Costs(taker_bps=0.0, maker_bps=0.0, slippage_bps=0.0)
QUIET: Row = (100, 101, 99, 100)
NO_FEE = MarginSpec(liquidation_fee_bps=0.0)


def play(
    rows: list[Row], *decisions: tuple[str, int, int], leverage: float = 1.0, horizon: int = 3, **options: object
) -> Simulation:
    """Hourly bars of one symbol, wide barriers; 10,000 to begin with."""
    margin, costs = options.pop("margin", MarginSpec()), options.pop("costs", FREE)
    return simulate(
        {"A": bars_from(rows)},
        decide(*decisions, horizon=horizon, distance=float(options.pop("distance", 90.0))),  # type: ignore[arg-type]
        costs=costs,  # type: ignore[arg-type]
        portfolio=PortfolioSpec(fraction=leverage, cap=leverage, margin=margin),  # type: ignore[arg-type]
        start=0,
        end=len(rows) * HOUR_MS,
    )


FALL_AND_RISE: list[Row] = [QUIET, QUIET, (100, 100, 80, 80), (80, 116, 80, 116), (116, 117, 115, 116)]


def test_ten_of_equity_do_not_live_through_a_fall_of_a_fifth_to_see_the_rise() -> None:
    one = play(FALL_AND_RISE, ("A", 0, 1), ("A", 3, 1), leverage=10.0, horizon=1)
    held = play(FALL_AND_RISE, ("A", 0, 1), leverage=10.0)
    assert one.n_trades >= 1
    assert held.equity["equity"].to_list() == [10_000, 10_000, 0, 0, 0]
    (trade,) = held.trades.to_dicts()
    assert (trade["reason"], trade["exit_price"], trade["pnl_quote"]) == ("liquidation", pytest.approx(90.0), -10_000)
    assert trade["exit_ts"].timestamp() == 3 * 3600
    assert held.ruin is not None
    assert (held.ruin.at, held.ruin.cause) == (3 * HOUR_MS, "a long of A, 10.0 times the equity, liquidated")
    assert held.position[0].tolist() == [0, 10, 10, 0, 0]


def test_a_bars_adverse_extreme_liquidates_although_it_closes_where_it_opened() -> None:
    rows: list[Row] = [QUIET, QUIET, (100, 101, 89, 100), QUIET, QUIET]
    assert play(rows, ("A", 0, 1), leverage=10.0).equity["equity"][-1] == 0
    short: list[Row] = [QUIET, QUIET, (100, 111, 99, 100), QUIET, QUIET]
    assert play(short, ("A", 0, -1), leverage=10.0).equity["equity"][-1] == 0
    assert play(short, ("A", 0, 1), leverage=10.0).ruin is None


@pytest.mark.parametrize(("low", "left"), [(91.0, None), (90.4, 400.0), (90.0, 0.0), (85.0, 0.0)])
def test_what_a_liquidation_leaves_is_the_equity_at_the_extreme_and_never_less_than_nothing(
    low: float, left: float | None
) -> None:
    rows: list[Row] = [QUIET, (100, 101, low, 100), *[QUIET] * 4]
    one = play(rows, ("A", 0, 1), ("A", 3, 1), leverage=10.0, horizon=1, margin=NO_FEE)
    if left is None:  # 9% of 10 times leaves 10% of the equity, more than half a percent of the notional
        assert one.trades["reason"].to_list() == ["time", "time"]
        return
    assert one.equity["equity"][1] == pytest.approx(left)
    assert one.n_trades == (2 if left else 1)  # what is left trades on
    assert (one.ruin is None) == (left > 0)
    assert one.trades["pnl_quote"].sum() == pytest.approx(one.equity["equity"][-1] - 10_000)


def test_the_venue_takes_its_fee_as_far_as_there_is_something_to_take() -> None:
    rows: list[Row] = [QUIET, (100, 101, 90.4, 100), *[QUIET] * 3]
    one = play(rows, ("A", 0, 1), leverage=10.0, margin=MarginSpec(liquidation_fee_bps=30.0))
    fee = 0.003 * 1000 * 90.4
    assert one.equity["equity"][-1] == pytest.approx(400 - fee)
    assert one.trades["fees_quote"][0] == pytest.approx(fee)
    assert play(rows, ("A", 0, 1), leverage=10.0).trades["fees_quote"][0] == pytest.approx(400.0)
    assert cost_breakdown(one.trades, FREE).fees == pytest.approx(fee)
    costs = Costs(taker_bps=1.0, slippage_bps=1.0)
    paid = play(rows, ("A", 0, 1), leverage=10.0, margin=MarginSpec(liquidation_fee_bps=10.0), costs=costs)
    assert cost_breakdown(paid.trades, costs).slippage == pytest.approx(1e-4 * 100_000)  # of the entry alone


def test_a_stop_that_comes_first_saves_the_account_and_a_gap_over_it_does_not() -> None:
    rows: list[Row] = [QUIET, QUIET, (100, 101, 80, 85), QUIET, QUIET]
    stopped = play(rows, ("A", 0, 1), leverage=10.0, distance=5.0)
    assert (stopped.trades["reason"][0], stopped.equity["equity"][-1]) == ("stop", pytest.approx(5_000))
    gap: list[Row] = [QUIET, QUIET, (85, 86, 84, 85), QUIET, QUIET]
    over = play(gap, ("A", 0, 1), leverage=10.0, distance=5.0)
    assert (over.trades["reason"][0], over.equity["equity"][-1]) == ("liquidation", 0)


def test_a_target_in_a_bar_that_would_have_liquidated_first_is_not_taken() -> None:
    rows: list[Row] = [QUIET, QUIET, (100, 130, 89, 120), QUIET, QUIET]
    assert play(rows, ("A", 0, 1), leverage=10.0, distance=20.0).equity["equity"][-1] == 0


def test_an_unlevered_long_lives_through_anything_and_a_short_does_not() -> None:
    rows: list[Row] = [QUIET, QUIET, (100, 100, 0.01, 0.02), (0.02, 500, 0.02, 500), (500, 500, 100, 100)]
    assert play(rows, ("A", 0, 1)).ruin is None
    held = buy_and_hold({"A": bars_from(rows)}, 0, 5 * HOUR_MS, costs=FREE)
    assert (held.ruin, held.equity["equity"][-1]) == (None, pytest.approx(10_000))
    tenfold: list[Row] = [QUIET, QUIET, (100, 1000, 99, 100), QUIET, QUIET]
    short = play(tenfold, ("A", 0, -1), leverage=0.5, distance=950.0)
    assert short.ruin is not None
    assert "a short of A" in short.ruin.cause


def test_hedges_count_at_their_worst_at_once_since_nobody_knows_what_came_first() -> None:
    wild: Row = (100, 106, 94, 100)
    market = {name: bars_from([QUIET, QUIET, wild, QUIET, QUIET]) for name in ("A", "B")}
    portfolio = PortfolioSpec(fraction=10.0, cap=20.0)
    decisions = decide(("A", 0, 1), ("B", 0, -1), distance=50.0)
    both = simulate(market, decisions, costs=FREE, portfolio=portfolio, start=0, end=5 * HOUR_MS)
    assert both.equity["equity"][-1] == 0
    assert both.trades["pnl_quote"].sum() == pytest.approx(-10_000)
    assert both.ruin is not None
    assert both.ruin.cause == "a long of A and a short of B, 20.0 times the equity, liquidated"


@pytest.mark.parametrize("kind", ["decisions", "targets"])
def test_what_was_lost_beyond_the_account_spares_those_alone_that_lost_it(kind: str) -> None:
    """A falls by a fifth at ten times the equity; B, which is held short beside it, does not move."""
    still: Row = (100, 100, 100, 100)
    market = {"A": bars_from(FALL_AND_RISE), "B": bars_from([still] * 5)}
    if kind == "targets":
        one = targets(market, (1, (10.0, -5.0)))
    else:
        portfolio = PortfolioSpec(fraction=10.0, cap=20.0)
        one = simulate(
            market,
            decide(("A", 0, 1), ("B", 0, -1), distance=90.0),
            costs=FREE,
            portfolio=portfolio,
            start=0,
            end=18_000_000,
        )
    pnl = dict(one.trades.select("symbol", "pnl_quote").rows())
    assert pnl == {"A": pytest.approx(-10_000), "B": pytest.approx(0.0, abs=1e-6)}
    assert one.equity["equity"][-1] == 0


def test_a_received_settlement_does_not_save_what_was_lost_before_it() -> None:
    rows: list[Row] = [QUIET] * 8 + [(100, 101, 90.4, 100)] + [QUIET] * 6
    costs = Costs(
        taker_bps=0, maker_bps=0, funding_bps_per_8h=-100.0, slippage_bps=0.0
    )  # a long receives 10% of the equity at 08:00
    kept = play(rows, ("A", 2, 1), leverage=10.0, horizon=9, costs=costs)
    assert kept.trades["reason"][0] == "time"  # due at the open of the bar, before its low
    assert kept.trades["funding_quote"][0] < 0


def test_a_wiped_account_agrees_with_itself_in_every_metric() -> None:
    one = play(FALL_AND_RISE, ("A", 0, 1), leverage=10.0)
    values = {name: measured.value for name, measured in measure(one, seed=0).items()}
    assert (values["profit_total"], values["profit_total_abs"]) == (-1.0, -10_000.0)
    assert (values["max_drawdown_account"], values["cagr"], values["calmar"]) == (1.0, -1.0, -1.0)


def good_days_and_one_bad(n_days: int = 320, leverage: float = 10.0) -> Simulation:
    """A trade a day that gains 2%, and after them one whose bar falls by 15%."""
    good: list[Row] = [QUIET, (100, 102, 100, 102), *[QUIET] * 2]
    bad: list[Row] = [QUIET, (100, 100, 85, 86), *[QUIET] * 2]
    rows = good * n_days + bad + good * 3
    bars = bars_from(rows, step_ms=6 * HOUR_MS)
    decisions = decide(*[("A", 4 * day, 1) for day in range(n_days + 4)], horizon=1, distance=50.0)
    starts = pl.from_epoch((pl.Series(range(n_days + 4)) * 4 + 1) * 6 * HOUR_MS, "ms").cast(decisions.schema["start"])
    return simulate(
        {"A": bars},
        decisions.with_columns(start=starts),
        costs=Costs(slippage_bps=0.0),
        portfolio=PortfolioSpec(fraction=leverage, cap=leverage),
        start=0,
        end=len(rows) * 6 * HOUR_MS,
    )


def test_a_long_run_of_luck_that_ends_at_nothing_has_no_good_ratio() -> None:
    one = good_days_and_one_bad()
    assert one.equity["equity"].min() == 0
    assert one.n_trades == 321
    measured = measure(one, seed=0)
    assert one.daily.mean() / one.daily.std() > 1  # which is why its mean is not asked
    for name in ("sharpe", "sortino", "profit_total", "cagr", "expectancy", "sqn"):
        assert measured[name].value is not None
        assert measured[name].value < 0  # type: ignore[operator]
    assert (measured["sharpe"].low, measured["profit_total"].high) == (None, None)
    assert measured["max_drawdown_account"].value == 1.0


@pytest.mark.parametrize("leverage", [1.0, 5.0, 40.0, 400.0])
@pytest.mark.parametrize("seed", [3, 4])
def test_equity_stays_above_nothing_and_what_trades_earned_is_what_it_gained(leverage: float, seed: int) -> None:
    market = ragged_market()
    one = simulate(
        market,
        random_decisions(market, seed),
        costs=Costs(slippage_bps=1.0, funding_bps_per_8h=3.0, borrow_bps_per_year=500.0),
        portfolio=PortfolioSpec(fraction=leverage, cap=2 * leverage, margin=MarginSpec(liquidation_fee_bps=10.0)),
        barriers=BarrierSpec(horizon=6),
        start=100 * HOUR_MS,
        end=900 * HOUR_MS,
    )
    equity = one.equity["equity"].to_numpy()
    assert (equity >= 0).all()
    assert one.trades["pnl_quote"].sum() == pytest.approx(equity[-1] - 10_000, rel=1e-8, abs=1e-4)
    parts = one.trades["notional_quote"] * one.trades["gross_return"]
    parts -= one.trades["fees_quote"] + one.trades["slippage_quote"]
    parts = parts - one.trades["funding_quote"] - one.trades["borrow_quote"]
    assert np.allclose(parts, one.trades["pnl_quote"], rtol=1e-9, atol=1e-6)
    assert np.prod(1 + one.daily) == pytest.approx(equity[-1] / 10_000, rel=1e-9, abs=1e-12)
    measured = measure(one, seed=0)
    drawdown, total = measured["max_drawdown_account"].value, measured["profit_total"].value
    assert drawdown is not None
    assert 0 <= drawdown <= 1
    assert np.sign(total) == np.sign(measured["profit_total_abs"].value)
    if leverage >= 40:
        assert one.ruin is not None
        after = one.grid + one.bar_ms > one.ruin.at
        assert not equity[after].any()
        assert not one.position[:, after].any()
        assert (one.trades["exit_ts"].dt.epoch("ms") <= one.ruin.at).all()


def targets(market: dict[str, pl.DataFrame], *orders: tuple[int, tuple[float, ...]], **options: object) -> Simulation:
    times = np.array([hour * HOUR_MS for hour, _ in orders])
    wanted = Targets(tuple(market), times, np.array([weights for _, weights in orders], float))
    n = max(len(bars) for bars in market.values())
    return simulate_targets(market, wanted, costs=FREE, start=0, end=n * HOUR_MS, **options)  # type: ignore[arg-type]


def test_a_rebalanced_portfolio_is_liquidated_at_the_worst_of_a_bar_and_stays_closed() -> None:
    market = {"A": bars_from(FALL_AND_RISE), "B": bars_from([QUIET] * 5)}
    one = targets(market, (1, (10.0, 0.0)), (3, (0.5, -0.5)))
    assert one.equity["equity"].to_list() == [10_000, 10_000, 0, 0, 0]
    assert one.trades["reason"].to_list() == ["liquidation"]
    assert one.trades["exit_price"][0] == pytest.approx(90.0)
    assert one.trades["pnl_quote"].sum() == pytest.approx(-10_000)
    assert one.ruin is not None
    assert one.ruin.at == 3 * HOUR_MS


def test_a_gap_at_the_open_liquidates_before_the_order_that_would_have_closed() -> None:
    gap: list[Row] = [QUIET, QUIET, (250, 251, 99, 100), QUIET, QUIET]
    one = targets({"A": bars_from(gap)}, (1, (-1.0,)), (2, (0.0,)))
    assert one.equity["equity"][-1] == 0
    assert one.trades["exit_price"][0] == pytest.approx(200.0)  # bankruptcy: the venue bears the rest


def test_what_a_liquidation_leaves_waits_for_the_next_order() -> None:
    rows: list[Row] = [QUIET, QUIET, (100, 101, 90.4, 100), QUIET, QUIET, QUIET]
    one = targets({"A": bars_from(rows)}, (1, (10.0,)), (4, (1.0,)), margin=NO_FEE)
    assert one.equity["equity"][3] == pytest.approx(400.0)
    assert one.position[0].tolist() == [0, 10, 10, 0, 1, 1]
    assert one.ruin is None


@pytest.mark.parametrize(
    ("margin", "message"),
    [
        ({"maintenance": -0.1}, "maintenance must not be negative, was -0.1"),
        ({"maintenance": float("nan")}, "maintenance must be a finite number, was nan"),
        ({"maintenance": 0.9}, "maintenance must be at most 0.5"),
        ({"liquidation_fee_bps": -1.0}, "liquidation_fee_bps must not be negative"),
    ],
)
def test_a_margin_that_no_venue_has_is_refused(margin: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MarginSpec(**margin)
