from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from tests.research.diagnostics.planted import outcome_of, spec_of

from tradsys.research.diagnostics.importance import feature_importance
from tradsys.verdict.scores import log_loss

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def spec():
    return spec_of()


@pytest.fixture(scope="module")
def planted(spec):
    return outcome_of(spec, effect=0.2)


@pytest.fixture(scope="module")
def importance(planted, spec):
    return feature_importance(planted, spec)


def test_a_planted_pair_comes_out_first_above_zero_in_both_models_and_in_the_gain(importance):
    first, *others = importance.clusters
    assert set(first.columns) == {"volume", "volume_again"}
    assert first.deciding.low > 0
    assert first.boosted.low > 0
    assert first.boosted.millinats == max(one.boosted.millinats for one in importance.clusters)
    assert first.gain.share > max(one.gain.share for one in others)


def test_gains_are_shares_of_the_whole(importance):
    assert sum(one.gain.share for one in importance.clusters) == pytest.approx(1)
    assert all(0 <= one.gain.least <= one.gain.share <= one.gain.most <= 1 for one in importance.clusters)


def test_all_test_rows_and_folds_take_part_and_every_column_is_in_one_cluster(importance, planted):
    assert importance.n == planted.scored.outcomes.n
    assert importance.deciders == Counter(one.decider for one in planted.results)
    columns = [column for one in importance.clusters for column in one.columns]
    assert sorted(columns) == sorted(planted.results[0].predictor.features.columns)


def test_the_calibrated_model_is_the_one_that_was_scored(planted):
    """Its loss before anything is moved is that of the run."""
    from tradsys.research.diagnostics.importance import _blocks, _models
    from tradsys.research.walk.scoring import fold_columns

    result = planted.results[2]
    ((block, _),) = _blocks(planted.data, result, fold_columns(planted.data, result))
    said = _models(result)["deciding"].probability(block.X, block.rows[block.scored])
    rows = planted.scored.fold == 2
    wanted = log_loss(planted.scored.probability["decision maker"][rows], planted.scored.outcomes.y[rows])
    np.testing.assert_allclose(log_loss(said, block.y), wanted, atol=1e-12)


def test_the_same_outcome_gives_the_same_numbers(importance, planted, spec):
    assert feature_importance(planted, spec) == importance


def test_without_boosted_trees_there_is_no_gain(planted, spec):
    results = [
        replace(one, fitted={name: model for name, model in one.fitted.items() if name != "boosted"})
        for one in planted.results
    ]
    found = feature_importance(replace(planted, results=results), spec)
    assert all(one.boosted is None and one.gain is None for one in found.clusters)


def test_on_noise_the_intervals_cover_zero():
    missed, n = 0, 0
    for seed in range(4):
        spec = spec_of(seed=seed)
        for one in feature_importance(outcome_of(spec, seed=seed), spec).clusters:
            n += 1
            missed += not one.deciding.low <= 0 <= one.deciding.high
    assert n > 15
    assert missed <= 3  # 5% of about 24: more than 3 in 1 of 30
