"""Models that go through every step and check as one batch, and how each of them stops."""

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from tradsys.core.arrays import BoolArray
from tradsys.machine.plan import Precision
from tradsys.models.networks.network import Drop, Network, NetworkWeights
from tradsys.models.training.crops import CropBank, SharedTensor
from tradsys.models.training.device import precision, recorded
from tradsys.models.training.optimiser import AveragedAdamW, BestSoFar
from tradsys.models.training.recipe import Status
from tradsys.models.training.schedule import Schedule, TrainingNoise

type Loss = Callable[[Tensor, Tensor], Tensor]
"""Loss of every label: (logits, targets) -> same shape."""

_CROPS_AT_ONCE = 8
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
    ) -> None:
        self._network, self._bank, self._loss, self._schedule, self._wanted = network, bank, loss, schedule, wanted
        decays = network.decays().to(theta.device)
        self._optimiser = AveragedAdamW(
            theta.clone(), decays, decay=schedule.weight_decay, clip=schedule.clip, ema=schedule.ema
        )
        n_blocks = schedule.check_starts.shape[1] * (schedule.length // network.window)
        self._best = BestSoFar(n_blocks, schedule.check_weight, self._optimiser.average)
        self._disturbance = TrainingNoise(schedule)
        self._number, self._status, self._ended = (torch.zeros_like(schedule.n_steps) for _ in range(3))
        self._finite = torch.ones_like(schedule.n_steps, dtype=torch.bool)

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
        self._best.begin(self._check_blocks(self._optimiser.average))

    def step(self) -> None:
        """One optimiser step on fresh crops for each model that is still in training and has steps left."""
        self._recorded_step()

    def check(self) -> None:
        """Check the averaged parameters, keep those that are better, and stop the models that should."""
        self._recorded_check()

    @cached_property
    def _recorded_step(self) -> Callable[[], None]:
        return recorded(self._step, self.state, self._bank.device)

    @cached_property
    def _recorded_check(self) -> Callable[[], None]:
        return recorded(self._check, self.state, self._bank.device)

    def _step(self) -> None:
        schedule, theta = self._schedule, self._optimiser.theta
        number = self._number.add_(1)
        x, known, rows = self._bank.gather(schedule.data, schedule.crops(number), schedule.length, schedule.context)
        noisy, drop = self._disturbance.noisy(x, number), self._disturbance.dropout(number)
        added = self._added(self._network.unpack(theta), noisy, known, drop)
        loss = self._weighted_loss(added, rows, self._bank.fit).sum(dim=(1, 2, 3)) / schedule.step_weight
        (grad,) = torch.autograd.grad(loss.sum(), theta)
        moves = (self._status == Status.TRAINING) & self._finite & (number <= schedule.n_steps)
        is_finite = self._optimiser.step(grad, number, schedule.rate(number), moves)
        self._finite.logical_and_(is_finite | ~moves)

    def _check(self) -> None:
        average, schedule = self._optimiser.average, self._schedule
        done = torch.minimum(self._number, schedule.n_steps)
        self._best.see(self._check_blocks(average), average, done)
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

    @torch.no_grad()
    def _check_blocks(self, theta: Tensor) -> Tensor:
        """Weighted loss of the check rows, summed over blocks of one window, (n_models, n_blocks)."""
        schedule, weights, sums = self._schedule, self._network.unpack(theta), []
        for first in torch.split(schedule.check_starts, _CROPS_AT_ONCE, dim=1):
            x, known, rows = self._bank.gather(schedule.data, first, schedule.length, schedule.context)
            loss = self._weighted_loss(self._added(weights, x, known), rows, self._bank.check)
            sums.append(loss.reshape(len(theta), -1, self._network.window * loss.shape[-1]).sum(dim=2))
        return torch.cat(sums, dim=1)

    def _added(self, weights: NetworkWeights, x: Tensor, known: Tensor, drop: Drop | None = None) -> Tensor:
        """What the networks add, (n_models, n_crops, length, n_outputs)."""
        models, crops, _, features = x.shape
        chunked = (models, crops, -1, self._network.window)
        with precision(x.device, self._wanted):
            added = self._network.forward(weights, x.view(*chunked, features), known.view(chunked), drop)
        return added.flatten(2, 3).float()

    def _weighted_loss(self, added: Tensor, rows: Tensor, weight: SharedTensor) -> Tensor:
        """Weighted loss of every label at `rows` (n_models, n_crops, length), same shape as `added`."""
        data, bank = self._schedule.data, self._bank
        return self._loss(added + bank.offset.at(data, rows), bank.y.at(data, rows)) * weight.at(data, rows)
