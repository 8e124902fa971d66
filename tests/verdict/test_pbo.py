import numpy as np
import pytest
from scipy.stats import linregress, rankdata
from tests.verdict.brute import cscv

from tradsys.core.errors import ConfigError, DataError
from tradsys.verdict import probability_of_backtest_overfitting


def fixture():
    i, j = np.mgrid[:48, :7]
    return ((7 * i + 3 * j + i * j) % 11 - 5) / 100


def test_the_published_fixture_to_its_printed_digits():
    result = probability_of_backtest_overfitting(fixture(), 6)
    assert len(result.logits) == 20
    assert result.pbo == 0.95
    assert result.p_loss == 0.9
    assert result.logits.sum() == pytest.approx(-13.617212046647, abs=1e-11)
    # what the regression of these 20 points gives
    assert result.slope == pytest.approx(-0.5800410958669, abs=1e-12)
    assert result.slope == pytest.approx(linregress(result.in_sample, result.out_of_sample).slope, abs=1e-12)


@pytest.mark.parametrize(("n_obs", "n_trials", "n_blocks"), [(60, 5, 4), (97, 12, 8), (40, 2, 10)])
def test_agrees_with_cross_validation_written_out(n_obs, n_trials, n_blocks):
    returns = np.random.default_rng(n_obs).normal(0.01, 1, (n_obs, n_trials))
    result = probability_of_backtest_overfitting(returns, n_blocks)
    logits, inside, outside = cscv(returns[n_obs % n_blocks :], n_blocks)
    assert np.sort(result.logits) == pytest.approx(np.sort(logits), abs=1e-9)
    assert np.sort(result.in_sample) == pytest.approx(np.sort(inside), abs=1e-9)
    assert np.sort(result.out_of_sample) == pytest.approx(np.sort(outside), abs=1e-9)
    assert result.pbo == np.mean(logits <= 0)


def test_equal_strategies_share_their_average_rank():
    one = np.random.default_rng(0).normal(size=(80, 1))
    result = probability_of_backtest_overfitting(np.repeat(one, 5, axis=1), 8)
    assert result.pbo == 1.0
    assert result.logits == pytest.approx(0, abs=1e-15)
    assert rankdata(np.ones(5))[0] / 6 == 0.5


def test_a_strategy_that_is_always_best_is_not_overfitted():
    returns = np.random.default_rng(1).normal(0, 1, (320, 10))
    returns[:, 3] += 1
    assert probability_of_backtest_overfitting(returns, 8).pbo == 0.0


def test_on_noise_one_value_is_weak_evidence():
    values = [
        probability_of_backtest_overfitting(np.random.default_rng(s).normal(size=(200, 20)), 8).pbo for s in range(60)
    ]
    assert 0.4 < np.mean(values) < 0.6
    assert np.std(values) > 0.1


def test_the_oldest_rows_that_do_not_fill_a_block_are_left_out():
    returns = np.random.default_rng(2).normal(size=(50, 3))
    result = probability_of_backtest_overfitting(returns, 16)
    assert result.n_obs == 48
    assert result.logits.tolist() == probability_of_backtest_overfitting(returns[2:], 16).logits.tolist()


@pytest.mark.parametrize(
    ("returns", "n_blocks", "error", "message"),
    [
        (np.zeros((48, 7)), 5, ConfigError, "n_blocks must be even and at least 2, was 5"),
        (np.zeros((48, 1)), 6, DataError, r"2 trials and 12 rows or more, found \(48, 1\)"),
        (np.zeros((11, 7)), 6, DataError, r"found \(11, 7\)"),
        (np.zeros(48), 6, DataError, r"found \(48,\)"),
        (np.where(np.eye(48) > 0, np.nan, 1.0), 6, DataError, "returns must be finite"),
    ],
)
def test_unusable_returns_are_refused(returns, n_blocks, error, message):
    with pytest.raises(error, match=message):
        probability_of_backtest_overfitting(returns, n_blocks)


def test_a_winner_without_risk_has_an_infinite_sharpe_ratio_and_an_idle_one_none():
    """Always .1 beats noise; nothing at all is worth 0, above what loses."""
    returns = np.random.default_rng(3).normal(0, 1, (40, 2))
    returns[:, 1] = 0.1
    result = probability_of_backtest_overfitting(returns, 4)
    assert (result.in_sample == np.inf).all()
    assert (result.out_of_sample == np.inf).all()
    assert np.isnan(result.slope)
    idle = np.column_stack([np.random.default_rng(4).normal(-1, 1, 40), np.zeros(40)])
    result = probability_of_backtest_overfitting(idle, 4)
    assert (result.in_sample == 0).all()
    assert (result.pbo, result.p_loss) == (0.0, 0.0)
    assert np.isnan(result.slope)


def test_a_certain_loss_is_the_worst_of_all():
    returns = np.random.default_rng(5).normal(0, 1, (40, 3))
    returns[:, 0] = -0.1
    alone = probability_of_backtest_overfitting(returns[:, 1:], 4)
    assert probability_of_backtest_overfitting(returns, 4).in_sample.tolist() == alone.in_sample.tolist()


def test_tiny_returns_still_have_a_slope():
    returns = np.random.default_rng(6).normal(0.01, 1, (40, 4))
    result = probability_of_backtest_overfitting(returns * 1e-6, 4)
    assert result.slope == pytest.approx(probability_of_backtest_overfitting(returns, 4).slope, rel=1e-9)


def test_sixteen_blocks_are_usual_and_two_are_the_fewest():
    returns = np.random.default_rng(7).normal(size=(33, 2))
    assert len(probability_of_backtest_overfitting(returns).logits) == 12_870
    assert probability_of_backtest_overfitting(returns).n_obs == 32
    assert len(probability_of_backtest_overfitting(returns[:4], 2).logits) == 2
    for n_blocks in (0, 1):
        with pytest.raises(ConfigError, match=f"at least 2, was {n_blocks}"):
            probability_of_backtest_overfitting(returns, n_blocks)


def test_halves_are_the_same_in_slices(monkeypatch):
    returns = np.random.default_rng(8).normal(size=(40, 3))
    whole = probability_of_backtest_overfitting(returns, 8)
    monkeypatch.setattr("tradsys.verdict.pbo.SLICE", 9)
    sliced = probability_of_backtest_overfitting(returns, 8)
    assert np.sort(sliced.logits).tolist() == np.sort(whole.logits).tolist()
    assert sliced.pbo == whole.pbo


def test_a_winner_without_risk_in_one_half_only_leaves_no_slope_either():
    returns = np.random.default_rng(9).normal(0, 1, (20, 2))
    returns[:10, 0] = 0.1
    returns[10:, 1] += 3
    result = probability_of_backtest_overfitting(returns, 2)
    assert np.isfinite(result.in_sample).tolist() == [False, True]
    assert np.isfinite(result.out_of_sample).all()
    assert np.isnan(result.slope)
