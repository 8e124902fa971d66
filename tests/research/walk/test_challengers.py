"""When a challenger decides in place of the logistic."""

import numpy as np
import pytest

from tradsys.research.walk.deciding import convincing_challenger, standard_errors
from tradsys.verdict import Overlap, gain

HOUR = 3_600_000


def lead(incumbent, challenger):
    overlap = Overlap(np.arange(len(incumbent)) * HOUR, HOUR, 24)
    return gain(incumbent, challenger, overlap, seed=0)


@pytest.fixture(scope="module")
def noise():
    drawn = np.random.default_rng(0).normal(0, 0.1, 5_000)
    return drawn - drawn.mean()


def test_a_lead_within_noise_does_not_convince(noise):
    assert convincing_challenger({"new": lead(np.zeros(5_000), noise - 1e-4)}) is None
    assert convincing_challenger({"new": lead(np.zeros(5_000), noise - 0.02)}) == "new"
    assert convincing_challenger({"new": lead(np.zeros(5_000), noise + 0.02)}) is None


def test_the_surest_of_several_decides(noise):
    leads = {name: lead(np.zeros(5_000), noise * wild - 0.02) for name, wild in (("a", 1.5), ("b", 1.0), ("c", 2.0))}
    assert convincing_challenger(leads) == "b"


def test_among_many_a_lead_must_be_surer(noise):
    barely = lead(np.zeros(5_000), noise - 0.002)
    assert 1.0 < barely.value / barely.standard_error < standard_errors(5)
    flat = {name: lead(np.ones(5_000), np.ones(5_000)) for name in "abcd"}
    assert (convincing_challenger({"new": barely}), convincing_challenger({"new": barely, **flat})) == ("new", None)


def test_the_luckiest_of_many_convinces_as_seldom_as_one():
    luckiest = np.random.default_rng(0).normal(size=(20_000, 5)).max(axis=1)
    assert np.mean(luckiest > standard_errors(5)) == pytest.approx(0.1587, abs=0.01)


def test_a_history_too_short_to_say_keeps_the_incumbent():
    assert convincing_challenger({"new": lead(np.ones(100), np.zeros(100))}) is None


def test_the_same_forecasts_do_not_convince():
    assert convincing_challenger({"new": lead(np.ones(1_000), np.ones(1_000))}) is None


def test_nobody_convinces_where_nobody_challenges():
    assert convincing_challenger({}) is None
