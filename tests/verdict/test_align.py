"""An earlier trial on the days and bars of the run that is judged, row by row."""

from dataclasses import replace

import numpy as np
import pytest
from tests.verdict.records import market, record

from tradsys.verdict.align import aligned


def two_symbols(seed=0, n_days=40):
    """A run over two symbols, and an earlier trial of the same."""
    rng = np.random.default_rng(seed)
    on = market(rng, n_days=n_days)
    both = []
    for key in ("RUN", "OLD"):
        one = record(key, on, rng)
        position = np.vstack([one.position, np.roll(one.position, 1, axis=1)])
        both.append(replace(one, symbols=("BTC", "ETH"), position=position, opens=np.vstack([one.opens] * 2)))
    return both


def kept_days(trial, days):
    """The trial on some of its days, of four bars each."""
    bars = (days[:, None] * 4 + np.arange(4)).ravel()
    return replace(
        trial,
        days=trial.days[days],
        daily=trial.daily[days],
        delayed=trial.delayed[days],
        grid=trial.grid[bars],
        position=trial.position[:, bars],
        opens=trial.opens[:, bars],
    )


def test_a_trial_on_the_same_days_is_taken_as_it_is():
    run, old = two_symbols()
    found = aligned(old, run)
    assert found.daily.tolist() == old.daily.tolist()
    assert found.position.tolist() == old.position.tolist()
    assert found.n_trades == old.n_trades
    assert found.delayed.tolist() == old.delayed.tolist()
    assert aligned(replace(old, delayed=None), run).delayed is None


def test_a_symbol_that_the_trial_left_alone_is_flat():
    run, old = two_symbols()
    only = replace(old, symbols=("ETH",), position=old.position[1:], opens=old.opens[1:])
    found = aligned(only, run)
    assert found.position.tolist() == [[0.0] * 160, old.position[1].tolist()]
    assert found.position.dtype == np.float32


def test_a_missing_day_in_the_middle_is_flat_and_the_others_stay_where_they_were():
    run, old = two_symbols()
    days = np.delete(np.arange(40), [7, 8])
    old = replace(old, delayed=old.daily / 2)
    found = aligned(kept_days(old, days), run)
    assert found.daily.tolist() == np.where(np.isin(np.arange(40), [7, 8]), 0, old.daily).tolist()
    assert found.delayed.tolist() == np.where(np.isin(np.arange(40), [7, 8]), 0, old.delayed).tolist()
    assert found.position.tolist() == np.where(np.isin(np.arange(160) // 4, [7, 8]), 0, old.position).tolist()
    assert found.n_trades == old.n_trades
    assert aligned(kept_days(old, days[:-1]), run) is None


def test_trades_are_pro_rated_by_the_held_bars_that_the_run_has_too():
    run, old = two_symbols()
    short = kept_days(run, np.arange(10, 30))
    found = aligned(old, short)
    share = np.count_nonzero(old.position[:, 40:120]) / np.count_nonzero(old.position)
    assert found.n_trades == pytest.approx(old.n_trades * share)
    assert found.position.tolist() == old.position[:, 40:120].tolist()
    idle = replace(old, position=np.zeros_like(old.position))
    assert aligned(idle, short).n_trades == 0


def test_a_trial_of_another_symbol_beside_the_runs_cannot_be_compared():
    run, old = two_symbols()
    assert aligned(replace(old, symbols=("BTC", "SOL")), run) is None


def test_bars_must_be_covered_as_well_as_days():
    run, old = two_symbols()
    keep = np.arange(160) % 4 < 3
    sparse = replace(old, grid=old.grid[keep], position=old.position[:, keep], opens=old.opens[:, keep])
    assert aligned(sparse, run) is None
