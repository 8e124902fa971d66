from dataclasses import replace

import numpy as np
import pytest

from tradsys.core.errors import DataError
from tradsys.journal import TrialSeries

HOUR = 3_600_000


def trial(seed=0, *, symbols=("BTC", "ETH"), n_days=30, gaps=True):
    rng = np.random.default_rng(seed)
    grid = np.arange(n_days * 24) * HOUR
    if gaps:
        grid = np.delete(grid, rng.choice(len(grid), 20, replace=False))
    held = np.repeat(rng.choice([-0.5, 0, 0, 0.25, 1], size=(len(symbols), len(grid) // 7 + 1)), 7, axis=1)
    return TrialSeries(
        key="SNIPER",
        days=np.arange(18_000, 18_000 + n_days),
        daily=rng.normal(0, 0.01, n_days),
        grid=grid,
        position=held[:, : len(grid)].astype(np.float32),
        opens=rng.uniform(90, 110, (len(symbols), len(grid))),
        symbols=symbols,
        n_trades=17,
    )


@pytest.mark.parametrize("symbols", [("BTC", "ETH"), ("",), ("BTC/USDT:é",)])
@pytest.mark.parametrize("gaps", [True, False])
def test_what_is_stored_comes_back_to_the_last_bit(symbols, gaps):
    one = trial(symbols=symbols, gaps=gaps)
    back = TrialSeries.from_bytes(one.to_bytes())
    for name in ("days", "daily", "grid", "position"):
        assert np.array_equal(getattr(back, name), getattr(one, name)), name
    assert (back.key, back.symbols, back.n_trades) == (one.key, one.symbols, one.n_trades)
    assert back.opens.shape == (len(symbols), 0)
    assert back.digest == one.digest
    assert back.to_bytes() == one.to_bytes()


def test_positions_held_to_the_last_bar_and_next_to_each_other_come_back():
    one = trial(symbols=("A", "B"), gaps=False)
    position = np.zeros_like(one.position)
    position[0, -3:], position[1, :2], position[1, 2:5] = 1, -1, 1
    back = TrialSeries.from_bytes(replace(one, position=position).to_bytes())
    assert np.array_equal(back.position, position)


def test_a_trial_that_never_traded_comes_back():
    one = trial()
    idle = replace(one, position=np.zeros_like(one.position), daily=np.zeros(30), n_trades=0)
    back = TrialSeries.from_bytes(idle.to_bytes())
    assert not back.position.any()
    assert back.digest == idle.digest


def test_daily_returns_are_judged_as_they_are_stored():
    one = trial()
    assert np.array_equal(one.daily, one.daily.astype(np.float32).astype(np.float64))


def test_a_hundred_trials_of_three_hourly_years_take_less_than_two_megabytes():
    rng = np.random.default_rng(0)
    n = 26_280
    position = np.zeros((1, n), np.float32)
    for entry in np.sort(rng.choice(n - 30, 500, replace=False)):
        position[0, entry : entry + 12] = rng.choice([-1, 1])
    one = TrialSeries("P", np.arange(1095), rng.normal(size=1095), np.arange(n) * HOUR, position, position, ("B",), 500)
    assert len(one.to_bytes()) < 20_000


def test_the_digest_sees_every_stored_number_and_the_profile_but_not_the_symbols_names():
    one = trial()
    changes = {
        "key": "RECKLESS",
        "days": one.days + 1,
        "daily": one.daily + 1e-6,
        "grid": one.grid + 1,
        "position": one.position * 2,
        "n_trades": 18,
    }
    digests = {replace(one, **{name: value}).digest for name, value in changes.items()}
    assert len(digests | {one.digest}) == len(changes) + 1
    assert replace(one, symbols=("XBT", "ETC")).digest == one.digest
    assert replace(one, opens=one.opens * 2).digest == one.digest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"symbols": ("BTC",)}, "1 symbols on 700 stamps, but positions of shape"),
        ({"daily": np.zeros(3)}, r"\(30,\) days and \(3,\) daily returns"),
        ({"days": np.zeros(30, int)}, "strictly increasing days"),
        ({"grid": np.zeros(700, int)}, "strictly increasing grid"),
        ({"daily": np.full(30, np.nan)}, "not finite; 0 means flat"),
    ],
)
def test_a_record_that_does_not_fit_together_is_refused(change, message):
    with pytest.raises(DataError, match=message):
        replace(trial(), **change)


def test_the_delayed_record_comes_back_and_is_no_other_trial():
    one = trial()
    late = replace(one, delayed=one.daily / 3)
    back = TrialSeries.from_bytes(late.to_bytes())
    assert np.array_equal(back.delayed, late.delayed)
    assert back.digest == late.digest == one.digest
    assert back.delayed_digest == late.delayed_digest != replace(one, delayed=one.daily).delayed_digest
    assert one.delayed_digest is None
    assert TrialSeries.from_bytes(one.to_bytes()).delayed is None
    for wrong in (one.daily[:-1], np.full(30, np.nan)):
        with pytest.raises(DataError, match="delayed returns"):
            replace(one, delayed=wrong)
