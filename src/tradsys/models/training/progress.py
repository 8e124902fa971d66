"""How a training reports its progress."""

from collections.abc import Callable

type TrainingProgress = Callable[[int, int], None]
"""Called with the step that is done and the number of steps."""


def part_of(progress: TrainingProgress | None, number: int, n_parts: int) -> TrainingProgress | None:
    """Progress of part `number` of `n_parts`, reported as a share of the whole; None where nobody listens."""
    if progress is None:
        return None
    return lambda step, n_steps: progress(number * n_steps + step, n_parts * n_steps)
