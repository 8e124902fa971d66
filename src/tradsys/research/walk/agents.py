"""Which forecasters an agent's name stands for: the baselines that always run, the journal's agents, the ensemble."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tradsys.models.forecaster import Forecaster
from tradsys.settings.sections import AgentSettings

if TYPE_CHECKING:
    from tradsys.machine.plan import Plan
    from tradsys.models.linear.logistic import RidgeLogistic
    from tradsys.models.training.network_agent import NetworkAgent

DECIDER = "logistic"
"""The forecaster that decides wherever nothing beats it out of fold."""

ENSEMBLE = "ensemble"

MEMBERS = ("logistic", "symmetric", "boosted", "volatility", "transformer", "resnet")
"""The forecasters that the ensemble weights."""

_FORECASTS_AS = {"xgboost": "boosted"}
"""Agents whose forecaster has another name."""


def forecasters(agent: AgentSettings, plan: "Plan | None" = None) -> tuple[Forecaster, ...]:
    """The baselines that always run, and the agent where it is another; networks train as the plan says."""
    from tradsys.models.linear.baselines import BaseRate, SymmetricLogistic, VolatilityOnly
    from tradsys.models.linear.logistic import RidgeLogistic
    from tradsys.models.trees.boosted import Boosted

    linear = RidgeLogistic(agent.penalty)
    baselines: tuple[Forecaster, ...] = (
        BaseRate(),
        VolatilityOnly(agent.penalty),
        linear,
        SymmetricLogistic(agent.penalty),
        Boosted(),
    )
    return (
        *baselines,
        *(build(agent, linear, plan) for name, build in _AGENTS.items() if agent.name in (name, ENSEMBLE, "all")),
    )


def challengers(name: str) -> tuple[str, ...]:
    """The forecasters that may take the logistic's place; none where the logistic is the agent."""
    if name == DECIDER:
        return ()
    if name == "all":
        return (*_AGENTS, "boosted", ENSEMBLE)
    return (_FORECASTS_AS.get(name, name),)


def _transformer(agent: AgentSettings, linear: "RidgeLogistic", plan: "Plan | None") -> Forecaster:
    from tradsys.models.training.agents import TransformerAgent

    return _with_objective(
        agent, TransformerAgent(**agent.shape, attention_start=agent.attention_start, **_objective(agent, linear, plan))
    )


def _resnet(agent: AgentSettings, linear: "RidgeLogistic", plan: "Plan | None") -> Forecaster:
    from tradsys.models.training.agents import ResNetAgent

    common = ("window", "dropout", "learning_rate", "max_steps")
    return _with_objective(
        agent, ResNetAgent(**{name: getattr(agent, name) for name in common}, **_objective(agent, linear, plan))
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


def _volatility(agent: AgentSettings, linear: "RidgeLogistic", plan: "Plan | None") -> Forecaster:
    from tradsys.models.linear.volatility_agent import VolatilityAgent

    del linear, plan
    return VolatilityAgent(penalty=agent.penalty)


def _objective(agent: AgentSettings, linear: "RidgeLogistic", plan: "Plan | None") -> dict[str, Any]:
    """What a network is trained on, on top of what, and within which plan; under a probe it is cross-entropy."""
    return {
        "objective": "focal" if agent.objective == "focal" else "bce",
        "focal_gamma": agent.focal_gamma,
        "focal_alpha": agent.focal_alpha,
        "offset": linear,
        "plan": plan,
    }


_AGENTS: dict[str, Callable[[AgentSettings, "RidgeLogistic", "Plan | None"], Forecaster]] = {
    "transformer": _transformer,
    "resnet": _resnet,
    "volatility": _volatility,
}
"""The journal's agents; each imports its own model, since torch takes seconds."""
