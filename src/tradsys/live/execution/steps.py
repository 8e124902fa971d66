"""The marked steps: before and after each of them a test may kill the bot and see that nothing is lost."""

from collections.abc import Callable
from typing import Final

type StepHook = Callable[[str], None]
"""Called with the name of the point that is reached; what it raises ends the executor there."""

MARKED_STEPS: Final = (
    "entry.commit",
    "entry.send",
    "entry.answer",
    "legs.commit",
    "stop.send",
    "stop.answer",
    "target.send",
    "target.answer",
    "exit.commit",
    "exit.send",
    "exit.answer",
    "resend.commit",
    "cancel.send",
    "ask.answer",
    "fills.commit",
    "adopt.commit",
    "trade.end",
    "wish.commit",
    "wish.clear",
    "halt",
)

POINTS: Final = tuple(f"{step}:{side}" for step in MARKED_STEPS for side in ("before", "after"))
"""Every name that the hook is called with."""


def no_step(point: str) -> None:
    """The hook of a bot that nobody kills on purpose."""
