"""Calibration tries other specs through the very experiment that a run is."""

from dataclasses import fields

import pytest

from tradsys.core.errors import ConfigError
from tradsys.research.calibration import monte_carlo
from tradsys.research.calibration.scenarios import calibration_experiment, preset_named
from tradsys.research.procedures import experiment as procedure
from tradsys.research.walk import experiment
from tradsys.research.walk.experiment_spec import experiment_from
from tradsys.settings.config import RunConfig
from tradsys.settings.sections import CostSettings


def test_the_full_preset_is_the_default_run():
    assert calibration_experiment("full", seed=3) == experiment_from(RunConfig(seed=3))


def test_the_fast_preset_differs_in_the_slow_parts_alone():
    full, fast = (calibration_experiment(preset, seed=0) for preset in ("full", "fast"))
    changed = {field.name for field in fields(full) if getattr(full, field.name) != getattr(fast, field.name)}
    assert changed == {"regimes", "forecasters", "challengers", "agent", "auditor"}


def test_every_preset_goes_through_the_experiment_of_a_run(monkeypatch):
    assert monte_carlo.run_experiment is procedure.run_experiment is experiment.run_experiment
    seen = []

    def stop(given, spec):
        seen.append(spec)
        raise InterruptedError

    monkeypatch.setattr(monte_carlo, "run_experiment", stop)
    for preset in ("fast", "full"):
        with pytest.raises(InterruptedError):
            monte_carlo.replicate(monte_carlo.Replication(preset, "noise", 1, has_competitors=False))
    assert seen == [calibration_experiment(preset, seed=1) for preset in ("fast", "full")]


def test_without_costs_is_without_costs():
    spec = calibration_experiment("fast", seed=0, costs=CostSettings(taker_bps=0.0, maker_bps=0.0))
    assert (spec.costs.taker, spec.costs.maker) == (0.0, 0.0)


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigError, match="there are fast and full"):
        preset_named("quick")
