"""Settlements given to the bars that pay them, and to those that knew them."""

import numpy as np
import pytest
from tests.labels.hand_made import HOUR_MS, bars_from

from tradsys.core.carry import COLUMNS, Funding, Settlements, funding_of, settle
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError, DataError

FLAT = (100, 101, 99, 100)


def told(hours, times_h, rates, bar_h=1, every=None):
    ts = np.array(hours, np.int64) * HOUR_MS
    times = (np.array(times_h) * HOUR_MS).astype(np.int64)
    return settle(ts, bar_h * HOUR_MS, Settlements.of(times, np.array(rates, float), every))


def slowly(ts, bar_ms, settlements):
    """The definition, bar by bar."""
    due, within, rate, hours, age = (np.zeros(len(ts)) for _ in range(5))
    for i, opens in enumerate(ts):
        closes, before = opens + bar_ms, ts[i - 1] + bar_ms if i else opens
        rate[i] = hours[i] = age[i] = np.nan
        for t, r, h in zip(*settlements, strict=True):
            due[i] += r if before <= t <= opens else 0.0
            within[i] += r if opens < t < closes else 0.0
            if t < closes:
                rate[i], hours[i], age[i] = r, h, (closes - t) / HOUR_MS
    return Funding(due, within, rate, hours, age)


@pytest.mark.parametrize("bar_ms", [HOUR_MS // 4, HOUR_MS, 4 * HOUR_MS, 24 * HOUR_MS])
@pytest.mark.parametrize("hours", [1, 4, 8])
def test_it_is_the_definition_bar_by_bar(bar_ms, hours):
    rng = np.random.default_rng(hours)
    ts = bar_ms * np.flatnonzero(rng.random(200) > 0.15)
    times = np.arange(-3, ts[-1] // (hours * HOUR_MS) + 3) * hours * HOUR_MS
    settlements = Settlements.of(times, rng.normal(0, 1e-4, len(times)))
    for name, ours, plain in zip(
        COLUMNS, settle(ts, bar_ms, settlements), slowly(ts, bar_ms, settlements), strict=True
    ):
        assert np.allclose(ours, plain, rtol=1e-13, atol=1e-18, equal_nan=True), name


def test_a_settlement_at_an_open_is_due_there_and_known_only_at_the_close_after_it():
    found = told(range(6, 11), [8], [1e-4])
    assert found.due.tolist() == [0, 0, 1e-4, 0, 0]
    assert found.within.tolist() == [0] * 5
    assert np.isnan(found.rate[:2]).all()  # the bar of 07:00 closes at the settlement itself
    assert found.rate[2:].tolist() == [1e-4] * 3
    assert found.age_h[2:].tolist() == [1, 2, 3]


def test_what_is_settled_in_a_hole_falls_due_at_the_next_open():
    found = told([6, 7, 20, 21], [0, 8, 16, 24], [1, 2, 4, 8])
    assert found.due.tolist() == [0, 0, 6, 0]
    assert found.rate.tolist() == [1, 1, 4, 4]


def test_bars_longer_than_the_interval_pay_within():
    found = told([0, 24], [0, 8, 16, 24, 32], [1, 2, 4, 8, 16], bar_h=24)
    assert found.due.tolist() == [1, 8]
    assert found.within.tolist() == [6, 16]
    assert found.age_h.tolist() == [8, 16]


def test_an_interval_that_changes_is_that_of_the_last_settlement():
    times = [0, 8, 16, 20, 24, 28]
    assert told(range(30), times, np.arange(6) * 1e-4).hours[[9, 17, 20, 29]].tolist() == [8, 8, 4, 4]
    given = np.array([8, 8, 4, 4, 4, np.nan])
    assert told(range(30), times, np.arange(6) * 1e-4, every=given).hours[[0, 17, 29]].tolist() == [8, 4, 4]


def test_a_constant_is_settled_at_0_8_and_16_utc():
    bars = bars_from([FLAT] * 30, first_ms=5 * HOUR_MS)
    found = funding_of(bars, Costs(funding_bps_per_8h=2.0), HOUR_MS)
    assert np.flatnonzero(found.due).tolist() == [3, 11, 19, 27]
    assert found.due[3] == 2e-4
    assert found.age_h[:4].tolist() == [6, 7, 8, 1]
    assert (found.rate == 2e-4).all()
    assert all((values == 0).all() for values in funding_of(bars, Costs(), HOUR_MS)[:3])


def test_bars_that_carry_it_leave_no_room_for_a_constant_and_must_carry_all_of_it():
    bars = bars_from([FLAT] * 3).with_columns(funding_due=0.0)
    with pytest.raises(ConfigError, match=r"found costs.funding_bps_per_8h = 2; set it to 0 or leave --funding out"):
        funding_of(bars, Costs(funding_bps_per_8h=2.0), HOUR_MS)
    with pytest.raises(DataError, match="wanted bars with a column funding_within, found funding_due"):
        funding_of(bars, Costs(), HOUR_MS)


def test_settlements_that_cannot_be_are_refused():
    with pytest.raises(DataError, match="funding times must rise, that of 1970-01-01 08:00 does not"):
        Settlements.of(np.array([8, 8]) * HOUR_MS, np.zeros(2))
    with pytest.raises(DataError, match="2 funding times need a finite rate each"):
        Settlements.of(np.array([8, 16]) * HOUR_MS, np.array([1e-4, np.nan]))
