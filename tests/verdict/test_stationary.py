import numpy as np
import pytest
from arch.bootstrap import optimal_block_length as reference

from tradsys.core.errors import DataError
from tradsys.verdict import optimal_block_length
from tradsys.verdict.stationary import long_run_variance, resampled_sums


def autoregressive(phi, n, seed):
    noise = np.random.default_rng(seed).normal(size=n)
    x = noise.copy()
    for t in range(1, n):
        x[t] = phi * x[t - 1] + noise[t]
    return x


@pytest.mark.parametrize("phi", [-0.5, 0.0, 0.3, 0.8, 0.97])
@pytest.mark.parametrize("n", [30, 200, 1095])
def test_block_length_is_the_reference_implementations_but_at_least_one(phi, n):
    x = autoregressive(phi, n, seed=n)
    assert optimal_block_length(x) == pytest.approx(max(1.0, reference(x)["stationary"].iloc[0]), rel=1e-9)


def test_block_length_grows_with_dependence():
    lengths = [optimal_block_length(autoregressive(phi, 2000, 0)) for phi in (0.0, 0.5, 0.9)]
    assert lengths == sorted(lengths)
    assert lengths[-1] > 10


def test_block_length_of_a_flat_series_is_refused():
    with pytest.raises(DataError, match="at least 10 values that move, found 50"):
        optimal_block_length(np.ones(50))


def test_long_run_variance_is_the_bootstraps_own_in_closed_form():
    x = np.column_stack([autoregressive(phi, 300, 1) for phi in (0.0, 0.6)])
    draws = resampled_sums(x, 8.0, 20_000, np.random.default_rng(0))
    assert draws.sums.var(axis=0) / 300 == pytest.approx(long_run_variance(x, 8.0), rel=0.03)


def test_a_block_of_one_row_is_the_ordinary_bootstrap():
    x = np.random.default_rng(0).normal(size=(200, 2))
    assert long_run_variance(x, 1.0) == pytest.approx(x.var(axis=0), rel=1e-12)
    draws = resampled_sums(x, 1.0, 500, np.random.default_rng(0))
    assert draws.variances.mean(axis=0) / 200 == pytest.approx(x.var(axis=0), rel=0.02)


def test_all_columns_share_the_drawn_rows():
    x = np.random.default_rng(0).normal(size=(100, 1))
    draws = resampled_sums(np.hstack([x, 2 * x, -x]), 5.0, 50, np.random.default_rng(0))
    assert draws.sums[:, 1] == pytest.approx(2 * draws.sums[:, 0])
    assert draws.sums[:, 2] == pytest.approx(-draws.sums[:, 0])
    assert draws.variances[:, 1] == pytest.approx(4 * draws.variances[:, 0])
