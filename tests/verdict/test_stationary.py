import numpy as np
import pytest
from arch.bootstrap import optimal_block_length as reference

from tradsys.core.errors import DataError
from tradsys.verdict import optimal_block_length
from tradsys.verdict.stationary import long_run_variance, stationary_sums


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
    draws = stationary_sums(x, 8.0, 20_000, np.random.default_rng(0))
    assert draws.sums.var(axis=0) / 300 == pytest.approx(long_run_variance(x, 8.0), rel=0.03)


def test_a_block_of_one_row_is_the_ordinary_bootstrap():
    x = np.random.default_rng(0).normal(size=(200, 2))
    assert long_run_variance(x, 1.0) == pytest.approx(x.var(axis=0), rel=1e-12)
    draws = stationary_sums(x, 1.0, 500, np.random.default_rng(0))
    assert draws.variances.mean(axis=0) / 200 == pytest.approx(x.var(axis=0), rel=0.02)


def test_all_columns_share_the_drawn_rows():
    x = np.random.default_rng(0).normal(size=(100, 1))
    draws = stationary_sums(np.hstack([x, 2 * x, -x]), 5.0, 50, np.random.default_rng(0))
    assert draws.sums[:, 1] == pytest.approx(2 * draws.sums[:, 0])
    assert draws.sums[:, 2] == pytest.approx(-draws.sums[:, 0])
    assert draws.variances[:, 1] == pytest.approx(4 * draws.variances[:, 0])


def plain_draw(values, is_new, fresh):
    """One draw row by row: its sum around the mean, and the spread of its blocks around what their lengths explain."""
    centred, blocks, row = values - values.mean(), [], 0
    for new, at in zip(is_new, fresh, strict=True):
        row = at if new else (row + 1) % len(values)
        if new:
            blocks.append([])
        blocks[-1].append(centred[row])
    total = sum(map(sum, blocks))
    return total, sum((sum(block) - len(block) * total / len(values)) ** 2 for block in blocks)


def test_a_draw_is_made_of_blocks_that_wrap_and_is_as_spread_as_they_are():
    x = np.random.default_rng(0).normal(3, 1, (23, 2))
    drawn = stationary_sums(x, 4.0, 9, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    is_new = rng.random((9, 23)) < 1 / 4
    fresh = rng.integers(23, size=(9, 23))
    is_new[:, 0] = True
    for b in range(9):
        for k in range(2):
            plain = plain_draw(x[:, k], is_new[b], fresh[b])
            assert (drawn.sums[b, k], drawn.variances[b, k]) == pytest.approx(plain, abs=1e-10)


def test_long_run_variance_weighs_each_pair_of_rows_by_its_chance_to_share_a_block():
    x = autoregressive(0.5, 19, 2)[:, None] + 7
    centred, keep = x[:, 0] - x.mean(), 1 - 1 / 6
    pairs = [(i, j, abs(i - j)) for i in range(19) for j in range(19)]
    weight = {k: (1 - k / 19) * keep**k + (k / 19 * keep ** (19 - k) if k else 0) for k in range(19)}
    expected = sum(centred[i] * centred[j] * weight[k] for i, j, k in pairs) / 19
    assert long_run_variance(x, 6.0) == pytest.approx([expected], rel=1e-10)


def test_block_length_needs_ten_values_and_not_their_size():
    x = autoregressive(0.6, 10, 3)
    assert optimal_block_length(1e-3 * x + 5) == pytest.approx(optimal_block_length(x), rel=1e-6)
    with pytest.raises(DataError, match="found 9"):
        optimal_block_length(x[:9])


@pytest.mark.parametrize(("n", "longest"), [(40, 14), (90, 29), (400, 60)])
def test_block_length_is_capped_where_what_comes_undoes_what_was(n, longest):
    """Differences of noise sum to nearly nothing; the cap is the smaller of 3 sqrt(n) and n / 3, rounded up."""
    assert optimal_block_length(np.diff(np.random.default_rng(0).normal(size=n + 1))) == longest
