"""Agents by name: how the settings of each become a forecaster, ours and a user's alike."""

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tradsys.core.errors import ConfigError
from tradsys.core.plugins import told_of_own
from tradsys.core.registry import Registry
from tradsys.models.forecaster import FittedForecaster, Forecaster, Panel, Rows

if TYPE_CHECKING:
    from tradsys.machine.plan import Plan

type AgentBuilder = Callable[[Any, "Plan | None"], Forecaster]
"""From section `agent` of the settings, and what a network may take of the machine, to the frozen spec."""

OURS: Final = ("transformer", "resnet", "volatility", "logistic", "symmetric", "xgboost", "ensemble", "all")
"""Agents that ship, of which some are baselines that always run, and two name several."""

_NETWORKS: Final = ("transformer", "resnet", "ensemble", "all")


class Agent(NamedTuple):
    """How an agent is made, and whether torch trains it."""

    build: AgentBuilder
    is_network: bool


_AGENTS: Registry[Agent] = Registry("agent")


def register_agent[B: AgentBuilder](name: str, *, is_network: bool = False) -> Callable[[B], B]:
    """Decorator of a function that makes an agent's forecaster from section `agent` of the settings and a plan.

    The forecaster's own `name` is the agent's. `is_network` reserves memory for torch, and a card where there is one.
    """

    def registered(build: B) -> B:
        if name in OURS and not build.__module__.startswith("tradsys."):
            raise ConfigError(f"agent {name!r} is registered already, by tradsys; choose another name")
        _AGENTS.add(name, Agent(build, is_network), build.__module__)
        return build

    return registered


def check_agent(name: str) -> str:
    """The name, or a ValueError that says which agents there are."""
    known = (*OURS, *own_agents())
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise ValueError(f"there is no such agent; {hint}known are {', '.join(known)}, and those of plugins")


def own_agents() -> tuple[str, ...]:
    """Names of the agents that users' modules registered."""
    return tuple(name for name in _AGENTS.entries if _AGENTS.is_own(name))


def agent_owner(name: str) -> str:
    """The top-level module that registered the agent."""
    return _AGENTS.owners.get(name, "tradsys")


def is_network(name: str) -> bool:
    """Whether torch trains the agent, or one of those that it stands for."""
    return name in _NETWORKS or (name in _AGENTS.entries and _AGENTS.entries[name].is_network)


def build_agent(name: str, settings: Any, plan: "Plan | None") -> Forecaster:
    """The forecaster of a registered agent, which must be called like it."""
    made = _AGENTS.entries[name].build(settings, plan)
    if not all(hasattr(made, need) for need in ("name", "memory", "fit")):
        raise ConfigError(
            f"the agent {name!r} makes no forecaster, which has name, memory and fit, but {made!r}; see "
            "models.forecaster.Forecaster"
        )
    if _AGENTS.is_own(name) and made.name != name:
        raise ConfigError(f"the agent {name!r} makes a forecaster called {made.name!r}; give both one name")
    return made


def fit_agent(model: Forecaster, panel: Panel, rows: Rows, *, seed: int) -> FittedForecaster:
    """The model fitted on the chosen rows; where a user's own fails, a ConfigError says so in a sentence."""
    with told_of_own(model, f"the agent {model.name!r}"):
        return model.fit(panel, rows, seed=seed)
