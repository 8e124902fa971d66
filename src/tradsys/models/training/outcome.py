"""How the training of one model ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy.typing as npt

from tradsys.core.arrays import Float32Array
from tradsys.models.training.recipe import TrainingRecipe


class Status(IntEnum):
    """Whether a model is still in training, and if not, why."""

    TRAINING = 0
    ALL_STEPS = 1
    NO_BETTER = 2
    EXPLODED = 3
    NOT_FINITE = 4


@dataclass(frozen=True, slots=True)
class Trained:
    """One model's outcome: the averaged parameters that were best on its check rows.

    `theta` is None where the network did not beat what it started from. `start_loss` is the weighted mean over the
    check rows before training, `gain` what the best parameters saved of it, `error` the standard error of that;
    `reason` says why training ended. A model that diverged keeps what was best before it did.
    """

    theta: Float32Array | None
    step: int
    start_loss: float
    gain: float
    error: float
    reason: str
    has_diverged: bool = False

    @classmethod
    def of(cls, state: Mapping[str, npt.NDArray[Any]], total: float, recipe: TrainingRecipe) -> "Trained":
        """The outcome in one model's row of a training's state; `total` is the weight of its check rows."""
        gain, error, ended = float(state["gain"][0]), float(state["error"][0]), int(state["ended"][0])
        status = Status(int(state["status"][0]))
        reason = {
            Status.TRAINING: "still in training",
            Status.ALL_STEPS: f"all {ended} steps done",
            Status.NO_BETTER: f"no better for {recipe.patience} checks",
            Status.EXPLODED: f"diverged: at step {ended} the loss was many times that of the untrained network",
            Status.NOT_FINITE: f"diverged: by step {ended} loss or gradient no longer finite",
        }[status]
        theta = state["best_theta"] if gain > recipe.margin * error else None
        start_loss = float(state["start"].sum(dtype="float64") / total)
        return cls(theta, int(state["best_step"][0]), start_loss, gain, error, reason, status >= Status.EXPLODED)


type TrainingProgress = Callable[[int, int], None]
"""Called with the step that is done and the number of steps."""


def part_of(progress: TrainingProgress | None, number: int, n_parts: int) -> TrainingProgress | None:
    """Progress of part `number` of `n_parts`, reported as a share of the whole; None where nobody listens."""
    if progress is None:
        return None
    return lambda step, n_steps: progress(number * n_steps + step, n_parts * n_steps)
