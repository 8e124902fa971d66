"""Models that go through every step and check as one batch, and how each of them stops."""

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from tradsys.core.arrays import BoolArray
from tradsys.machine.plan import Precision
from tradsys.models.networks.network import Network
from tradsys.models.training.compiling import Compiling
from tradsys.models.training.crops import CropBank
from tradsys.models.training.device import recorded
from tradsys.models.training.optimiser import AveragedAdamW, BestSoFar
from tradsys.models.training.recipe import Status
from tradsys.models.training.schedule import Schedule
from tradsys.models.training.step_parts import Loss, StepParts

_EXPLODED = 10.0


class ModelBatch:
    """Many models' parameters, optimiser and best results on the device; every tensor has a row a model.

    A step and a check read and write the same tensors each time and ask the host nothing: on CUDA each is one graph.
    No model's numbers enter another's, so that one may turn to NaN and leave the others as they are.
    """

    def __init__(
        self,
        network: Network,
        bank: CropBank,
        loss: Loss,
        schedule: Schedule,
        theta: Tensor,
        wanted: Precision = "bfloat16",
        compiling: Compiling | None = None,
    ) -> None:
        """`compiling` None takes the steps as they are written."""
        self._schedule, self._device = schedule, bank.device
        decays = network.decays().to(theta.device)
        self._optimiser = AveragedAdamW(
            theta.clone(), decays, decay=schedule.weight_decay, clip=schedule.clip, ema=schedule.ema
        )
        self._parts = StepParts(network, bank, loss, schedule, self._optimiser, wanted)
        self._functions = self._parts.plain if compiling is None else compiling.functions(self._parts)
        n_blocks = schedule.check_starts.shape[1] * (schedule.length // network.window)
        self._best = BestSoFar(n_blocks, schedule.check_weight, self._optimiser.average)
        self._number, self._status, self._ended = (torch.zeros_like(schedule.n_steps) for _ in range(3))
        self._finite = torch.ones_like(schedule.n_steps, dtype=torch.bool)

    @property
    def is_compiled(self) -> bool:
        """Whether its steps are compiled."""
        return self._functions.is_compiled

    @property
    def state(self) -> dict[str, Tensor]:
        """All that changes, a row a model: what a checkpoint holds."""
        mine = {"number": self._number, "status": self._status, "ended": self._ended, "finite": self._finite}
        return {**self._optimiser.state, **self._best.state, **mine}

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from this state."""
        for name, value in self.state.items():
            value.copy_(state[name])

    def is_training(self) -> BoolArray:
        """Which models have not stopped, (n_models,); the one question to the device."""
        return np.asarray(self._status[:, 0].cpu().numpy() == Status.TRAINING)

    def begin(self) -> None:
        """Check the untrained models."""
        self._best.begin(self._parts.check_blocks(self._optimiser.average))

    def step(self) -> None:
        """One optimiser step on fresh crops for each model that is still in training and has steps left."""
        self._recorded_step()

    def check(self) -> None:
        """Check the averaged parameters, keep those that are better, and stop the models that should."""
        self._recorded_check()

    @cached_property
    def _recorded_step(self) -> Callable[[], None]:
        return recorded(self._step, self.state, self._device)

    @cached_property
    def _recorded_check(self) -> Callable[[], None]:
        return recorded(self._check, self.state, self._device)

    def _step(self) -> None:
        theta, number = self._optimiser.theta, self._number.add_(1)
        (grad,) = torch.autograd.grad(self._functions.loss(theta, number, self._parts.first_rows(number)), theta)
        moves = (self._status == Status.TRAINING) & self._finite & (number <= self._schedule.n_steps)
        self._finite.logical_and_(self._functions.move(grad, number, moves) | ~moves)

    def _check(self) -> None:
        average, schedule = self._optimiser.average, self._schedule
        done = torch.minimum(self._number, schedule.n_steps)
        self._best.see(self._parts.check_blocks(average), average, done)
        gain = self._best.last_gain
        # later reasons win
        status = torch.zeros_like(self._status)
        status.masked_fill_(self._number >= schedule.n_steps, Status.ALL_STEPS)
        status.masked_fill_(~self._best.has_patience(schedule.patience), Status.NO_BETTER)
        status.masked_fill_(gain < -_EXPLODED * self._best.start_loss.abs(), Status.EXPLODED)
        status.masked_fill_(~(self._finite & torch.isfinite(gain)), Status.NOT_FINITE)
        was_training = self._status == Status.TRAINING
        self._ended.copy_(torch.where(was_training, done, self._ended))
        self._status.copy_(torch.where(was_training, status, self._status))
