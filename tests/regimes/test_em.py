"""Each compiled step of EM is the one written plainly in logarithms, and hmmlearn's."""

import numpy as np
import pytest
from tests.regimes.log_space import em_step

from tradsys.regimes.em import Chain, run_em

LENGTHS = [170, 1, 129]


def rows(d: int = 2) -> np.ndarray:
    """Runs of three states, (300, d), whose columns hang together."""
    rng = np.random.default_rng(11)
    state = np.cumsum(rng.random(300) > 0.95) % 3
    noise = rng.standard_normal((300, d)) @ (np.eye(d) + 0.4 * np.tri(d, k=-1))
    return np.array([0.3, 1.0, 3.0])[state][:, None] * noise + 0.2 * state[:, None]


def start(d: int = 2, k: int = 3) -> Chain:
    return Chain(
        initial=np.full(k, 1 / k),
        transition=np.full((k, k), 0.1 / (k - 1)) + np.eye(k) * (0.9 - 0.1 / (k - 1)),
        means=np.linspace(-0.5, 0.5, k)[:, None] * np.ones(d),
        covariances=np.stack([np.eye(d) * size for size in np.linspace(0.3, 4.0, k)]),
    )


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("is_full", [True, False])
def test_a_step_is_the_one_written_plainly(d: int, is_full: bool) -> None:
    chain, X = start(d), rows(d)
    for _ in range(3):
        log_likelihood, wanted = em_step(X, LENGTHS, *map(np.copy, chain), prior=0.01, is_full=is_full)
        history, is_positive = run_em(chain, X, LENGTHS, prior=0.01, is_full=is_full, n_steps=1, enough=0.0)
        assert is_positive
        assert history == pytest.approx([log_likelihood], abs=1e-9)
        for found, expected in zip(chain, wanted, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)


def test_each_step_makes_the_rows_likelier() -> None:
    history, _ = run_em(start(), rows(), LENGTHS, prior=0.0, n_steps=60, enough=-np.inf)
    assert len(history) == 60
    assert (np.diff(history) > -1e-9).all()
    assert history[-1] > history[0] + 100


def test_it_ends_when_a_step_gains_too_little() -> None:
    history, _ = run_em(start(), rows(), LENGTHS, prior=0.0, n_steps=500, enough=0.5)
    gains = np.diff(history)
    assert len(history) < 500
    assert gains[-1] < 0.5 <= gains[:-1].min()


# measured once with hmmlearn 0.3.3 (numpy 2.5.5), before the project did without it, from the parameters of `start()`
# on `rows()` and LENGTHS: GaussianHMM(3, covariance_type="full", covars_prior=0.01 * np.eye(2), init_params="",
# implementation="log", n_iter=25, tol=-np.inf)
HMMLEARN = {
    "log_likelihood": -806.6865439583119,
    "stay": [0.9677550775261802, 0.9446723189918881, 0.9699804267067077],
    "means": [
        [-0.008335885782125983, -0.02027343189212334],
        [0.3885866956883439, 0.40241966184453903],
        [0.42225490351632544, 0.04927769512828746],
    ],
    "covariance": [0.04387490675558399, 0.3028334764038783, 2.080405114555622],
}


def test_many_steps_end_where_hmmlearns_did() -> None:
    chain = start()
    run_em(chain, rows(), LENGTHS, prior=0.01, n_steps=25, enough=-np.inf)
    again, _ = run_em(Chain(*map(np.copy, chain)), rows(), LENGTHS, prior=0.01, n_steps=1, enough=0.0)
    assert again[0] == pytest.approx(HMMLEARN["log_likelihood"], abs=1e-6)
    np.testing.assert_allclose(np.diag(chain.transition), HMMLEARN["stay"], atol=1e-7)
    np.testing.assert_allclose(chain.means, HMMLEARN["means"], atol=1e-6)
    np.testing.assert_allclose(chain.covariances[:, 0, 1], HMMLEARN["covariance"], atol=1e-6)


def test_a_row_far_away_from_every_state_leaves_the_floats_nowhere() -> None:
    X = rows()
    X[40] = 300.0
    chain = start()
    log_likelihood, wanted = em_step(X, LENGTHS, *map(np.copy, chain), prior=0.01, is_full=True)
    history, _ = run_em(chain, X, LENGTHS, prior=0.01, n_steps=1, enough=0.0)
    assert history == pytest.approx([log_likelihood], rel=1e-12)
    np.testing.assert_allclose(chain.covariances, wanted[3], rtol=1e-8)


def test_rows_of_a_state_that_cannot_be_reached_are_compared_in_the_others() -> None:
    """Two of three states are left for good; rows that only the third would expect are told apart by these two."""
    X = np.concatenate([np.zeros((20, 1)), np.full((20, 1), 90.0), np.zeros((20, 1))])
    chain = Chain(
        initial=np.array([0.5, 0.5, 0.0]),
        transition=np.array([[0.8, 0.2, 0.0], [0.2, 0.8, 0.0], [0.1, 0.1, 0.8]]),
        means=np.array([[0.0], [1.0], [90.0]]),
        covariances=np.array([[[1.0]], [[2.0]], [[1.0]]]),
    )
    two = (chain.initial[:2], chain.transition[:2, :2], chain.means[:2], chain.covariances[:2])
    log_likelihood, wanted = em_step(X, [60], *map(np.copy, two), prior=0.0, is_full=True)
    history, _ = run_em(chain, X, [60], prior=1e-9, n_steps=1, enough=0.0)
    assert history == pytest.approx([log_likelihood], rel=1e-12)
    np.testing.assert_allclose(chain.means[:2], wanted[2], rtol=1e-9)


def test_a_state_without_a_variance_ends_it() -> None:
    chain = start(1, 2)
    chain.covariances[1] = 0.0
    assert run_em(chain, rows(1), LENGTHS, prior=0.0, n_steps=5, enough=0.0) == ([], False)
    copied = np.repeat(rows(1), 2, axis=1)
    assert run_em(start(2, 2), copied, LENGTHS, prior=0.0, n_steps=50, enough=-np.inf)[1] is False


def test_other_units_change_no_transition() -> None:
    first, second = start(), start()
    second.means[:], second.covariances[:] = 1e5 * first.means, 1e10 * first.covariances
    run_em(first, rows(), LENGTHS, prior=0.01, n_steps=10, enough=-np.inf)
    run_em(second, 1e5 * rows(), LENGTHS, prior=1e8, n_steps=10, enough=-np.inf)
    np.testing.assert_allclose(second.transition, first.transition, rtol=1e-9)
    np.testing.assert_allclose(second.covariances, 1e10 * first.covariances, rtol=1e-9)
