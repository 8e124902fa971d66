"""What a trade is expected to cost while it is held: only with rates that were known."""

import numpy as np
import polars as pl
import pytest
from tests.core.test_carry import with_funding
from tests.labels.hand_made import HOUR_MS, bars_from

from tradsys.core.carry import COLUMNS
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError, DataError
from tradsys.models.calibration import Calibration
from tradsys.predictor.economics import Holding, TimeExit
from tradsys.predictor.valuation import Valuation

FLAT = (100, 101, 99, 100)


def holding(n_held, *, horizon=10, costs=Costs(), has_rates=True):  # frozen
    held = np.asarray(n_held, float)
    both = np.stack([held, held], axis=1) if held.ndim == 1 else held
    return Holding.fit(both, np.ones_like(both), horizon=horizon, bar_ms=HOUR_MS, costs=costs, has_rates=has_rates)


def test_alive_is_the_share_that_is_still_held():
    assert holding([1, 2, 2, 10]).alive[:, 0].tolist() == [1.0, 0.75, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25]


def test_a_settlement_is_expected_as_often_as_trades_live_to_see_it():
    times = np.array([-8, 0, 8, 16]) * HOUR_MS
    bars = with_funding(bars_from([FLAT] * 20), times, [5e-4, 1e-3, 2e-3, 4e-3])
    expected = holding([1, 2, 2, 10]).expected(bars)
    assert expected[:, 1].tolist() == (-expected[:, 0]).tolist()
    assert expected[6, 0] == pytest.approx(1e-3 * (0.75 + 0.25))  # enters at 07:00: in 1 h and in 9
    assert expected[5, 0] == pytest.approx(1e-3 * 0.25)
    assert expected[7, 0] == pytest.approx(1e-3 * 0.25)  # enters at 08:00, whose rate is not known: 16:00 is next
    assert expected[8, 0] == pytest.approx(2e-3 * 0.25)


def test_no_rate_is_expected_before_the_first_was_settled():
    bars = with_funding(bars_from([FLAT] * 20), [8 * HOUR_MS, 16 * HOUR_MS], [1e-3, 1e-3])
    assert holding([10]).expected(bars)[:8].tolist() == [[0.0, 0.0]] * 8


def test_what_bars_pay_is_never_looked_at():
    bars = with_funding(bars_from([FLAT] * 20), np.arange(0, 20, 4) * HOUR_MS, np.arange(5) * 1e-3)
    other = bars.with_columns(funding_due=pl.col("funding_due") * -7, funding_within=pl.lit(1.0))
    assert np.array_equal(holding([3, 9]).expected(bars), holding([3, 9]).expected(other))


@pytest.mark.parametrize("hours", [1, 4, 8])
def test_a_certain_hold_expects_each_settlement_of_a_carried_interval(hours):
    bars = with_funding(bars_from([FLAT] * 60), np.arange(0, 60, hours) * HOUR_MS, np.full(-(-60 // hours), 1e-4))
    expected = holding([10])
    for row in range(hours + 1, 40):
        entry = row + 1
        n = sum(entry < t < entry + 10 for t in range(0, 200, hours))
        assert expected.expected(bars)[row, 0] == pytest.approx(1e-4 * n), row


def test_a_short_expects_to_borrow_for_as_long_as_trades_last():
    costs = Costs(borrow_bps_per_year=365 * 24)
    bars = bars_from([FLAT] * 5)
    assert holding([2, 4], costs=costs, has_rates=False).expected(bars)[0] == pytest.approx([0.0, 3e-4])


def test_bars_without_the_rates_are_refused_not_taken_for_free():
    with pytest.raises(DataError, match="wanted bars with a column funding_due, found none"):
        holding([2]).expected(bars_from([FLAT] * 5))


def test_it_comes_back_from_its_file():
    one = holding([1, 2, 2, 10], costs=Costs(borrow_bps_per_year=50.0))
    again = Holding.from_dict(one.to_dict(), one.costs)
    bars = with_funding(bars_from([FLAT] * 20), [8 * HOUR_MS, 16 * HOUR_MS], [1e-3, 1e-3])
    assert np.array_equal(one.expected(bars), again.expected(bars))
    assert set(COLUMNS) <= set(bars.columns)


def test_a_valuation_takes_the_holding_cost_off_and_refuses_to_forget_it():
    plain = Calibration(np.zeros(2), np.ones(2))
    parts = plain, plain, TimeExit(), 1.5, 1.5, Costs(slippage_bps=0.0)
    rows = np.zeros((3, 2)), np.zeros((3, 2)), np.full(3, 0.01)
    free, carried = Valuation(*parts), Valuation(*parts, holding=holding([5]))
    cost = np.array([[1e-3, -1e-3]] * 3)
    assert carried.value(*rows, cost).expected_net == pytest.approx(free.value(*rows).expected_net - cost)
    assert (carried.value(*rows, cost).best_side == 1).all()
    with pytest.raises(ConfigError, match="need the holding cost of every row"):
        carried.value(*rows)
