"""The variants that are compared: the journal's transformer under each objective and in each shape, on its own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tradsys.machine.plan import Plan
from tradsys.models.linear.baselines import BaseRate

if TYPE_CHECKING:
    from tradsys.models.training.contrastive_agent import ContrastiveAgent
    from tradsys.models.training.network_agent import NetworkAgent

type Agents = Mapping[str, NetworkAgent | ContrastiveAgent]
"""Name of a variant: the agent that is fitted for it."""

BCE, FOCAL, FOCAL_RAW = "bce", "focal", "focal, not inverted"
SUPCON, CONTROL = "supcon", "supcon control"
TRIAL0, GOLDEN, CHALLENGER = "trial0, focal", "golden, focal", "challenger, focal"

FIXED = ("base_rate", "volatility_only", "logistic")
"""Reference forecasters, which no seed changes."""

FOCAL_GAMMA, FOCAL_ALPHA = 2.0, 0.25

_ALONE: Mapping[str, Any] = {"offset": BaseRate(), "margin": 0.0}
"""As the journal had it: no linear model below the network, and kept wherever its check rows are better than before."""
_FOCAL: Mapping[str, Any] = {"objective": "focal", "focal_gamma": FOCAL_GAMMA, "focal_alpha": FOCAL_ALPHA}


def journal_agents() -> Agents:
    """The journal's networks, in the order in which they are fitted: objectives first, then the larger shapes."""
    from tradsys.models.training.agents import TransformerAgent
    from tradsys.models.training.contrastive_agent import ContrastiveAgent
    from tradsys.settings.sections import preset

    base = TransformerAgent(**preset("journal-base"), **_ALONE)
    return {
        BCE: base,
        FOCAL: replace(base, **_FOCAL),
        SUPCON: ContrastiveAgent(base),
        GOLDEN: TransformerAgent(**preset("journal-golden"), **_ALONE, **_FOCAL),
        TRIAL0: TransformerAgent(**preset("journal-trial0"), **_ALONE, **_FOCAL),
        CHALLENGER: TransformerAgent(**preset("journal-challenger"), **_ALONE, **_FOCAL),
    }


def with_plan(plan: Plan | None, agents: Agents) -> Agents:
    """The same agents, which train within the plan."""
    from tradsys.models.training.contrastive_agent import ContrastiveAgent

    def bounded(agent: "NetworkAgent | ContrastiveAgent") -> "NetworkAgent | ContrastiveAgent":
        if isinstance(agent, ContrastiveAgent):
            return replace(agent, agent=replace(agent.agent, plan=plan))
        return replace(agent, plan=plan)

    return {name: bounded(agent) for name, agent in agents.items()}


def quick_agents() -> Agents:
    """The same variants with networks so small and so briefly trained that a test can afford them."""
    from tradsys.models.training.contrastive import Contrast
    from tradsys.models.training.contrastive_agent import ContrastiveAgent

    small: dict[str, Any] = {"d_model": 8, "n_heads": 2, "n_layers": 1, "window": 8, "max_steps": 20}
    agents: dict[str, NetworkAgent | ContrastiveAgent] = {}
    for name, agent in journal_agents().items():
        if isinstance(agent, ContrastiveAgent):
            agents[name] = ContrastiveAgent(replace(agent.agent, **small), Contrast(projection=4, queue=60, patience=1))
        else:
            agents[name] = replace(agent, **small)
    return agents
