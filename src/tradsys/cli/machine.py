"""The plan that a command works by, refused where the work would not fit, and what runs and replays take."""

from typing import TYPE_CHECKING, Final

from tradsys.machine.work import Work

if TYPE_CHECKING:
    from tradsys.machine.plan import Plan
    from tradsys.research.judging.replay import Replay
    from tradsys.settings.config import RunConfig

RESEARCH_BYTES: Final = 500 * 10**6
"""A process with everything imported and compiled that research needs; a run of 7,000 bars took 501 MB."""

_TORCH: Final = 650 * 10**6
"""What torch and one small network's training add, with the build that carries CUDA; the processor's takes less."""

_ROW: Final = 3_000
"""A bar of a symbol in `tradsys run`; 128,000 bars of four symbols took 723 MB."""

_REPLAY, _REPLAY_ROW, _REPLAY_NETWORK = 300 * 10**6, 500, 530 * 10**6
"""A stored run decided again: 129,280 bars of four symbols took 328 MB, and 847 MB where a network had forecast."""


def run_work(n_rows: int, *, has_network: bool) -> Work:
    """`tradsys run` on this many bars of all symbols together, one process."""
    n_bytes = RESEARCH_BYTES + n_rows * _ROW + has_network * _TORCH
    rest = "this machine can still decide with a bundle that another one trained"
    fewer = "take fewer bars or symbols, or --agent logistic" if has_network else "take fewer bars or symbols"
    name = f"a run of {n_rows:,} bars" + (" with a network" if has_network else " without a network")
    return Work(name, n_bytes, f"{fewer}; {rest}", trains_network=has_network)


def configured_work(config: "RunConfig", n_rows: int) -> Work:
    """The same with the agent of the settings."""
    return run_work(n_rows, has_network=config.agent.is_network)


def replay_work(n_rows: int, *, has_network: bool) -> Work:
    """A stored run of this many bars read back and decided again, without fitting anything."""
    n_bytes = _REPLAY + n_rows * _REPLAY_ROW + has_network * _REPLAY_NETWORK
    return Work(f"reading back a run of {n_rows:,} bars", n_bytes, "close other programs, or take a larger machine")


def plan_for(name: str, work: Work) -> "Plan":
    """The plan of that name, with room for this work once."""
    from tradsys.machine.health import accelerator
    from tradsys.machine.limits import limits
    from tradsys.machine.plan import make_plan

    # only a network looks for a card: torch takes two seconds to import
    plan = make_plan(limits(), name, accelerator() if work.trains_network else None)
    work.check(plan)
    return plan


def replayable(run: "Replay") -> "Replay":
    """The same run, where there is room to decide it again; for the moment that this takes, all room counts."""
    plan_for("beast", replay_work(run.metrics.market.n_bars, has_network=run.config.agent.is_network))
    return run


def side_by_side(plan: "Plan", work: Work, asked: int | None) -> int:
    """How many processes do this work at once: as many as are asked for and fit, or as the plan has room for."""
    if asked is None:
        return plan.n_processes(work.n_bytes)
    room = plan.memory_bytes // work.n_bytes
    plan.demand(f"{asked} processes, {work.name}", asked * work.n_bytes, f"{room} would fit (--processes {room})")
    return asked
