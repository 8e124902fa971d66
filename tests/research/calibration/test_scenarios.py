"""Calibration tries other specs through the very experiment that a run is."""

from dataclasses import fields

import pytest

from tradsys.core.errors import ConfigError, DataError
from tradsys.data.simulate import parse_recipe
from tradsys.research.calibration import replication
from tradsys.research.calibration.monte_carlo import planned_replications
from tradsys.research.calibration.rates import summarise
from tradsys.research.calibration.scenarios import SCENARIOS, calibration_experiment, preset_named, scenario_named
from tradsys.research.procedures import experiment as procedure
from tradsys.research.walk import experiment
from tradsys.research.walk.experiment_spec import experiment_from
from tradsys.settings.config import RunConfig


def test_the_full_preset_is_the_default_run():
    assert calibration_experiment("full", seed=3) == experiment_from(RunConfig(seed=3))


def test_the_fast_preset_differs_in_the_slow_parts_alone():
    full, fast = (calibration_experiment(preset, seed=0) for preset in ("full", "fast"))
    changed = {field.name for field in fields(full) if getattr(full, field.name) != getattr(fast, field.name)}
    assert changed == {"regimes", "forecasters", "auditor"}


def test_every_preset_goes_through_the_experiment_of_a_run(monkeypatch):
    assert replication.run_experiment is procedure.run_experiment is experiment.run_experiment
    seen = []

    def stop(given, spec):
        seen.append(spec)
        raise InterruptedError

    monkeypatch.setattr(replication, "run_experiment", stop)
    for preset in ("fast", "full"):
        with pytest.raises(InterruptedError):
            replication.replicate(replication.Replication(preset, "noise", 1, has_competitors=False))
    assert seen == [calibration_experiment(preset, seed=1) for preset in ("fast", "full")]


def test_without_costs_is_without_costs():
    spec = calibration_experiment("fast", seed=0, settings=scenario_named("noise-free").settings)
    assert (spec.costs.taker, spec.costs.maker) == (0.0, 0.0)


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigError, match="there are fast and full"):
        preset_named("quick")


def test_every_scenario_has_a_market_and_settings_that_are_valid():
    for one in SCENARIOS:
        assert parse_recipe(one.recipe).family == one.recipe.partition(":")[0]
        assert scenario_named(one.name).config(5).seed == 5
        assert (one.sharpe is not None) == (one.truth == "edge") == (one.least_power is not None)


def test_scenarios_of_several_symbols_or_ranks_have_no_further_trials():
    wanted = planned_replications("fast", SCENARIOS, 1, competitors_every=1)
    without = {one.scenario for one in wanted if not one.has_competitors}
    assert without == {"survivors", "stale-ranks", "misaligned"}


def test_longs_alone_are_a_setting_of_the_scenario():
    spec = calibration_experiment("fast", seed=0, settings=scenario_named("bull-edge:0-long").settings)
    assert spec.sides == ("long",)


def test_a_refused_market_is_a_line_without_profiles(monkeypatch):
    def refuse(*_, **__):
        raise DataError("the bars of S03 look stamped by their close")

    monkeypatch.setattr(replication, "run_experiment", refuse)
    line = replication.replicate(replication.Replication("fast", "noise", 1, has_competitors=True))
    assert (line["refused"], line["profiles"]) == ("the bars of S03 look stamped by their close", {})
    assert summarise([line])["cells"]["noise"]["refused"]["k"] == 1


def test_a_pool_with_a_symbol_that_is_stamped_by_its_close_is_refused_as_by_a_run():
    line = replication.replicate(replication.Replication("fast", "misaligned", 1, has_competitors=False))
    assert "S03 goes with the bars of S00, S01, S02 1 bar earlier" in line["refused"]
    assert line["profiles"] == {}
