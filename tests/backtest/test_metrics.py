"""Metrics by hand, and intervals against what theory says about them."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from tests.backtest.markets import decide, ragged_market, random_decisions
from tests.labels.hand_made import HOUR_MS, Row, bars_from

from tradsys.backtest import Measured, PortfolioSpec, Simulation, measure
from tradsys.backtest.block_sums import circular_block_sums, percentile_interval
from tradsys.backtest.simulate import simulate
from tradsys.core.costs import Costs
from tradsys.labels import BarrierSpec

QUIET: Row = (100, 101, 99, 100)
WIN: Row = (100, 102, 99, 100)
LOSS: Row = (100, 101, 98, 100)
FREE = Costs(taker_bps=0.0, maker_bps=0.0, slippage_bps=0.0)


def account(*bars: Row, days: int = 4) -> Simulation:
    """One long a day, entered in the day's second hour with a tenth of the equity; the day's bar decides it."""
    rows = [QUIET] * (24 * days)
    for day, bar in enumerate(bars):
        rows[24 * day + 1] = bar
    decisions = decide(*[("A", 24 * day, 1) for day in range(len(bars))])
    portfolio = PortfolioSpec(fraction=0.1)
    return simulate(
        {"A": bars_from(rows)}, decisions, costs=FREE, portfolio=portfolio, start=0, end=24 * days * HOUR_MS
    )


def with_daily(daily: np.ndarray) -> Simulation:
    """A simulation without trades that has earned the given daily returns."""
    return replace(account(), daily=daily, days=np.arange(len(daily)))


def test_trades_are_counted_and_averaged_as_freqtrade_does() -> None:
    metrics = measure(account(WIN, LOSS, WIN), seed=0)
    up, down, again = 20.0, 0.002 * 10_020, 0.002 * 10_020 * 0.998
    values = {name: one.value for name, one in metrics.items()}
    assert (values["total_trades"], values["trade_count_long"], values["trade_count_short"]) == (3, 3, 0)
    assert (values["wins"], values["draws"], values["losses"]) == (2, 0, 1)
    assert values["winrate"] == pytest.approx(2 / 3)
    assert values["profit_total_abs"] == pytest.approx(up - down + again)
    assert values["profit_total"] == pytest.approx((up - down + again) / 10_000)
    assert values["profit_mean"] == pytest.approx(0.02 / 3)
    assert values["profit_median"] == pytest.approx(0.02)
    assert values["profit_factor"] == pytest.approx((up + again) / down)
    assert values["expectancy"] == pytest.approx((up - down + again) / 3)
    assert values["expectancy_ratio"] == pytest.approx((1 + (up + again) / 2 / down) * 2 / 3 - 1)
    pnl = np.array([up, -down, again])
    assert values["sqn"] == pytest.approx(np.sqrt(3) * pnl.mean() / pnl.std(ddof=1))
    assert values["trades_per_day"] == pytest.approx(3 / 4)
    assert values["holding_avg_s"] == 3600.0
    assert values["max_drawdown_account"] == pytest.approx(0.002)
    assert values["backtest_best_day"] == pytest.approx(0.002)
    assert values["cagr"] == pytest.approx((1 + values["profit_total"]) ** (365 / 4) - 1)
    assert values["calmar"] == pytest.approx(values["cagr"] / 0.002)
    assert values["exposure_avg"] == pytest.approx(3 * 0.1 / 96, rel=1e-5)


def test_sharpe_and_sortino_come_from_daily_returns_with_flat_days() -> None:
    simulation = account(WIN, LOSS, WIN, days=6)
    daily, metrics = simulation.daily, measure(simulation, seed=0)
    assert daily.tolist()[3:] == [0.0, 0.0, 0.0]
    assert metrics["sharpe"].value == pytest.approx(daily.mean() / daily.std(ddof=1) * np.sqrt(365))
    downside = np.sqrt(np.mean(np.minimum(daily, 0) ** 2))
    assert metrics["sortino"].value == pytest.approx(daily.mean() / downside * np.sqrt(365))
    assert (metrics["sharpe"].n, metrics["winrate"].n) == (6, 3)


def test_without_trades_what_is_undefined_is_none() -> None:
    metrics = measure(account(days=80), seed=0)
    assert metrics["profit_total"] == Measured(0.0, 80, 0.0, 0.0)
    for name in (
        "sharpe",
        "sortino",
        "winrate",
        "profit_mean",
        "profit_factor",
        "expectancy",
        "calmar",
        "holding_avg_s",
    ):
        assert (metrics[name].value, metrics[name].low, metrics[name].high) == (None, None, None), name


def test_a_ratio_to_losses_is_none_while_there_are_none() -> None:
    metrics = measure(account(WIN, WIN, days=60), seed=0)
    assert metrics["profit_factor"].value is None
    assert metrics["sortino"].value is None
    assert metrics["winrate"].value == 1.0
    for one in metrics.values():
        for number in asdict(one).values():
            assert number is None or np.isfinite(number)


def test_too_few_days_have_no_bootstrap_interval() -> None:
    assert measure(account(WIN, LOSS, days=49), seed=0)["sharpe"].low is None
    assert measure(account(WIN, LOSS, WIN, LOSS, days=50), seed=0)["profit_total"].low is not None


def test_the_sharpe_interval_of_independent_days_has_the_known_width() -> None:
    daily = np.random.default_rng(1).normal(0.0004, 0.01, 2000)
    one = measure(with_daily(daily), seed=0)["sharpe"]
    assert one.low is not None
    assert one.high is not None
    expected = 2 * 1.96 * np.sqrt(365 / 2000)  # Lo (2002), for a small Sharpe ratio a day
    assert one.high - one.low == pytest.approx(expected, rel=0.12)
    assert one.low < one.value < one.high


def test_blocks_widen_the_interval_where_days_follow_one_another() -> None:
    shocks = np.random.default_rng(2).normal(0, 0.01, 2000)
    daily = np.convolve(shocks, np.ones(5), mode="same")

    def width(block_days: int) -> float:
        one = measure(with_daily(daily), seed=0, block_days=block_days)["sharpe"]
        return one.high - one.low  # type: ignore[operator]

    assert width(20) > 1.7 * width(1)


def test_the_interval_of_a_mean_over_trades_has_the_known_width() -> None:
    bars = [WIN if x else LOSS for x in np.random.default_rng(3).random(400) < 0.5]
    metrics = measure(account(*bars, days=400), seed=0)
    mean = metrics["profit_mean"]
    assert mean.n == 400
    assert mean.high - mean.low == pytest.approx(2 * 1.96 * 0.02 / np.sqrt(400), rel=0.15)  # type: ignore[operator]
    assert metrics["profit_mean_gross"].value == pytest.approx(mean.value)  # nothing was paid


def test_a_seed_decides_every_interval() -> None:
    market = ragged_market()
    decisions = random_decisions(market, 1)
    simulation = simulate(
        market, decisions, costs=Costs(slippage_bps=0.0), barriers=BarrierSpec(horizon=4), start=0, end=900 * HOUR_MS
    )
    options = {"block_days": 4, "n_bootstrap": 200}
    assert measure(simulation, seed=5, **options) == measure(simulation, seed=5, **options)
    assert measure(simulation, seed=5, **options)["sharpe"] != measure(simulation, seed=6, **options)["sharpe"]


def test_blocks_wrap_around_the_end() -> None:
    sums = circular_block_sums(np.arange(20.0)[:, None], block_days=3, n_draws=4000, seed=0)
    assert sums.shape == (4000, 1)
    assert sums.mean() == pytest.approx(18 * 9.5, rel=0.01)  # every day equally likely, six blocks of three


def test_an_interval_with_too_many_undefined_draws_is_none() -> None:
    draws = np.append(np.arange(94.0), [np.nan] * 6)
    assert percentile_interval(draws) == (None, None)
    assert percentile_interval(draws[1:95]) != (None, None)
