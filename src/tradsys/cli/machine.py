"""The plan that a command works by: printed, and refused with a sentence where the work would not fit."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradsys.machine.plan import Plan
    from tradsys.machine.work import Work
    from tradsys.research.judging.replay import StoredRun
    from tradsys.settings.config import RunConfig


def planned(config: "RunConfig", *, n_rows: int) -> "Plan":
    """The plan for research on this many bars with the configured agent, in one process."""
    from tradsys.machine.work import run_work

    has_network = config.agent.is_network
    return plan_for(config.machine.plan, run_work(n_rows, has_network=has_network), has_network=has_network)


def plan_for(name: str, work: "Work", *, has_network: bool) -> "Plan":
    """The plan of that name, with room for this work once."""
    from tradsys.machine.health import accelerator
    from tradsys.machine.limits import limits
    from tradsys.machine.plan import make_plan

    # only a network looks for a card: torch takes two seconds to import
    plan = make_plan(limits(), name, accelerator() if has_network else None)
    work.check(plan)
    return plan


def replayable(stored: "StoredRun") -> "StoredRun":
    """The same run, where there is room to decide it again; for the moment that this takes, all room counts."""
    from tradsys.machine.work import replay_work

    work = replay_work(stored.metrics["market"]["n_bars"], has_network=stored.config.agent.is_network)
    plan_for("beast", work, has_network=False)
    return stored


def side_by_side(plan: "Plan", work: "Work", asked: int | None) -> int:
    """How many processes do this work at once: as many as are asked for and fit, or as the plan has room for."""
    if asked is None:
        return plan.n_processes(work.n_bytes)
    room = plan.memory_bytes // work.n_bytes
    plan.demand(f"{asked} processes, {work.name}", asked * work.n_bytes, f"{room} would fit (--processes {room})")
    return asked
