"""The experiments that calibrate the verdict: the default one in full, and one that is quick enough for thousands."""

from dataclasses import replace
from typing import Literal, get_args

from tradsys.auditor.auditor import LogisticAuditor
from tradsys.core.errors import ConfigError
from tradsys.core.sides import SIDES, Side
from tradsys.machine.plan import Plan
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.regimes.volatility import VolatilityRegimes
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.experiment_spec import Experiment, experiment_from
from tradsys.settings.config import RunConfig
from tradsys.settings.sections import CostSettings

type Preset = Literal["fast", "full"]
PRESETS: tuple[Preset, ...] = get_args(Preset.__value__)


def calibration_experiment(
    preset: Preset,
    *,
    seed: int,
    costs: CostSettings | None = None,
    sides: tuple[Side, ...] = SIDES,
    plan: Plan | None = None,
) -> Experiment:
    """Specs for `run_experiment`: the defaults, or the same flow with quick parts in the slow ones' places.

    The fast preset has the ridge logistic alone, volatility thirds for the hidden Markov model, and for the boosted
    auditor a logistic one of two folds with the strongest usual penalty. Features, labels, folds, calibration, profiles
    and verdict are the defaults. Networks train within `plan`.
    """
    config = RunConfig(seed=seed, costs=costs or CostSettings())
    if preset == "full":
        return experiment_from(config, sides=sides, plan=plan)
    # from settings without a network, which would need torch; the digest stays that of the defaults
    quick = experiment_from(config.with_settings({"agent.name": DECIDER}), sides=sides, plan=plan)
    return replace(
        quick,
        digest=config.digest,
        regimes=VolatilityRegimes(),
        forecasters=(RidgeLogistic(),),
        challengers=(),
        auditor=LogisticAuditor(n_folds=2, penalty=2.0),
    )


def preset_named(name: str) -> Preset:
    """The preset of that name."""
    for preset in PRESETS:
        if preset == name:
            return preset
    raise ConfigError(f"no preset is called {name!r}; there are {' and '.join(PRESETS)}")
