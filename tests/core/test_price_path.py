"""A market is recognised however its bars are stored, and different markets are told apart."""

import numpy as np
import polars as pl
import pytest

from tradsys.core.errors import DataError
from tradsys.core.price_path import STEP_MS, PricePath
from tradsys.core.time import DAY_MS, HOUR_MS

N = 24 * 90


def closes(seed, n=N):
    return 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.006, n)))


def path(close, ts=None, bar_ms=HOUR_MS):
    if ts is not None and len(ts) and (np.diff(ts) < 0).any():
        order = np.argsort(ts)
        close, ts = close[order], ts[order]
    ts = np.arange(len(close)) * HOUR_MS + 1_600_000_000_000 // HOUR_MS * HOUR_MS if ts is None else ts
    return PricePath.of(pl.DataFrame({"ts": pl.Series(ts).cast(pl.Datetime("ms", "UTC")), "close": close}), bar_ms)


PRICES = closes(1)
TIMES = np.arange(N) * HOUR_MS + 1_600_000_000_000 // HOUR_MS * HOUR_MS
IS_WEEKDAY = (TIMES // DAY_MS + 3) % 7 < 5
SOME = np.random.default_rng(1).random(N) < 0.1
IS_OPEN = (TIMES // HOUR_MS) % 24 < 3
GAP = (np.arange(N) < 24 * 30) | (np.arange(N) >= 24 * 40)
HAS_BAR = np.random.default_rng(0).random(N) > 1 / 700

STORED_OTHERWISE = {
    "single precision": (PRICES.astype(np.float32).astype(np.float64), TIMES, HOUR_MS),
    "an hour later": (PRICES, TIMES + HOUR_MS, HOUR_MS),
    "eight hours earlier": (PRICES, TIMES - 8 * HOUR_MS, HOUR_MS),
    "a millisecond later": (PRICES, TIMES + 1, HOUR_MS),
    "a minute later": (PRICES, TIMES + 60_000, HOUR_MS),
    "another unit": (PRICES * 1.3, TIMES, HOUR_MS),
    "rounded": (np.round(PRICES, 0), TIMES, HOUR_MS),
    "upside down": (1 / PRICES, TIMES, HOUR_MS),
    "bars missing": (PRICES[HAS_BAR], TIMES[HAS_BAR], HOUR_MS),
    "no weekends": (PRICES[IS_WEEKDAY], TIMES[IS_WEEKDAY], HOUR_MS),
    "two hours a bar": (PRICES[1::2], TIMES[::2], 2 * HOUR_MS),
    "four hours a bar": (PRICES[3::4], TIMES[::4], 4 * HOUR_MS),
    "a day a bar": (PRICES[23::24], TIMES[::24], 24 * HOUR_MS),
    "a scale that drifts": (PRICES * (1 + 1e-6 * np.arange(N)), TIMES, HOUR_MS),
    "noise of 1e-5": (PRICES * np.exp(np.random.default_rng(9).normal(0, 1e-5, N)), TIMES, HOUR_MS),
    "noise of 1e-3": (PRICES * np.exp(np.random.default_rng(9).normal(0, 1e-3, N)), TIMES, HOUR_MS),
    "three digits, upside down, three hours late, four hours a bar": (
        np.array([float(f"{1 / price:.3g}") for price in PRICES[4::4]]),
        TIMES[1:-3:4] + 3 * HOUR_MS,
        4 * HOUR_MS,
    ),
    "as much again added": (PRICES + 100.0, TIMES, HOUR_MS),
    "moves doubled": (PRICES**2, TIMES, HOUR_MS),
    "a tenth of the bars": (PRICES[SOME], TIMES[SOME], HOUR_MS),
    "three hours a day": (PRICES[IS_OPEN], TIMES[IS_OPEN], HOUR_MS),
    "a minute a bar": (np.repeat(PRICES, 60), np.repeat(TIMES, 60) + np.tile(np.arange(60) * 60_000, N), 60_000),
    "a day and two hours later": (PRICES, TIMES + 26 * HOUR_MS, HOUR_MS),
    "a year earlier": (PRICES, TIMES - 365 * DAY_MS, HOUR_MS),
    "its halves swapped": (PRICES, np.roll(TIMES, N // 2), HOUR_MS),
    "a gap of ten days closed": (PRICES[GAP], TIMES[: GAP.sum()], HOUR_MS),
    "the first three weeks": (PRICES[: 24 * 21], TIMES[: 24 * 21], HOUR_MS),
}


@pytest.mark.parametrize("how", STORED_OTHERWISE)
def test_the_same_market_is_recognised(how):
    stored = path(*STORED_OTHERWISE[how])
    assert stored.shares_a_month(path(PRICES))
    assert path(PRICES).shares_a_month(stored)


def test_another_market_is_not():
    assert not any(path(closes(seed)).shares_a_month(path(PRICES)) for seed in range(2, 12))


@pytest.mark.parametrize("correlation", [0.9, 0.95])
def test_a_market_that_moves_along_is_not(correlation):
    """Nearly all of each move in common, as between two coins of a kind."""
    for seed in range(2, 8):
        along = np.exp(correlation * np.log(PRICES) + np.sqrt(1 - correlation**2) * np.log(closes(seed)))
        assert not path(along).shares_a_month(path(PRICES))


def test_one_like_month_of_two_that_move_along_is_not_enough():
    """Indices that correlate at .95 come as near as this in one month of two hundred."""
    history = closes(11, 24 * 180)
    is_october = (np.arange(24 * 180) >= 24 * 17) & (np.arange(24 * 180) < 24 * 49)
    noise = np.random.default_rng(4).normal(0, 0.006, 24 * 180) * np.where(is_october, 0.08, 0.5)
    along, times = history * np.exp(np.cumsum(noise)), TIMES[0] + np.arange(24 * 180) * HOUR_MS
    near = path(along[is_october], times[is_october])
    assert near.shares_a_month(path(history, times)), "alone it would do"
    assert not path(along, times).shares_a_month(path(history, times))


def test_one_month_of_the_market_itself_among_others_is():
    spliced = np.where((np.arange(N) >= 24 * 17) & (np.arange(N) < 24 * 49), PRICES * 1.3, closes(3))
    assert path(spliced).shares_a_month(path(PRICES))


@pytest.mark.parametrize("n_days", [2, 4, 8])
def test_few_days_of_a_market_that_moves_along_are_not(n_days):
    along, few = np.exp(0.9 * np.log(PRICES) + np.sqrt(1 - 0.9**2) * np.log(closes(2))), slice(240, 240 + 24 * n_days)
    assert not path(along[few], TIMES[few]).shares_a_month(path(PRICES))


def test_few_days_of_the_market_itself_are():
    few = slice(240, 240 + 48)
    assert path(PRICES[few] * 1.3, TIMES[few]).shares_a_month(path(PRICES))


def test_one_quoted_in_another_is_not():
    other = closes(3)
    crossed = path(PRICES / other)
    assert not crossed.shares_a_month(path(PRICES))
    assert not crossed.shares_a_month(path(other))


def test_another_range_of_it_is_not():
    assert not path(PRICES[: 24 * 40], TIMES[: 24 * 40]).shares_a_month(path(PRICES[24 * 50 :], TIMES[24 * 50 :]))


def test_flat_prices_are_nobody():
    flat = np.full(N, 5.0)
    assert not path(flat).shares_a_month(path(flat))


@pytest.mark.parametrize(
    ("opens", "closes", "reaches"), [(0, 9, True), (0, 2, False), (8, 20, True), (9, 20, False), (4, 6, False)]
)
def test_a_path_reaches_into_a_span_where_it_has_a_price_there(opens, closes, reaches):
    """Prices at steps 3, 4 and 9."""
    prices = np.full(7, np.nan, np.float32)
    prices[[0, 1, 6]] = 1.0
    assert PricePath(3, prices).reaches_into(opens * STEP_MS, closes * STEP_MS) == reaches


def test_months_are_told_apart():
    spliced = np.where(np.arange(N) < 24 * 50, PRICES, closes(3))
    shared = path(spliced).spans_shared(path(PRICES))
    assert len(shared) == 2
    assert {one.later for one in shared} == {0}
    assert shared[0].opens <= TIMES[0] + 2 * HOUR_MS and shared[1].closes <= TIMES[24 * 50]


@pytest.mark.parametrize("days", [-365, 3, 30])
def test_a_shift_is_measured(days):
    later = path(PRICES, TIMES + days * DAY_MS).spans_shared(path(PRICES))
    assert {one.later for one in later} == {-days * DAY_MS}


def test_comes_back_from_its_bytes():
    one = path(PRICES)
    again = PricePath.from_bytes(one.to_bytes())
    assert again.digest == one.digest and again.first == one.first


def test_other_bytes_are_refused():
    with pytest.raises(DataError, match="wanted a price path as a safetensors file"):
        PricePath.from_bytes(b"nothing of the kind")


def test_no_bars_are_an_empty_path():
    assert not path(np.empty(0), np.empty(0, np.int64)).shares_a_month(path(PRICES))
