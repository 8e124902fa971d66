"""The plan that a command works by: printed, and refused with a sentence where the work would not fit."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradsys.core.plan import Plan
    from tradsys.research.config import RunConfig


def planned(config: "RunConfig", *, n_rows: int) -> "Plan":
    """The plan for research on this many bars with the configured agent."""
    from tradsys.core.health import accelerator
    from tradsys.core.machine import limits
    from tradsys.core.plan import make_plan
    from tradsys.core.work import run_work

    has_network = config.agent.is_network
    # only a network looks for a card: torch takes two seconds to import
    plan = make_plan(limits(), config.machine.plan, accelerator() if has_network else None)
    run_work(n_rows, has_network=has_network).check(plan)
    return plan
