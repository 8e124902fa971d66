import numpy as np
import pytest

from tradsys.core.costs import Costs
from tradsys.predictor.economics import TimeExit, expected_fees, expected_net_return
from tradsys.predictor.valuation import ConfidenceRanks

FREE = Costs(taker_bps=0, maker_bps=0)


def expected(probability, timeout, *, upper=1.5, lower=1.5, costs=FREE, time_exit=None, slippage=0.0):
    both = np.array([[probability, probability]])
    return expected_net_return(
        both,
        np.full((1, 2), timeout),
        time_exit or TimeExit(),
        upper=upper,
        lower=lower,
        atr_over_price=np.array([0.01]),
        costs=costs,
        slippage=slippage,
    )[0, 0]


def test_a_fair_coin_between_equal_barriers_earns_nothing():
    assert expected(0.5, 0.0) == pytest.approx(0.0)


def test_the_break_even_win_rate_is_that_of_methods():
    """p* = (b + c) / (a + b) where no trade ends by time and each leg costs c / 2; here c = 10 bp on 1.5 ATR of 1%."""
    a, b, c = 0.015, 0.015, 10e-4
    assert expected((b + c) / (a + b), 0.0, costs=Costs(taker_bps=5, maker_bps=5)) == pytest.approx(0.0, abs=1e-12)


def test_targets_pay_the_maker_fee_and_everything_else_the_taker():
    costs = Costs(taker_bps=5, maker_bps=2)
    assert expected(1.0, 0.0, costs=costs) == pytest.approx(0.015 - 7e-4)
    assert expected(0.0, 0.0, costs=costs) == pytest.approx(-0.015 - 10e-4)


def test_slippage_is_paid_by_all_but_targets_and_may_differ_from_row_to_row():
    assert expected(1.0, 0.0, slippage=3e-4) == pytest.approx(0.015 - 3e-4)
    assert expected(0.0, 0.0, slippage=3e-4) == pytest.approx(-0.015 - 6e-4)
    paid = expected_fees(np.array([[1.0, 0.0], [1.0, 0.0]]), FREE, np.array([1e-4, 5e-4]))
    assert paid == pytest.approx(np.array([[1e-4, 2e-4], [5e-4, 10e-4]]))


def test_time_exits_earn_their_own_mean():
    assert expected(0.4, 0.6, time_exit=TimeExit((0.2, 0.2))) == pytest.approx(0.01 * (0.4 * 1.5 + 0.6 * 0.2))


def test_probabilities_of_target_and_time_never_exceed_one():
    assert expected(0.7, 0.6) == pytest.approx(0.01 * 0.7 * 1.5)


def test_time_exit_recovers_a_planted_slope():
    rng = np.random.default_rng(0)
    long = rng.uniform(0.3, 0.7, 4000)
    probability = np.column_stack([long, 1 - long])
    ret = 0.1 + 2.0 * (probability - probability[:, ::-1]) + rng.normal(0, 0.1, (4000, 2))
    fitted = TimeExit.fit(probability, ret, np.ones((4000, 2), bool), np.ones((4000, 2)))
    assert fitted.slope == pytest.approx(2.0, abs=0.02)
    assert fitted.level == pytest.approx((0.1, 0.1), abs=0.01)


def test_without_a_time_exit_nothing_is_expected_of_one():
    nothing = TimeExit.fit(np.full((5, 2), 0.5), np.zeros((5, 2)), np.zeros((5, 2), bool), np.ones((5, 2)))
    assert nothing == TimeExit((0.0, 0.0), 0.0)


def test_ranks_count_the_confidences_below():
    ranks = ConfidenceRanks.fit(np.array([0.5, 0.7, 0.6, 0.8]))
    assert ranks.rank(np.array([[0.4, 0.65], [0.8, np.nan]])) == pytest.approx(
        np.array([[0, 0.5], [0.75, np.nan]]), nan_ok=True
    )
