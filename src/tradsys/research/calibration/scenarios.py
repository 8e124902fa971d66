"""Scenarios of simulated markets with known truth, what must come out, and the experiments that run on them."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from tradsys.auditor.auditor import LogisticAuditor
from tradsys.core.errors import ConfigError
from tradsys.core.sides import SIDES, Side
from tradsys.data.simulate.recipes import parse_recipe
from tradsys.features.catalogue import DEFAULT
from tradsys.features.cross_section import RANKS
from tradsys.features.feature import FittableFeature
from tradsys.machine.plan import Plan
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.regimes.volatility import VolatilityRegimes
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.experiment_spec import Experiment, experiment_from
from tradsys.settings.config import RunConfig

type Truth = Literal["none", "edge", "died", "ill-timed"]
"""What there is to earn: nothing, an edge, one that has ended, or nothing and bars that a run should refuse."""

_FREE: Final = {"costs.taker_bps": 0.0, "costs.maker_bps": 0.0, "costs.slippage_bps": 0.0}
_LONG: Final = {"portfolio.sides": ("long",)}
_CONTRARIAN: Final = {"rank.contrarian": True, "rank.lookback": 24}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A recipe of simulated markets, the settings that are tried on it, and what must come out.

    `sharpe` is the oracle's annual net Sharpe ratio where there is an edge, and `least_power` the share of markets in
    which it must at least be proven; without an edge, `limit` is the largest upper bound of the rate of false proofs
    that is accepted. `procedure` is the walk-forward experiment, or the ranks.
    """

    name: str
    recipe: str
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    truth: Truth = "none"
    sharpe: float | None = None
    least_power: float | None = None
    limit: float = 0.08
    procedure: Literal["experiment", "ranks"] = "experiment"

    @property
    def has_one_symbol(self) -> bool:
        """Whether further trials can be made on it: they are for one symbol alone."""
        return parse_recipe(self.recipe).n_symbols == 1

    def config(self, seed: int) -> RunConfig:
        """The settings of its runs: the defaults but for its own."""
        return RunConfig(seed=seed).with_settings(self.settings)


def _edge(sharpe: int, least_power: float) -> Scenario:
    return Scenario(f"edge:{sharpe}", f"edge:{sharpe}", truth="edge", sharpe=sharpe, least_power=least_power)


_WITH_RANKS: Final = {
    "features.names": tuple(one.name for one in (*DEFAULT, *RANKS) if not isinstance(one, FittableFeature))
}

SCENARIOS: Final = (
    Scenario("noise", "noise"),
    Scenario("noise-free", "noise", _FREE),
    Scenario("sv-free", "sv-martingale", _FREE),
    Scenario("bull", "bull"),
    Scenario("bull-free", "bull", _FREE),
    Scenario("edge:0", "edge:0"),
    Scenario("bull-edge:0", "bull-edge:0"),
    Scenario("bull-edge:0-long", "bull-edge:0", _LONG),
    Scenario("ticks:1", "ticks:1"),
    Scenario("ticks:0.4", "ticks:0.4"),
    Scenario("ticks:0.2", "ticks:0.2"),
    Scenario("bounce", "bounce:100"),
    Scenario("thin", "thin"),
    Scenario("rounded", "rounded:0.5"),
    Scenario("illiquid", "illiquid"),
    Scenario("wash", "wash"),
    Scenario("spread-regimes", "spread-regimes"),
    Scenario("storms", "storms"),
    Scenario("bad-prints", "bad-prints"),
    Scenario("weekends", "weekends"),
    Scenario("averaged", "averaged:3"),
    Scenario("survivors", "survivors"),
    Scenario("stale-ranks", "stale-ranks", _CONTRARIAN, procedure="ranks"),
    Scenario("misaligned", "misaligned", _WITH_RANKS, truth="ill-timed"),
    Scenario("decay", "decay:3", truth="died"),
    _edge(1, 0.25),
    _edge(2, 0.80),
    _edge(3, 0.97),
)
"""`-free` is without fees, `-long` for longs only; `edge:0` has gross skill that only pays its costs."""


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
    settings: Mapping[str, Any] = MappingProxyType({}),
    n_symbols: int = 1,
    sides: tuple[Side, ...] = SIDES,
    plan: Plan | None = None,
) -> Experiment:
    """Specs for `run_experiment`: the defaults but for the settings, or with quick parts in the slow ones' places.

    The fast preset has the ridge logistic alone, volatility thirds for the hidden Markov model, and for the boosted
    auditor a logistic one of two folds with the strongest usual penalty. Features, labels, folds, calibration, profiles
    and verdict are the defaults. Networks train within `plan`.
    """
    config = RunConfig(seed=seed).with_settings(settings)
    if preset == "full":
        return experiment_from(config, n_symbols=n_symbols, sides=sides, plan=plan)
    # from settings without a network, whichever agent they name; the digest stays that of the settings
    without_network = config.with_settings({"agent.name": DECIDER})
    quick = experiment_from(without_network, n_symbols=n_symbols, sides=sides, plan=plan)
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
