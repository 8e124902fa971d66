"""An experiment as frozen specs: everything that `run_experiment` needs to know, and nothing of the data."""

from dataclasses import dataclass
from datetime import timedelta

from tradsys.auditor.auditor import Auditor, AuditorSpec
from tradsys.backtest.simulate import PortfolioSpec
from tradsys.core.costs import Costs, Instrument
from tradsys.core.errors import ConfigError
from tradsys.core.limit_entry import LimitEntry
from tradsys.core.plugins import plugin_roots
from tradsys.core.sides import SIDES, Side
from tradsys.core.traded import NoVolume
from tradsys.data.market import Market
from tradsys.features.feature_set import FeatureSet
from tradsys.features.macro import MacroRisk
from tradsys.features.registry import owner_of
from tradsys.labels.barriers import BarrierSpec
from tradsys.labels.registry import barrier_rule, rule_owner
from tradsys.machine.plan import Plan
from tradsys.models.forecaster import Forecaster
from tradsys.models.registry import agent_owner
from tradsys.profiles.catalogue import PROFILES, profile_named, reading_confidence_as, supervised
from tradsys.profiles.profile import Profile
from tradsys.profiles.registry import profiles_by
from tradsys.regimes.family import RegimeFilter, Regimes
from tradsys.regimes.macro import MacroRegimes
from tradsys.regimes.markov import RegimeSpec
from tradsys.regimes.momentum import RegimeMomentum
from tradsys.research.walk.agents import ENSEMBLE, VOLATILITY_AGENT, challengers, forecasters
from tradsys.research.walk.dataset import WeightSpec
from tradsys.settings.config import RunConfig
from tradsys.settings.market import macro_series
from tradsys.settings.sections import FoldSettings, LabelSettings
from tradsys.verdict.alpha import Benchmark
from tradsys.verdict.results import VerdictSpec

_WEIGHING = {"weights", "time_decay"}
_OF_RULES = {"rule", "volatility_span"}


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is tried: the journal knows it by `digest` and `seed`.

    `fixed_decider` names the forecaster that decides whatever its lead over the logistic; None decides by the lead.
    """

    digest: str
    seed: int
    barriers: BarrierSpec
    weights: WeightSpec
    folds: FoldSettings
    features: FeatureSet
    regime_momentum: bool
    regimes: Regimes
    supervisor: MacroRegimes | None
    forecasters: tuple[Forecaster, ...]
    agent: str
    challengers: tuple[str, ...]
    fixed_decider: str | None
    auditor: AuditorSpec
    profiles: tuple[Profile, ...]
    deployed: str
    sides: tuple[Side, ...]
    costs: Costs
    instrument: Instrument
    portfolio: PortfolioSpec
    verdict: VerdictSpec

    @property
    def benchmark(self) -> Benchmark:
        """What alphas are measured against: holding each of the symbols."""
        return "symbols"

    @property
    def memory(self) -> int:
        """Bars of history that the slowest forecaster reads beyond the features' own."""
        return max(model.memory for model in self.forecasters)

    def embargo(self, interval: timedelta) -> timedelta:
        """Time between what trains and what is tested: a label's horizon, and what a forecast reads beyond its row."""
        return interval * (self.barriers.horizon + self.memory)

    def feature_set(self, regimes: RegimeFilter) -> FeatureSet:
        """The features, with the regime's share in momentum where it is asked for."""
        if not self.regime_momentum:
            return self.features
        return FeatureSet((*self.features.features, RegimeMomentum(regimes)))


