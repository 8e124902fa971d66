"""What labels weigh in training."""

from dataclasses import replace

import numpy as np
import pytest

from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError
from tradsys.features import FeatureSet
from tradsys.labels import BarrierSpec
from tradsys.research.walk.dataset import Dataset, WeightSpec


@pytest.fixture(scope="module")
def data(small_market):
    return Dataset.build(small_market.bars, small_market.interval, BarrierSpec(), Costs())


@pytest.fixture(scope="module")
def panel(data):
    """Features of the first 1,000 rows, and those rows."""
    _, whole = data.panel(FeatureSet.from_names(["rsi"]), first(data, 1_000), seed=0)
    return whole


def first(data, n):
    return tuple(one.is_labelled & (np.arange(len(one.start)) < n) for one in data.labels.values())


def test_uniqueness_without_decay_is_the_panel_itself(data, panel):
    assert WeightSpec().on_training(panel, first(data, 1_000), data) is panel


@pytest.mark.parametrize("spec", [WeightSpec("return"), WeightSpec("return", 0.3), WeightSpec("uniqueness", -0.5)])
def test_training_weights_know_nothing_of_what_follows_the_training_part(data, panel, small_market, spec):
    rows = first(data, 1_000)
    cut = Dataset.build(small_market.bars.head(1_100), small_market.interval, BarrierSpec(), Costs())
    weight = spec.on_training(panel, rows, data).weight[0][:1_000]
    short = replace(panel, weight=tuple(one.weight for one in cut.labels.values()))
    again = spec.on_training(short, tuple(mask[:1_100] for mask in rows), cut).weight[0][:1_000]
    assert again == pytest.approx(weight, rel=1e-9)


def test_attributed_returns_weigh_as_much_together_as_uniqueness_does(data, panel):
    (mask,) = rows = first(data, 1_000)
    weight, uniqueness = WeightSpec("return").on_training(panel, rows, data).weight[0], panel.weight[0]
    assert weight[mask].sum(axis=0) == pytest.approx(uniqueness[mask].sum(axis=0))
    assert np.corrcoef(weight[mask][:, 0], uniqueness[mask][:, 0])[0, 1] < 0.9


def test_a_large_outcome_weighs_more(data, panel):
    (mask,) = rows = first(data, 1_000)
    weight = WeightSpec("return").on_training(panel, rows, data).weight[0][mask]
    (labels,) = data.labels.values()
    size = np.abs(labels.ret[mask])
    assert np.corrcoef(weight[:, 0], size[:, 0])[0, 1] > 0.3


def test_decay_spares_the_last_training_label_and_ages_the_first(data, panel):
    (mask,) = rows = first(data, 1_000)
    share = WeightSpec(time_decay=0.25).on_training(panel, rows, data).weight[0][mask] / panel.weight[0][mask]
    assert share[-1] == pytest.approx(1.0)
    assert share[0] == pytest.approx(0.25, abs=0.01)
    assert (np.diff(share, axis=0) > 0).all()


def test_unknown_weights_are_refused():
    with pytest.raises(ConfigError, match="'uniqueness' or 'return', was 'volume'"):
        WeightSpec("volume")
    with pytest.raises(ConfigError, match="was -1"):
        WeightSpec(time_decay=-1)
