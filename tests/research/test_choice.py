import numpy as np

from tradsys.research.choice import is_convincing
from tradsys.verdict import Overlap, gain

HOUR = 3_600_000


def lead(incumbent, challenger):
    overlap = Overlap(np.arange(len(incumbent)) * HOUR, HOUR, 24)
    return gain(incumbent, challenger, overlap, seed=0)


def test_a_lead_within_noise_does_not_convince():
    noise = np.random.default_rng(0).normal(0, 0.1, 5_000)
    noise -= noise.mean()
    assert not is_convincing(lead(np.zeros(5_000), noise - 1e-4))
    assert is_convincing(lead(np.zeros(5_000), noise - 0.02))
    assert not is_convincing(lead(np.zeros(5_000), noise + 0.02))


def test_a_history_too_short_to_say_keeps_the_incumbent():
    assert not is_convincing(lead(np.ones(100), np.zeros(100)))


def test_the_same_forecasts_do_not_convince():
    assert not is_convincing(lead(np.ones(1_000), np.ones(1_000)))