def experiment_from(
    config: RunConfig, *, n_symbols: int = 1, sides: tuple[Side, ...] = SIDES, plan: Plan | None = None
) -> Experiment:
    """The specs that the settings describe; `n_symbols` and `sides` are the market's, where the settings name none.

    `plan` is what networks may take of this machine; without one they take what they find.
    """
    labels, portfolio = config.labels, config.portfolio
    names = config.features.names
    _check_own_parts(config)
    _check_entry(config)
    return Experiment(
        digest=config.digest,
        seed=config.seed,
        barriers=_barriers(labels, portfolio.no_volume, portfolio.limit_entry),
        weights=WeightSpec(**labels.model_dump(include=_WEIGHING)),
        folds=config.folds,
        features=_default_features(config) if names is None else FeatureSet.from_names(names),
        regime_momentum=names is None,
        regimes=RegimeSpec(n_states=config.regimes.n_states, n_starts=config.regimes.n_starts),
        forecasters=forecasters(config.agent, plan),
        agent=config.agent.name,
        challengers=challengers(config.agent.name),
        fixed_decider=None,
        auditor=Auditor(),
        supervisor=_supervisor(config),
        profiles=profiles_of(config),
        deployed=config.strategy_profile,
        sides=portfolio.sides or sides,
        costs=Costs(**config.costs.model_dump(), tick=config.portfolio.tick),
        instrument=portfolio.instrument,
        portfolio=PortfolioSpec(
            fraction=portfolio.fraction or 1 / n_symbols,
            cap=portfolio.cap,
            cash_quote=portfolio.cash_quote,
            margin=portfolio.margin,
            no_volume=portfolio.no_volume,
            entry=portfolio.limit_entry,
        ),
        verdict=VerdictSpec(**config.verdict.model_dump()),
    )


def experiment_on(market: Market, config: RunConfig, plan: Plan | None = None) -> Experiment:
    """The specs that the settings describe for this market: its sides, and a share of the equity for each symbol."""
    return experiment_from(config, n_symbols=len(market.symbols), sides=market.sides, plan=plan)


def _barriers(labels: LabelSettings, no_volume: NoVolume, entry: LimitEntry | None) -> BarrierSpec:
    """The barriers with the rule that measures their distances, built from the same section."""
    plain = labels.model_dump(exclude=_WEIGHING | _OF_RULES)
    return BarrierSpec(**plain, no_volume=no_volume, rule=barrier_rule(labels.rule, labels), entry=entry)


def _check_entry(config: RunConfig) -> None:
    """Refuse agents that learn from both sides' outcomes together: of an order that was missed there is none."""
    if config.portfolio.limit_entry is None:
        return
    agent = config.agent
    is_contrastive = agent.is_network and agent.objective == "supcon"
    if is_contrastive or {VOLATILITY_AGENT, ENSEMBLE} & set(challengers(agent.name)):
        learner = f"the objective {agent.objective}" if is_contrastive else f"the agent {agent.name}"
        raise ConfigError(
            f"{learner} learns from both sides' outcomes together, and with portfolio.entry=limit some orders are "
            "missed and have none; use the agent logistic, xgboost, or a network with the objective bce or focal"
        )


def _check_own_parts(config: RunConfig) -> None:
    """Refuse parts of modules that `plugins` does not name: their source would be no part of the trial's identity."""
    used = {f"feature {name!r}": owner_of(name) for name in config.features.names or ()}
    used[f"agent {config.agent.name!r}"] = agent_owner(config.agent.name)
    used[f"barrier rule {config.labels.rule!r}"] = rule_owner(config.labels.rule)
    for part, owner in used.items():
        if owner not in {"tradsys", *plugin_roots(config.plugins)}:
            raise ConfigError(
                f"the {part} is of the module {owner}, which `plugins` does not name; add it there, so that its source "
                "is part of what is tried"
            )


def _supervisor(config: RunConfig) -> MacroRegimes | None:
    """States of other markets, where a profile is to be supervised."""
    if not config.macro.supervise:
        return None
    series = tuple((one.name, one.risk) for one in macro_series(config.macro) if one.risk)
    return MacroRegimes(series, n_starts=config.regimes.n_starts)


def profiles_of(config: RunConfig) -> tuple[Profile, ...]:
    """The profiles that a run compares, own ones last, and after them the supervised ones, each a trial of its own."""
    own = profiles_by(plugin_roots(config.plugins))
    profiles = reading_confidence_as(config.profiles.confidence, (*PROFILES, *own))
    twins = []
    for text in config.macro.supervise:
        name, equals, size = text.partition("=")
        try:
            kept = float(size) if equals else 0.0
        except ValueError:
            raise ConfigError(f"macro.supervise takes NAME or NAME=SIZE, found {text!r}; such as SNIPER=0.5") from None
        twins.append(supervised(profile_named(name.strip(), profiles), kept))
    return (*profiles, *twins)


def _default_features(config: RunConfig) -> FeatureSet:
    """The default set, and how far the configured macro series moved: on for risk, never for direction."""
    default = FeatureSet.default()
    macro = tuple(one.name for one in macro_series(config.macro))
    return FeatureSet((*default.features, MacroRisk(macro))) if macro else default
