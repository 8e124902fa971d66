import numpy as np
import pytest

from tradsys.research.choice import lead, log_loss

DAY = 86_400_000


def test_log_loss_is_the_mean_of_both_sides():
    loss = log_loss(np.array([[0.8, 0.25]]), np.array([[1.0, 0.0]]))
    assert loss == pytest.approx([-(np.log(0.8) + np.log(0.75)) / 2])


def test_a_lead_within_noise_does_not_convince():
    rng = np.random.default_rng(0)
    start = np.arange(5_000) * DAY // 24
    noise = rng.normal(0, 0.1, 5_000)
    assert not lead(np.zeros(5_000), noise - noise.mean() - 1e-4, start, DAY).is_convincing
    assert lead(np.zeros(5_000), noise - noise.mean() - 0.02, start, DAY).is_convincing


def test_overlapping_labels_of_one_block_count_once():
    """Forty equal rows a day carry one observation: the standard error is that of the 100 days."""
    rng = np.random.default_rng(1)
    days = rng.normal(0, 1, 100)
    start = np.repeat(np.arange(100), 40) * DAY
    gain = lead(np.repeat(days, 40), np.zeros(4_000), start, DAY)
    assert gain.standard_error == pytest.approx(days.std(ddof=1) / 10, rel=1e-6)
    assert gain.n_blocks == 100


def test_one_block_says_nothing():
    assert not lead(np.ones(10), np.zeros(10), np.arange(10), DAY).is_convincing
