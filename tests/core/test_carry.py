"""Holding costs: the cumulative form against a loop over settlements, and the instants of entry and exit."""

import numpy as np
import polars as pl
import pytest
from tests.labels.hand_made import HOUR_MS, bars_from, random_bars

from tradsys.core.carry import Settlements, carry_of, end_to_end, held, settle
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError
from tradsys.core.time import YEAR_MS, ts_ms

FLAT = (100, 101, 99, 100)


def with_funding(bars, times, rates, bar_ms=HOUR_MS):
    told = settle(ts_ms(bars), bar_ms, Settlements.of(np.asarray(times, np.int64), np.asarray(rates, float)))
    return bars.with_columns(pl.Series(name, values) for name, values in told.columns().items())


def cost(bars, side, first, last, *, is_inside=False, costs=Costs(), bar_ms=HOUR_MS):  # frozen
    rows = [np.array([x]) for x in (first, last)]
    funding, borrow = held(carry_of(bars, costs, bar_ms), side, *rows, np.array([is_inside]))
    return funding.item(), borrow.item()


def slowly(bars, times, rates, side, first, last, is_inside, bar_ms, borrow_bps):
    """Every settlement of a position on its own."""
    ts, open_ = ts_ms(bars), bars["open"].to_numpy()
    funding, at_the_end = 0.0, 0.0
    for t, rate in zip(times, rates, strict=True):
        if not ts[first] < t < ts[last] + bar_ms:
            continue
        row = int(np.searchsorted(ts, t, side="right")) - 1
        inside = t != ts[row] and t < ts[row] + bar_ms
        paid = side * rate * open_[row if inside or t == ts[row] else row + 1]
        if inside and row == last:
            at_the_end += paid
        else:
            funding += paid
    funding += max(at_the_end, 0.0) if is_inside else at_the_end
    per_ms, borrow = borrow_bps / 1e4 / YEAR_MS, 0.0
    for row in range(first, last + 1):
        waited = ts[row] - ts[row - 1] - bar_ms if row > first else 0
        borrow += per_ms * (waited + bar_ms) * open_[row]
    return funding, borrow if side < 0 else 0.0


