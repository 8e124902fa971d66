"""What a family adds, on noise with a planted column: told where there is something, and nothing where there is not."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from tests.research.markets import market_from

from tradsys.core.arrays import FloatArray
from tradsys.core.outside import outside_values
from tradsys.data.simulate import simulate
from tradsys.features.feature import OddColumns
from tradsys.features.feature_set import FeatureSet
from tradsys.features.momentum import LaggedReturns
from tradsys.models.linear.baselines import BaseRate
from tradsys.research.calibration.scenarios import calibration_experiment
from tradsys.research.diagnostics.outside import families_of, family_gains, probabilities
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.experiment import run_experiment

N_BARS = 6_000


@dataclass(frozen=True, slots=True)
class Column(OddColumns):
    """One column from outside, as it is."""

    of: str = "macro_x"
    name: ClassVar[str] = "column"
    lookback: ClassVar[int] = 1

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.of,)

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.of,)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        return outside_values(bars, self.of)[:, None]


@pytest.fixture(scope="module")
def spec():
    features = FeatureSet((LaggedReturns(), Column("macro_x"), Column("flow_y")))
    fast = calibration_experiment("fast", seed=0)
    return replace(fast, features=features, regime_momentum=False, forecasters=(BaseRate(), *fast.forecasters))


@pytest.fixture(scope="module")
def outcome(spec):
    """`macro_x` is half a deviation higher before a long target; `flow_y` is noise, with a stretch of nothing."""
    bars = simulate("noise", seed=2, n_bars=N_BARS)
    rng = np.random.default_rng(2)
    label = spec.barriers.label(bars).filter(side=1)
    known = np.full(N_BARS, 0.5)
    known[label["index"].to_numpy()] = label["label"].to_numpy()
    x, y = rng.standard_normal((2, N_BARS))
    y[4_000:4_100] = np.nan
    return run_experiment(market_from({"X": bars.with_columns(macro_x=x + 0.5 * (known - 0.5), flow_y=y)}), spec)


@pytest.fixture(scope="module")
def found(outcome, spec):
    return {one.family: one for one in family_gains(outcome, spec).families}


def test_the_family_with_the_planted_column_adds_and_the_other_does_not(found):
    assert set(found) == {"macro", "flow"}
    assert found["macro"].columns == ("macro_x",)
    assert found["macro"].gain.low > 5
    assert found["flow"].gain.low < 0.5
    assert abs(found["flow"].gain.value) < 3


def test_a_gain_is_the_difference_of_what_is_known_over_the_base_rate(found):
    for one in found.values():
        assert one.over_base_with - one.over_base_without == pytest.approx(one.gain.value)


def test_the_same_rows_are_scored_and_with_all_columns_the_runs_own_forecasts_come_out(outcome, spec, found):
    again = probabilities(outcome, spec, np.ones(len(outcome.results[0].predictor.features.columns), bool))
    np.testing.assert_array_equal(again, outcome.scored.probability[DECIDER])
    assert found["macro"].gain.n == outcome.scored.outcomes.n < N_BARS


def test_families_are_told_by_what_a_feature_needs(outcome):
    masks = families_of(outcome.results[0].predictor.features)
    assert {family: int(mask.sum()) for family, mask in masks.items()} == {"macro": 1, "flow": 1}
    assert families_of(FeatureSet((LaggedReturns(),)).fit([simulate("noise", seed=1, n_bars=500)])) == {}
