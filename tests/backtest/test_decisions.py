"""Decisions and settings that say what none can are refused in a sentence, and those that only look odd are read."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.backtest.markets import decide
from tests.labels.hand_made import HOUR_MS, Row, bars_from

from tradsys.backtest import PortfolioSpec, Simulation
from tradsys.backtest.rebalance import Targets, simulate_targets
from tradsys.backtest.simulate import simulate
from tradsys.core.costs import Costs, Instrument
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.time import from_ms

QUIET: Row = (100, 101, 99, 100)
BARS = bars_from([QUIET] * 12)


def run(decisions: pl.DataFrame) -> Simulation:
    return simulate({"A": BARS}, decisions, costs=Costs(slippage_bps=0.0), start=0, end=12 * HOUR_MS)


TWO = decide(("A", 0, 1), ("A", 5, -1))


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("horizon", [3, 0], "horizon must be a whole number of bars, at least 1; 1 of 2 decisions .* is 0 of A at"),
        ("horizon", [-2, 3], "at least 1; 1 of 2 decisions have another, the first is -2"),
        ("horizon", [3, None], "horizon must be .* the first is None of A at 1970-01-01 06:00"),
        ("horizon", [2.5, 3.0], "the first is 2.5"),
        ("horizon", [float("nan"), 3.0], "the first is nan"),
        ("horizon", ["3", "3"], "need numbers as horizon, found String"),
        ("action", [1, 2], r"action must be 1 \(long\), -1 \(short\) or 0 \(stay out\); 1 of 2 .* first is 2"),
        ("action", [1, None], "the first is None"),
        ("action", [0.5, 1.0], "the first is 0.5"),
        ("action", [True, False], "need numbers as action, found Boolean"),
        ("action", ["long", "short"], "need numbers as action, found String"),
        ("size", ["1", "1"], "need numbers as size"),
        ("size", [1.0, None], "sizes must be finite shares"),
        ("size", [1.0, float("inf")], "sizes must be finite shares"),
        ("stop_distance", ["1", "1"], "need numbers as stop_distance"),
        ("symbol", ["A", None], "1 of 2 decisions have no symbol"),
        ("start", [1, 2], "need times in `start`, found Int64"),
    ],
)
def test_a_decision_that_says_what_none_can_is_refused(column: str, values: list[object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        run(TWO.with_columns(pl.Series(column, values)))


@pytest.mark.parametrize("column", ["symbol", "start", "action"])
def test_decisions_without_a_column_are_refused_by_its_name(column: str) -> None:
    with pytest.raises(DataError, match=f"{column} missing among"):
        run(TWO.drop(column))


def test_whole_numbers_in_any_type_are_read_and_a_horizon_beyond_all_bars_is_outside_the_time() -> None:
    plain = run(TWO)
    for kind in (pl.Float64, pl.Int8, pl.UInt32, pl.Int64):
        again = run(
            TWO.with_columns(pl.col("horizon", "action").cast(pl.Float64)).with_columns(pl.col("horizon").cast(kind))
        )
        assert again.trades.equals(plain.trades)
    far = run(TWO.with_columns(horizon=pl.lit(2**63 - 1)))
    assert (far.n_trades, far.not_taken["outside the time"]) == (0, 2)
    assert run(TWO.with_columns(horizon=pl.when(pl.col("action") == 1).then(3))[:1]).n_trades == 1
    assert run(decide(("A", 0, 0)).with_columns(horizon=pl.lit(None, pl.Int32))).n_trades == 0  # stays out: never asked


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ({"taker_bps": float("nan")}, "taker_bps must be a finite number, was nan"),
        ({"taker_bps": -50.0}, "taker_bps must not be negative, was -50.0; no venue pays for taking"),
        ({"maker_bps": -5.1}, "maker_bps must be at least -5, was -5.1; a rebate is negative"),
        ({"maker_bps": float("inf")}, "maker_bps must be a finite number"),
        ({"slippage_bps": -1.0}, "slippage_bps must not be negative, was -1.0"),
        ({"slippage_bps": None}, "slippage_bps must be a finite number, was None"),
        ({"funding_bps_per_8h": float("-inf")}, "funding_bps_per_8h must be a finite number"),
        ({"funding_bps_per_8h": -2000.0}, "funding_bps_per_8h must be at least -1000"),
        ({"borrow_bps_per_year": float("nan")}, "borrow_bps_per_year must be a finite number"),
        ({"taker_bps": "5"}, "taker_bps must be a finite number, was '5'"),
        ({"taker_bps": True}, "taker_bps must be a finite number, was True"),
    ],
)
def test_costs_that_no_venue_takes_are_refused_by_name(costs: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Costs(**costs)


def test_a_rebate_as_venues_pay_it_is_taken() -> None:
    assert Costs(maker_bps=-2.0, slippage_bps=0.0).maker == -2e-4
    assert Costs(taker_bps=np.float64(3)).taker_bps == 3


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, "1"])
@pytest.mark.parametrize("name", ["fraction", "cap", "cash_quote"])
def test_a_portfolio_of_no_size_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        replace(PortfolioSpec(), **{name: value})


@pytest.mark.parametrize("name", ["tick", "lot", "min_notional"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_an_instrument_of_no_step_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{name} must"):
        Instrument(**{name: value})


@pytest.mark.parametrize("cash", [0.0, -1.0, float("nan")])
def test_targets_on_an_equity_that_is_none_are_refused(cash: float) -> None:
    wanted = Targets(("A",), np.array([HOUR_MS]), np.array([[1.0]]))
    with pytest.raises(ConfigError, match="cash_quote must be"):
        simulate_targets({"A": BARS}, wanted, costs=Costs(slippage_bps=0.0), start=0, end=12 * HOUR_MS, cash_quote=cash)


def test_prices_that_are_none_are_refused() -> None:
    nothing = BARS.with_columns(pl.when(pl.int_range(pl.len()) == 3).then(0.0).otherwise("low").alias("low"))
    with pytest.raises(DataError, match="low is not positive"):
        simulate({"A": nothing}, TWO, costs=Costs(slippage_bps=0.0), start=0, end=12 * HOUR_MS)


def test_symbols_that_are_no_text_are_refused() -> None:
    with pytest.raises(DataError, match="need text as symbol, found Int64"):
        run(TWO.with_columns(symbol=pl.Series([1, 2])))


def test_a_symbol_without_an_instrument_is_named() -> None:
    with pytest.raises(ConfigError, match="A missing"):
        simulate(
            {"A": BARS}, TWO, costs=Costs(slippage_bps=0.0), start=0, end=12 * HOUR_MS, instrument={"B": Instrument()}
        )


def test_a_span_of_aware_datetimes_is_read() -> None:
    span = (from_ms(0), from_ms(12 * HOUR_MS))
    simulated = simulate({"A": BARS}, TWO, costs=Costs(slippage_bps=0.0), start=span[0], end=span[1])
    assert simulated.trades.equals(run(TWO).trades)


@pytest.mark.parametrize(("end", "message"), [("2024-01-01", "found str"), (None, "needs its start and end")])
def test_a_span_that_is_none_is_refused(end: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        simulate({"A": BARS}, TWO, costs=Costs(slippage_bps=0.0), start=0, end=end)