@pytest.mark.parametrize("hours", [1, 4, 8, None], ids=["1 h", "4 h", "8 h", "8 h, then 4 h"])
@pytest.mark.parametrize("bar_h", [1, 4, 24])
def test_the_cumulative_form_is_a_loop_over_settlements(hours, bar_h):
    rng = np.random.default_rng(3)
    bar_ms = bar_h * HOUR_MS
    bars = random_bars(150, 5).filter(pl.Series(rng.random(150) > 0.1))
    bars = bars.with_columns(((pl.col("ts").dt.epoch("ms")) * bar_h).cast(pl.Datetime("ms", "UTC")))
    n_hours = 150 * bar_h
    whole = np.arange(0, n_hours, hours or 8)
    times_h = whole if hours else np.append(whole[whole < n_hours // 2], np.arange(n_hours // 16 * 8, n_hours, 4))
    times = np.unique(times_h) * HOUR_MS
    rates = rng.normal(0, 1e-3, len(times))
    told = with_funding(bars, times, rates, bar_ms)
    first = rng.integers(0, len(bars) - 30, 300)
    last = first + rng.integers(0, 30, 300)
    side, is_inside = rng.choice([1, -1], 300), rng.random(300) < 0.5
    ours = held(carry_of(told, Costs(borrow_bps_per_year=500), bar_ms), side, first, last, is_inside)
    plain = [
        slowly(bars, times, rates, *position, bar_ms, 500)
        for position in zip(side, first, last, is_inside, strict=True)
    ]
    assert np.allclose(np.array(ours).T, plain, rtol=1e-11, atol=1e-12)
    assert np.abs(plain).sum(axis=0).min() > 1e-3


@pytest.mark.parametrize(
    ("first", "last", "paid"),
    [
        (8, 9, 0.0),  # entered at the settlement
        (5, 7, 0.0),  # left at the close that is the settlement
        (5, 8, 1.0),  # held into the open of the settlement
        (8, 16, 1.0),  # the next one alone
        (8, 15, 0.0),
        (7, 16, 2.0),
    ],
)
@pytest.mark.parametrize("is_inside", [False, True])
def test_entry_and_exit_exactly_at_a_settlement(first, last, paid, is_inside):
    bars = with_funding(bars_from([FLAT] * 24), np.array([0, 8, 16]) * HOUR_MS, [0.01] * 3)
    assert cost(bars, 1, first, last, is_inside=is_inside)[0] == pytest.approx(paid)
    assert cost(bars, -1, first, last, is_inside=is_inside)[0] == pytest.approx(-paid)


def test_a_settlement_inside_the_last_bar_counts_where_it_costs_unless_the_bar_was_held_to_its_close():
    bars = with_funding(
        bars_from([FLAT] * 3, step_ms=24 * HOUR_MS), np.array([8, 32]) * HOUR_MS, [0.01, -0.01], 24 * HOUR_MS
    )
    day = {"bar_ms": 24 * HOUR_MS}
    assert [cost(bars, 1, 0, 0, is_inside=x, **day)[0] for x in (True, False)] == [1.0, 1.0]
    assert [cost(bars, -1, 0, 0, is_inside=x, **day)[0] for x in (True, False)] == [0.0, -1.0]
    assert [cost(bars, 1, 1, 1, is_inside=x, **day)[0] for x in (True, False)] == [0.0, -1.0]
    assert [cost(bars, -1, 1, 1, is_inside=x, **day)[0] for x in (True, False)] == [1.0, 1.0]


def test_a_short_borrows_from_its_entry_to_the_close_of_its_last_bar_holes_included():
    costs = Costs(borrow_bps_per_year=365 * 24)  # a basis point an hour
    bars = bars_from([FLAT] * 10).filter(pl.int_range(10).is_in([4, 5]).not_())
    assert cost(bars, -1, 2, 3, costs=costs) == (0.0, pytest.approx(2 * 100 * 1e-4))
    assert cost(bars, -1, 2, 4, costs=costs, is_inside=True) == (0.0, pytest.approx(5 * 100 * 1e-4))
    assert cost(bars, 1, 2, 4, costs=costs) == (0.0, 0.0)


def test_symbols_end_to_end_keep_their_own():
    one = with_funding(bars_from([FLAT] * 10), [8 * HOUR_MS], [0.01])
    both = end_to_end([carry_of(one, Costs(), HOUR_MS), carry_of(bars_from([FLAT] * 10), Costs(), HOUR_MS)])
    funding, _ = held(both, 1, np.array([5, 15]), np.array([9, 19]), np.zeros(2, bool))
    assert funding.tolist() == [1.0, 0.0]


def test_borrowing_cannot_pay():
    with pytest.raises(ConfigError, match="borrow_bps_per_year must not be negative, was -1"):
        Costs(borrow_bps_per_year=-1)


def test_whoever_was_filled_inside_a_bar_pays_its_settlements_and_receives_none():
    bars = bars_from([FLAT] * 4)
    paying = with_funding(bars, [HOUR_MS + 60_000], [1e-3])
    rows = [np.array([1]), np.array([2])]
    for side, wanted in ((1, 0.1), (-1, 0.0)):  # a long pays the rate, a short would have received it
        carry = carry_of(paying, Costs(), HOUR_MS)
        assert held(carry, side, *rows, np.array([False]), enters_inside=True)[0].item() == pytest.approx(wanted)
        assert held(carry, side, rows[0], rows[0], np.array([False]), enters_inside=True)[0].item() == pytest.approx(
            wanted
        )
    assert held(carry, -1, *rows, np.array([False]))[0].item() == pytest.approx(-0.1)
