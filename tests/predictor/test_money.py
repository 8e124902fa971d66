"""What a forecast of money is worth, learnt from what such forecasts earned."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tradsys.core.errors import FitError
from tradsys.core.time import DAY_MS, HOUR_MS
from tradsys.predictor.money import Earned, MoneyCalibration
from tradsys.predictor.valuation import ValuedForecasts
from tradsys.profiles.rules import surely_above

COST, ATR = 0.0009, 0.005
HORIZON_MS = 12 * HOUR_MS


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def forecasts(gross, *, cost=COST, atr=ATR):
    """Forecasts of gross returns in ATR, (n, 2), at an ATR of `atr` of the price."""
    expected = gross * np.reshape(atr, (-1, 1)) - cost
    return ValuedForecasts(
        probability=np.full(gross.shape, 0.4),
        expected_net=expected,
        best_side=(expected[:, 1] > expected[:, 0]).astype(np.int64),
        cost=np.full(gross.shape, cost),
    )


def record(rng, *, slope=1.0, n=6_000, trend=0.0, lasting=0.0, weekly=0.0, spread=0.15, scale=1.0):
    """Hourly forecasts that hold `slope` of what they say, and `lasting` ATR of a trend that they put at `trend`.

    Whole weeks move together by `weekly`.
    """
    says = spread * rng.standard_normal(n)
    gross = np.stack([trend + says, -trend - says], axis=1)
    weeks = np.repeat(weekly * rng.standard_normal(n // 168 + 1), 168)[:n]
    moved = lasting + slope * says + weeks + 1.2 * rng.standard_normal(n)
    net = np.stack([moved, -moved], axis=1) * ATR - COST
    atr = np.full(n, ATR * scale)
    judged = forecasts(gross, cost=COST * scale, atr=atr)
    return judged, net * scale, np.full((n, 2), 0.4), HOUR_MS * np.arange(n), atr


def fitted(rng, **kind):
    return MoneyCalibration.fit(*record(rng, **kind), longest_ms=HORIZON_MS)


def test_forecasts_that_were_right_are_believed(rng):
    money = fitted(rng, n=40_000)
    assert money.coefficient[2] == pytest.approx(1.0, abs=0.15)
    assert money.earned.is_enough
    assert money.earned.mean > 0


@pytest.mark.parametrize("slope", [0.0, -1.0])
def test_groundless_forecasts_are_not_expected_to_pay(rng, slope):
    money = fitted(rng, slope=slope, n=40_000)
    judged, _, _, _, atr = record(rng)
    assert surely_above(*money.apply(judged, atr)).mean() < 0.02
    assert money.coefficient[2] >= 0


def test_the_trend_of_the_training_part_is_not_expected_to_go_on(rng):
    """In all forecasts alike, and in the record's outcomes: eight months that rose, as eight months may by chance."""
    judged, net, weight, start, atr = record(rng, trend=0.4, lasting=0.4, weekly=1.0, spread=0.05)
    rising = MoneyCalibration.fit(judged, net, weight, start, atr, longest_ms=HORIZON_MS)
    assert rising.drift == pytest.approx(0.4, abs=0.01)
    assert surely_above(judged.expected_net, np.zeros_like(judged.expected_net))[:, 0].mean() > 0.99
    assert not surely_above(*rising.apply(judged, atr)).any()


def test_what_is_expected_lies_within_its_standard_error_of_the_truth():
    """Over 200 records: the mean of z is near 0 and its spread near 1, a little less for the prior."""
    z = []
    for seed in range(200):
        own = np.random.default_rng(seed)
        slope = 1 + 0.5 * own.standard_normal()
        money = fitted(own, slope=slope, n=1_500)
        found = money.apply(forecasts(np.array([[0.3, -0.3]])), np.array([ATR]))
        z.append((found.expected_net[0, 0] - (slope * 0.3 * ATR - COST)) / found.standard_error[0, 0])
    assert abs(np.mean(z)) < 0.2
    assert 0.75 < np.std(z) < 1.15


def test_labels_that_move_together_are_no_evidence_of_their_own(rng):
    judged, net, weight, start, atr = record(rng)
    alone = MoneyCalibration.fit(judged, net, weight, start, atr, longest_ms=HORIZON_MS)
    three = ValuedForecasts(*(np.concatenate([getattr(judged, name)] * 3) for name in judged.__slots__))
    together = MoneyCalibration.fit(
        three, *(np.concatenate([values] * 3) for values in (net, weight, start, atr)), longest_ms=HORIZON_MS
    )
    assert together.covariance[2, 2] > 0.7 * alone.covariance[2, 2]


