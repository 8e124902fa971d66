"""How one network is trained, which models are trained side by side, and how the training of each ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy.typing as npt

from tradsys.core.arrays import Float32Array
from tradsys.core.errors import ConfigError
from tradsys.models.networks.network import Network


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """How a network is trained; steps and checks count optimiser steps.

    A dense model sees each bar dozens of times within seconds and over-fits as fast: hence many small crops, noise on
    the standardised features, an average of the weights (`ema`) that is what gets checked and kept, and early stopping
    after `patience` checks without a new best. The budget follows the data, one step for every 50 rows, between
    `min_steps` and `max_steps`. What was learned is kept only if it beats the untrained network on the check rows by
    `margin` standard errors.
    """

    min_steps: int = 200
    max_steps: int = 400
    lr: float = 5e-4
    weight_decay: float = 0.05
    dropout: float = 0.0
    noise: float = 0.5
    n_crops: int = 4
    crop: int = 480
    ema: float = 0.98
    clip: float = 1.0
    warm_up: int = 25
    check_every: int = 25
    patience: int = 6
    margin: float = 2.0

    def __post_init__(self) -> None:
        for name in ("max_steps", "n_crops", "crop", "check_every", "patience", "lr", "clip", "warm_up"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} must be positive, was {getattr(self, name)}")
        for name in ("dropout", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} must be in [0, 1), was {getattr(self, name)}")
        for name in ("noise", "weight_decay"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must not be negative, was {getattr(self, name)}")

    @property
    def pace(self) -> tuple[int, int, int]:
        """What models that are trained side by side have in common: crops, their length, and steps between checks."""
        return self.n_crops, self.crop, self.check_every

    def budget(self, n_rows: int) -> int:
        """Optimiser steps for a model with this many rows to learn from."""
        return min(self.max_steps, max(self.min_steps, n_rows // 50))

    def crop_length(self, network: Network) -> tuple[int, int]:
        """Rows of history and rows of forecasts in a crop, both in whole chunks of the network's window."""
        history = network.context // network.window
        chunks = max(round(self.crop / network.window), history + 1)
        return network.context, (chunks - history) * network.window


@dataclass(frozen=True, slots=True)
class Member:
    """One of the models that are trained side by side: its training set, by number, its seed, and its own recipe."""

    data: int
    seed: int
    recipe: TrainingRecipe


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
