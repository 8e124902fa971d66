"""Zooming in: the region of the best quarter, around what is good and steady rather than lucky."""

import numpy as np
import pytest

from tradsys.core.errors import ConfigError
from tradsys.research.tuning.objective import N_BLOCKS, TrialScore
from tradsys.research.tuning.space import Categorical, Range, SearchSpace
from tradsys.research.tuning.trial import FinishedTrial
from tradsys.research.tuning.zoom import zoomed

SPACE = SearchSpace(
    (
        Categorical("agent.name", ("logistic", "xgboost")),
        Range("agent.penalty", 0.01, 100.0, is_log=True),
        Range("labels.horizon", 4, 100, step=4),
    )
)


def trial(number, penalty, value, *, spread=0.0, horizon=24, name="logistic", outcome="complete"):
    folds = (value - spread, value + spread)
    settings = {"agent.name": name, "agent.penalty": penalty, "labels.horizon": horizon}
    return FinishedTrial(number, settings, TrialScore((folds, folds), (value / N_BLOCKS,) * N_BLOCKS), outcome)


def study(**lucky):
    """Best at a penalty of 1, falling off with its logarithm; xgboost is hopeless."""
    trials = [trial(k, float(p), 5 - abs(np.log10(p))) for k, p in enumerate(np.geomspace(0.01, 100, 21))]
    return [*trials, trial(30, 90.0, -3, name="xgboost")]


def test_bounds_shrink_around_the_best_and_drop_what_never_was_among_it():
    region = zoomed(SPACE, study())
    penalty, horizon = region.space["agent.penalty"], region.space["labels.horizon"]
    assert 0.05 < penalty.low < 1 < penalty.high < 20
    assert region.space["agent.name"].options == ("logistic",)
    assert (horizon.low, horizon.high, horizon.step) == (12, 36, 4)
    assert region.centre.settings["agent.penalty"] == pytest.approx(1.0)


def test_a_steady_trial_is_the_centre_where_a_lucky_one_has_the_higher_mean():
    lucky, broken = trial(40, 80.0, 6.0, spread=4.0), trial(41, 70.0, 9.0, outcome="seed 1, fold 2: diverged")
    region = zoomed(SPACE, [*study(), lucky, broken])
    assert lucky.score.mean > region.centre.score.mean
    assert region.centre.settings["agent.penalty"] == pytest.approx(1.0)
    assert region.space["agent.penalty"].high < 20


def test_the_region_never_leaves_the_space_and_always_holds_its_centre():
    trials = [trial(k, 100.0, 5.0 + k, horizon=100) for k in range(12)]
    region = zoomed(SPACE, trials)
    for one in region.space.parameters:
        assert one.holds(region.centre.settings[one.key])
    assert region.space["agent.penalty"].high == 100.0
    assert region.space["labels.horizon"].high == 100


def test_too_few_trials_have_no_region():
    with pytest.raises(ConfigError, match="needs 8 complete and stable trials, found 3"):
        zoomed(SPACE, study()[:3])