def test_prices_in_another_unit_change_nothing():
    one, other = (fitted(np.random.default_rng(3), scale=scale) for scale in (1.0, 3.0))
    assert other.coefficient == pytest.approx(one.coefficient, rel=1e-9)
    assert other.earned.mean == pytest.approx(3 * one.earned.mean)


def test_a_record_of_one_side_is_enough(rng):
    judged, net, weight, start, atr = record(rng)
    long = replace(judged, best_side=np.zeros(len(start), np.int64))
    money = MoneyCalibration.fit(long, net, weight, start, atr, longest_ms=HORIZON_MS)
    assert np.isfinite(money.coefficient).all()
    assert (np.linalg.eigvalsh(money.covariance) > 0).all()


def test_rows_without_forecast_or_outcome_are_left_out(rng):
    judged, net, weight, start, atr = record(rng)
    holed = net.copy()
    holed[::7] = np.nan
    kept = np.isfinite(holed[:, 0])
    some = ValuedForecasts(*(getattr(judged, name)[kept] for name in judged.__slots__))
    one = MoneyCalibration.fit(judged, holed, weight, start, atr, longest_ms=HORIZON_MS)
    other = MoneyCalibration.fit(some, net[kept], weight[kept], start[kept], atr[kept], longest_ms=HORIZON_MS)
    assert one.coefficient == pytest.approx(other.coefficient, rel=1e-6)


def test_what_is_not_forecast_is_no_profit(rng):
    found = fitted(rng).apply(forecasts(np.array([[np.nan, np.nan], [9.0, -9.0]])), np.array([ATR, ATR]))
    assert surely_above(*found).tolist() == [[False, False], [True, False]]


def test_where_prices_stand_still_nothing_is_known(rng):
    money = fitted(rng).apply(forecasts(np.array([[9.0, -9.0], [9.0, -9.0]])), np.array([0.0, ATR]))
    assert np.isnan(money).all(axis=2).tolist() == [[True, False], [True, False]]
    assert surely_above(*money).tolist() == [[False, False], [True, False]]


def test_labels_where_prices_stood_still_are_left_out(rng):
    judged, net, weight, start, atr = record(rng)
    atr[:3] = 0.0
    some = ValuedForecasts(*(getattr(judged, name)[3:] for name in judged.__slots__))
    one = MoneyCalibration.fit(judged, net, weight, start, atr, longest_ms=HORIZON_MS)
    other = MoneyCalibration.fit(some, net[3:], weight[3:], start[3:], atr[3:], longest_ms=HORIZON_MS)
    assert np.isfinite(one.coefficient).all()
    assert one.coefficient == pytest.approx(other.coefficient, rel=1e-6)


def test_too_few_labels_are_refused(rng):
    with pytest.raises(FitError, match="known from 30 labels on, found 29"):
        fitted(rng, n=29)


def test_one_short_block_is_enough_to_be_careful(rng):
    money = fitted(rng, n=40)
    assert np.isfinite(money.covariance).all()
    assert money.covariance[2, 2] > 0.15


@pytest.mark.parametrize(
    ("mean", "n", "is_enough"),
    [(0.001, 50.0, True), (-0.0004, 50.0, True), (-0.0006, 50.0, False), (0.0, 0.0, True)],
)
def test_a_record_that_lost_is_not_enough(mean, n, is_enough):
    assert Earned(mean, 0.001 if n else 0.0, n).is_enough is is_enough


def test_it_survives_json(rng):
    money = fitted(rng)
    back = MoneyCalibration.from_dict(json.loads(json.dumps(money.to_dict())))
    assert back.to_dict() == money.to_dict()
    assert isinstance(back.earned, Earned)


def test_blocks_are_no_shorter_than_a_label_lives(rng):
    """Daily bars held for a month: forecasts and outcomes are the same for all of it, which weeks take for four."""
    says, came = (np.repeat(spread * rng.standard_normal(40), 30) for spread in (0.3, 1.2))
    gross, moved = np.stack([says, -says], axis=1), says + came
    judged, net = forecasts(gross), np.stack([moved, -moved], axis=1) * ATR - COST
    known = (net, np.full(net.shape, 0.5), DAY_MS * np.arange(len(says)), np.full(len(says), ATR))
    weekly, monthly = (
        MoneyCalibration.fit(judged, *known, longest_ms=longest).covariance[2, 2] for longest in (DAY_MS, 30 * DAY_MS)
    )
    assert monthly > 1.5 * weekly
