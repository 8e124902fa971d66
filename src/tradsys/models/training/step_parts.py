"""What a training step and a check compute, as functions of tensors that a compiler may join."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from tradsys.machine.plan import Precision
from tradsys.models.networks.network import Drop, Network, NetworkWeights
from tradsys.models.training.crops import CropBank, SharedTensor
from tradsys.models.training.device import crops_at_once, precision, product_dtype
from tradsys.models.training.optimiser import AveragedAdamW
from tradsys.models.training.schedule import Schedule, TrainingNoise

type Loss = Callable[[Tensor, Tensor], Tensor]
"""Loss of every label: (logits, targets) -> same shape."""


class StepFunctions(NamedTuple):
    """A step's loss of (theta, number, first), its move by (gradient, number, moves); whether both are compiled."""

    loss: Callable[[Tensor, Tensor, Tensor], Tensor]
    move: Callable[[Tensor, Tensor, Tensor], Tensor]
    is_compiled: bool


class StepParts:
    """The loss on fresh crops, the optimiser's move, and the loss on check rows; every tensor has a row a model."""

    def __init__(
        self,
        network: Network,
        bank: CropBank,
        loss: Loss,
        schedule: Schedule,
        optimiser: AveragedAdamW,
        wanted: Precision,
    ) -> None:
        self.network, self.optimiser = network, optimiser
        self._bank, self._loss, self._schedule, self._wanted = bank, loss, schedule, wanted
        self._disturbance = TrainingNoise(schedule)

    @property
    def plain(self) -> StepFunctions:
        """Its functions as they are written."""
        return StepFunctions(self.loss, self.move, is_compiled=False)

    def first_rows(self, number: Tensor) -> Tensor:
        """Where the crops of each model's step begin; no part of `loss`, whose shapes are then those of any budget."""
        return self._schedule.crops(number)

    def loss(self, theta: Tensor, number: Tensor, first: Tensor) -> Tensor:
        """Sum over models of the loss at each one's step `number` (n_models, 1), of `theta` (n_models, n_parameters).

        `first` are the rows of that step; no model's numbers enter another's term.
        """
        schedule = self._schedule
        x, known, rows = self._bank.gather(schedule.data, first, schedule.length, schedule.context)
        noisy, drop = self._disturbance.noisy(x, number), self._disturbance.dropout(number)
        added = self._added(self._weights(theta), noisy, known, drop)
        return (self._weighted_loss(added, rows, self._bank.fit).sum(dim=(1, 2, 3)) / schedule.step_weight).sum()

    def move(self, grad: Tensor, number: Tensor, moves: Tensor) -> Tensor:
        """Apply the gradient to the models that move; returns whose gradient was finite, (n_models, 1)."""
        return self.optimiser.step(grad, number, self._schedule.rate(number), moves)

    @torch.no_grad()
    def check_blocks(self, theta: Tensor) -> Tensor:
        """Weighted loss of the check rows, summed over blocks of one window, (n_models, n_blocks)."""
        schedule, weights, sums = self._schedule, self._weights(theta), []
        n_crops = crops_at_once(theta.device, len(theta) * (schedule.context + schedule.length))
        for first in torch.split(schedule.check_starts, n_crops, dim=1):
            x, known, rows = self._bank.gather(schedule.data, first, schedule.length, schedule.context)
            loss = self._weighted_loss(self._added(weights, x, known), rows, self._bank.check)
            sums.append(loss.reshape(len(theta), -1, self.network.window * loss.shape[-1]).sum(dim=2))
        return torch.cat(sums, dim=1)

    def _weights(self, theta: Tensor) -> NetworkWeights:
        """Matrices and biases in the precision of the products: one cast, where autocast would make one of each."""
        return self.network.unpack(theta.to(product_dtype(theta.device, self._wanted)))

    def _added(self, weights: NetworkWeights, x: Tensor, known: Tensor, drop: Drop | None = None) -> Tensor:
        """What the networks add, (n_models, n_crops, length, n_outputs)."""
        models, crops, _, features = x.shape
        chunked = (models, crops, -1, self.network.window)
        with precision(x.device, self._wanted):
            added = self.network.forward(weights, x.view(*chunked, features), known.view(chunked), drop)
        return added.flatten(2, 3).float()

    def _weighted_loss(self, added: Tensor, rows: Tensor, weight: SharedTensor) -> Tensor:
        """Weighted loss of every label at `rows` (n_models, n_crops, length), same shape as `added`."""
        data, bank = self._schedule.data, self._bank
        return self._loss(added + bank.offset.at(data, rows), bank.y.at(data, rows)) * weight.at(data, rows)
