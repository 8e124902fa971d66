"""Axes, forest plots and reliability diagrams."""

import pytest
from tests.report.conftest import forecaster_metrics
from tests.report.diagnostics import measured_gain

from tradsys.report.forest import forests
from tradsys.report.numbers import Axis
from tradsys.report.reliability import diagrams
from tradsys.runs.metrics import ReliabilityBin, SkillMetrics


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(-0.4, 1.1, [0, 0.5, 1]), (0.41, 0.56, [0.45, 0.5, 0.55]), (-31, 12, [-30, -20, -10, 0, 10])],
)
def test_ticks_are_round_and_inside(low, high, ticks):
    assert Axis(low, high).ticks() == ticks


def test_places_never_leave_the_axis():
    axis = Axis(-1, 3)
    assert [axis.place(value) for value in (-9, -1, 0, 3, 9)] == [0, 0, 25, 100, 100]


def test_one_value_still_makes_an_axis():
    assert Axis.around([0.0]).place(0.0) == 50


def skill(**forecasters):
    """A table of forecasters, each with these gains alone."""
    sizes = {"n": 9, "effective_n": 3.0, "base_rate": 0.5, "log_loss_base": 0.69}
    whole = [forecaster_metrics(name) | own for name, own in forecasters.items()]
    return SkillMetrics.parse(sizes | {"smallest_visible_gain_millinats": None, "forecasters": whole}, "test")


def test_a_forest_colours_only_what_its_interval_decides():
    names = {
        "above": measured_gain(1, 0.5, 1.5),
        "below": measured_gain(-1, -2, -0.1),
        "across": measured_gain(0.2, -0.5, 1),
    }
    (forest,) = forests(skill(**{name: {"over_base": own} for name, own in names.items()}))
    assert [row.side for row in forest.rows] == list(names)
    for row in forest.rows:
        assert row.low < row.point < row.high
    assert forest.rows[0].low > forest.zero > forest.rows[1].high


def test_a_reference_is_not_compared_with_itself():
    found = forests(skill(base_rate={"over_base": None, "over_volatility": measured_gain(0.1, 0, 0.2)}))
    assert [forest.title for forest in found] == ["Over volatility alone"]
    assert forests(skill()) == forests(None) == []


def test_a_gain_without_an_interval_is_only_a_point():
    (forest,) = forests(skill(a={"over_base": measured_gain(0.3, None, None)}))
    assert forest.rows[0].low == forest.rows[0].point == forest.rows[0].high
    assert forest.rows[0].interval == ""


def test_a_bin_is_off_when_its_interval_misses_its_forecast(run):
    bins = [
        {"predicted": 0.5, "observed": 0.52, "n": 400, "low": 0.47, "high": 0.57},
        {"predicted": 0.6, "observed": 0.5, "n": 100, "low": 0.45, "high": 0.55},
        {"predicted": None, "observed": 0.5, "n": 0, "low": None, "high": None},
    ]
    found = [ReliabilityBin(effective_n=9.0, **one) for one in bins]
    (diagram,) = diagrams({"long": found, "short": []}, run.metrics.labels)
    assert [one.is_off for one in diagram.bins] == [False, True]
    assert diagram.bins[0].radius > diagram.bins[1].radius
    assert diagram.n == "500"
    assert diagram.base_rate is not None


def test_nothing_forecast_is_no_diagram():
    assert diagrams({}, None) == []
