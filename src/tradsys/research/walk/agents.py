"""Which forecasters an agent's name stands for: the baselines that always run, the journal's agents, the ensemble."""

from typing import TYPE_CHECKING, Any

from tradsys.core.errors import ConfigError
from tradsys.models.forecaster import Forecaster
from tradsys.models.registry import build_agent, own_agents, register_agent
from tradsys.settings.sections import AgentSettings

if TYPE_CHECKING:
    from tradsys.machine.plan import Plan
    from tradsys.models.training.network_agent import NetworkAgent

DECIDER = "logistic"
"""The forecaster that decides wherever nothing beats it out of fold."""

ENSEMBLE = "ensemble"

VOLATILITY_AGENT = "volatility"

MEMBERS = ("logistic", "symmetric", "boosted", VOLATILITY_AGENT, "transformer", "resnet")
"""The forecasters that the ensemble weights."""

_AGENTS = ("transformer", "resnet", VOLATILITY_AGENT)
"""The journal's agents, in the order in which they run."""

_FORECASTS_AS = {"xgboost": "boosted"}
"""Agents whose forecaster has another name."""


def forecasters(agent: AgentSettings, plan: "Plan | None" = None) -> tuple[Forecaster, ...]:
    """The baselines that always run, and the agent where it is another; networks train as the plan says."""
    from tradsys.models.linear.baselines import BaseRate, SymmetricLogistic, VolatilityOnly
    from tradsys.models.linear.logistic import RidgeLogistic
    from tradsys.models.trees.boosted import Boosted

    baselines: tuple[Forecaster, ...] = (
        BaseRate(),
        VolatilityOnly(agent.penalty),
        RidgeLogistic(agent.penalty),
        SymmetricLogistic(agent.penalty),
        Boosted(),
    )
    made = (
        *baselines,
        *(
            build_agent(name, agent, plan)
            for name in (*_AGENTS, *own_agents())
            if agent.name == name or (name in _AGENTS and agent.name in (ENSEMBLE, "all"))
        ),
    )
    if len({one.name for one in made}) < len(made):
        raise ConfigError(f"the agent {agent.name!r} is called like a baseline; choose another name")
    return made


def challengers(name: str) -> tuple[str, ...]:
    """The forecasters that may take the logistic's place; none where the logistic is the agent."""
    if name == DECIDER:
        return ()
    if name == "all":
        return (*_AGENTS, "boosted", ENSEMBLE)
    return (_FORECASTS_AS.get(name, name),)


@register_agent("transformer", is_network=True)
def _transformer(agent: AgentSettings, plan: "Plan | None") -> Forecaster:
    from tradsys.models.training.agents import TransformerAgent

    return _with_objective(
        agent, TransformerAgent(**agent.shape, attention_start=agent.attention_start, **_objective(agent, plan))
    )


@register_agent("resnet", is_network=True)
def _resnet(agent: AgentSettings, plan: "Plan | None") -> Forecaster:
    from tradsys.models.training.agents import ResNetAgent

    common = ("window", "dropout", "learning_rate", "max_steps")
    return _with_objective(
        agent, ResNetAgent(**{name: getattr(agent, name) for name in common}, **_objective(agent, plan))
    )


def _with_objective(agent: AgentSettings, network: "NetworkAgent") -> Forecaster:
    """The agent as it is, or its network as the encoder of a contrastive one."""
    if agent.objective != "supcon":
        return network
    from tradsys.models.training.contrastive import Contrast
    from tradsys.models.training.contrastive_agent import ContrastiveAgent

    # contrast takes a longer budget than the default; one that somebody set holds as it is
    is_set = agent.max_steps != type(agent).model_fields["max_steps"].default
    return ContrastiveAgent(network, Contrast(patience=1.0)) if is_set else ContrastiveAgent(network)


@register_agent("volatility")
def _volatility(agent: AgentSettings, plan: "Plan | None") -> Forecaster:
    from tradsys.models.linear.volatility_agent import VolatilityAgent

    del plan
    return VolatilityAgent(penalty=agent.penalty)


def _objective(agent: AgentSettings, plan: "Plan | None") -> dict[str, Any]:
    """What a network is trained on, on top of what, and within which plan; under a probe it is cross-entropy."""
    from tradsys.models.linear.logistic import RidgeLogistic

    return {
        "objective": "focal" if agent.objective == "focal" else "bce",
        "focal_gamma": agent.focal_gamma,
        "focal_alpha": agent.focal_alpha,
        "offset": RidgeLogistic(agent.penalty),
        "plan": plan,
    }
