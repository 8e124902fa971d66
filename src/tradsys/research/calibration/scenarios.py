"""Scenarios of simulated markets with known truth, what must come out, and the experiments that run on them."""

import difflib
from dataclasses import dataclass, replace
from typing import Literal, get_args

from tradsys.auditor.auditor import LogisticAuditor
from tradsys.core.errors import ConfigError
from tradsys.core.orders import SIDES, Side
from tradsys.machine.plan import Plan
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.regimes.volatility import VolatilityRegimes
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.experiment_spec import Experiment, experiment_from
from tradsys.settings.config import RunConfig
from tradsys.settings.sections import CostSettings


@dataclass(frozen=True, slots=True)
class Scenario:
    """A recipe of simulated markets with or without costs.

    `sharpe` is the oracle's annual net Sharpe ratio where there is an edge; without one, `limit` is the largest upper
    bound of the rate of false proofs that is accepted.
    """

    name: str
    recipe: str
    has_costs: bool = True
    sharpe: float | None = None
    limit: float = 0.08

    @property
    def costs(self) -> CostSettings:
        """The usual fees, or none."""
        return CostSettings() if self.has_costs else CostSettings(taker_bps=0.0, maker_bps=0.0, slippage_bps=0.0)


SCENARIOS = (
    Scenario("noise", "noise"),
    Scenario("noise-free", "noise", has_costs=False),
    Scenario("sv-free", "sv-martingale", has_costs=False),
    Scenario("bull", "bull"),
    Scenario("bull-free", "bull", has_costs=False, limit=0.10),
    Scenario("edge:0", "edge:0"),
    Scenario("edge:1", "edge:1", sharpe=1.0),
    Scenario("edge:2", "edge:2", sharpe=2.0),
    Scenario("edge:3", "edge:3", sharpe=3.0),
)
"""`-free` is without costs; `edge:0` has gross skill that only pays them."""


def scenario_named(name: str) -> Scenario:
    """The scenario of that name (`--cell`)."""
    by_name = {one.name: one for one in SCENARIOS}
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name, by_name, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(by_name)}"
    raise ConfigError(f"no cell is called {name!r}; {hint}")


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
