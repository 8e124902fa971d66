"""The rule by which a training part settles on one candidate."""

import numpy as np
import pytest

from tradsys.research.selection.stability import MIN_DAYS, MIN_TRADES, select_candidate

MANY = MIN_TRADES * 5


def records(*drifts, n_days=400, seed=0, shared=0.9):
    """Daily returns with these annual Sharpe ratios, most of their noise in common."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n_days)
    noise = [common * shared + rng.normal(size=n_days) * (1 - shared**2) ** 0.5 for _ in drifts]
    return np.array([n - n.mean() + d / 365**0.5 * n.std() for n, d in zip(noise, drifts, strict=True)]) / 100


def trades(daily, n=MANY):
    return np.full(len(daily), n)


def test_a_tiny_gain_does_not_unseat_the_one_held_before():
    daily = records(1.0, 1.1)
    assert select_candidate(daily, trades(daily), held=0).index == 0
    assert "kept" in select_candidate(daily, trades(daily), held=0).why


def test_a_clear_gain_does():
    daily = records(0.0, 4.0)
    pick = select_candidate(daily, trades(daily), held=0)
    assert pick.index == 1
    assert (pick.sharpe, pick.standard_error) == (pick.best_sharpe, None)
    assert pick.sharpe == pytest.approx(4.0)


def test_of_those_that_are_as_good_the_steadiest_is_taken():
    """The first earns a little more, all of it in its last third; the second earns in every third."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.01, 390)
    noise -= np.repeat(noise.reshape(3, -1).mean(axis=1), 130)
    late = noise + np.repeat([-0.0004, -0.0004, 0.0026], 130)
    even = noise[::-1] + 0.0005
    daily = np.array([late, even])
    assert late.mean() / late.std() > even.mean() / even.std()
    pick = select_candidate(daily, trades(daily))
    assert pick.index == 1
    assert pick.best_sharpe > pick.sharpe
    assert pick.best_sharpe - pick.sharpe <= pick.standard_error


def test_the_best_leads_by_more_than_the_error_of_the_difference_that_a_plain_loop_finds():
    daily = records(0.0, 1.2, seed=4)
    pick = select_candidate(daily, trades(daily), held=0)
    scaled = daily / daily.std(axis=1, keepdims=True)
    gap = scaled[1] - scaled[0]
    centred, n = gap - gap.mean(), len(gap)
    variance = 0.0
    for lag in range(-n + 1, n):
        weight = (n - abs(lag)) / n * 0.9 ** abs(lag) + abs(lag) / n * 0.9 ** (n - abs(lag))
        products = centred[: n - abs(lag)] @ centred[abs(lag) :] / n
        variance += (weight if lag else 1.0) * products
    error = (variance / n * 365) ** 0.5
    assert pick.index == int(gap.mean() * 365**0.5 > error)


def test_who_hardly_traded_is_not_chosen_however_well_it_did():
    daily = records(0.5, 6.0)
    assert select_candidate(daily, np.array([MANY, MIN_TRADES - 1])).index == 0
    assert select_candidate(daily, np.array([MANY, MIN_TRADES])).index == 1


def test_a_short_or_empty_record_keeps_what_was_held():
    daily = records(0.0, 9.0, n_days=MIN_DAYS - 1)
    assert select_candidate(daily, trades(daily), held=0).index == 0
    assert f"too few days to choose on: {MIN_DAYS - 1} of {MIN_DAYS}" in select_candidate(daily, trades(daily)).why
    still = np.zeros((3, 200))
    assert select_candidate(still, np.zeros(3, int), held=2).index == 2
    assert select_candidate(still, np.zeros(3, int)).index == 0


def test_leverage_does_not_matter():
    daily = records(0.3, 2.5, 1.0, seed=2)
    assert select_candidate(daily, trades(daily)) == select_candidate(
        daily * np.array([[8.0], [0.125], [1.0]]), trades(daily)
    )


def test_whoever_was_ruined_is_never_chosen_however_good_its_days_were():
    daily = records(0.5, 9.0)
    daily[1, -1] = -1.0
    assert select_candidate(daily, trades(daily)).index == 0
    both = np.vstack([daily[1], daily[1]])
    assert select_candidate(both, trades(both)).why.endswith("or all of them were ruined")
