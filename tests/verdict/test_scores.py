import numpy as np
import pytest

from tradsys.verdict import ForecastOutcomes, Overlap, auc, brier, log_loss, score
from tradsys.verdict.scores import auc_influence

STEP = 3_600_000


def outcomes(y, horizon=24, uniqueness=0.04):
    return ForecastOutcomes(y, np.full(y.shape, uniqueness), Overlap(np.arange(len(y)) * STEP, STEP, horizon))


def drawn(n=6_000, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(6, 8, (n, 2))
    return p, (rng.random((n, 2)) < p).astype(float)


def plain_auc(p, y):
    hits, misses = p[y == 1], p[y == 0]
    return np.mean([(h > m) + 0.5 * (h == m) for h in hits for m in misses])


def test_log_loss_and_brier_are_means_of_both_sides():
    p, y = np.array([[0.8, 0.25]]), np.array([[1.0, 0.0]])
    assert log_loss(p, y) == pytest.approx([-(np.log(0.8) + np.log(0.75)) / 2])
    assert brier(p, y) == pytest.approx([(0.04 + 0.0625) / 2])


def test_a_certain_and_wrong_forecast_costs_much_and_not_everything():
    assert log_loss(np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]])) == pytest.approx(12 * np.log(10), rel=1e-5)
    assert log_loss(np.array([[1e-11, 0.5]]), np.array([[1.0, 1.0]])) == pytest.approx(
        (11 * np.log(10) + np.log(2)) / 2
    )


def test_log_loss_of_the_base_rate_is_its_entropy():
    """.50 is the entropy of a 19.97% base rate."""
    y = np.zeros((10_000, 2))
    y[:1997] = 1
    assert log_loss(np.full(y.shape, 0.1997), y).mean() == pytest.approx(0.50, abs=1e-3)


def test_auc_counts_pairs_and_ties_a_half():
    rng = np.random.default_rng(1)
    p = np.round(rng.random((80, 2)), 1)
    y = (rng.random((80, 2)) < p).astype(float)
    assert auc(p, y) == pytest.approx(np.mean([plain_auc(p[:, k], y[:, k]) for k in (0, 1)]), abs=1e-12)
    assert auc(np.full((80, 2), 0.3), y) == pytest.approx(0.5)


def test_auc_needs_both_outcomes_on_each_side():
    y = np.array([[1.0, 0.0], [1.0, 1.0]])
    assert auc(np.full((2, 2), 0.5), y) is None
    assert score(np.full((2, 2), 0.5), outcomes(y), seed=0).auc is None


def test_the_influence_of_a_row_is_what_the_area_loses_without_it():
    p, y = drawn(300)
    influence, area = auc_influence(p, y), auc(p, y)
    left_out = np.array([auc(np.delete(p, k, axis=0), np.delete(y, k, axis=0)) for k in range(300)])
    assert influence.mean() == pytest.approx(0.0, abs=1e-12)
    assert np.corrcoef(influence, area - left_out)[0, 1] > 0.999
    assert influence.std() / 299 == pytest.approx((area - left_out).std(), rel=0.02)


def test_a_score_names_what_it_rests_on():
    p, y = drawn()
    found = score(p, outcomes(y), seed=0)
    assert (found.n, found.effective_n, found.base_rate) == pytest.approx((6_000, 240, y.mean()))
    assert found.log_loss.value == pytest.approx(log_loss(p, y).mean())
    assert found.brier.value == pytest.approx(brier(p, y).mean())
    assert found.auc.value == pytest.approx(auc(p, y))
    for one in (found.log_loss, found.brier, found.auc):
        assert one.low < one.value < one.high
        assert one.block >= 24
    parts = found.brier_parts
    whole = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert whole == pytest.approx(found.brier.value, abs=1e-12)


def test_the_interval_of_an_area_over_independent_rows_is_delongs():
    p, y = drawn(8_000, seed=3)
    found = score(p, outcomes(y, horizon=1), seed=0).auc
    assert found.standard_error == pytest.approx(auc_influence(p, y).std() / np.sqrt(8_000), rel=0.1)
