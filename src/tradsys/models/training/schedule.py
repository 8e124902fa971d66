"""What models that are trained side by side will do, settled before the first step, and the noise on it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import count
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tradsys.core.errors import ConfigError
from tradsys.models.networks.network import Drop, Network
from tradsys.models.training.crops import CropBank, random_starts
from tradsys.models.training.random_streams import RandomStreams, keys_of
from tradsys.models.training.recipe import Member


@dataclass(frozen=True, slots=True)
class Schedule:
    """Every tensor has a row a model; the recipe's numbers are columns (n_models, 1).

    `data` (n_models,) is the training set of each, `keys` (n_models, 2) those of its random streams, `starts`
    (n_models, n_steps, n_crops) and `check_starts` (n_models, n_tiles) the first forecast rows of its crops,
    `step_weight` (n_models,) the mean weight of the rows in a step. `has_noise` and `has_dropout` say whether
    any model has any; crops are `context` rows of history and `length` rows of forecasts.
    """

    data: Tensor
    keys: Tensor
    starts: Tensor
    step_weight: Tensor
    check_starts: Tensor
    check_weight: Tensor
    n_steps: Tensor
    lr: Tensor
    warm_up: Tensor
    weight_decay: Tensor
    noise: Tensor
    dropout: Tensor
    clip: Tensor
    ema: Tensor
    patience: Tensor
    has_noise: bool
    has_dropout: bool
    context: int
    length: int

    @classmethod
    def of(cls, network: Network, bank: CropBank, members: Sequence[Member]) -> "Schedule":
        """Draw every model's crops from its own seed, and lay its check rows out in tiles."""
        recipe = members[0].recipe
        if other := next((m.recipe.pace for m in members if m.recipe.pace != recipe.pace), None):
            raise ConfigError(
                "models side by side share n_crops, crop and check_every, found "
                f"{recipe.pace} and {other}; train them in groups"
            )
        context, length = recipe.crop_length(network)
        sets = sorted({member.data for member in members})
        bank.demand(sets, context + length)
        fit, check = ({k: bank.spans(tensor.of_set(k)) for k in sets} for tensor in (bank.fit, bank.check))
        weight, check_weight = ({k: float(s.of_set(k).sum()) for k in sets} for s in (bank.fit, bank.check))
        budgets = {k: int((bank.fit.of_set(k) > 0).any(dim=1).sum()) for k in sets}
        n_steps = [member.recipe.budget(budgets[member.data]) for member in members]
        shape = (max(n_steps), recipe.n_crops)
        starts = [random_starts(fit[member.data], length, shape, member.seed) for member in members]
        # mean over places of the weight in a crop: makes the loss of a step an unbiased estimate of the weighted mean
        places = {k: int((spans[:, 1] - spans[:, 0] + length - 1).sum()) for k, spans in fit.items()}
        tiles = {k: bank.tiles(spans, length) for k, spans in check.items()}
        longest = max(map(len, tiles.values()))
        # sets with fewer tiles get some in the last margin, where all weights are zero
        padded = {
            k: np.pad(t, (0, longest - len(t)), constant_values=bank.layout.n_rows - length) for k, t in tiles.items()
        }
        device = bank.device

        def column(name: str, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.tensor([[getattr(m.recipe, name)] for m in members], dtype=dtype, device=device)

        return cls(
            data=torch.tensor([member.data for member in members], device=device),
            keys=keys_of([member.seed for member in members]).to(device),
            starts=torch.from_numpy(np.stack(starts)).to(device),
            step_weight=torch.tensor(
                [weight[m.data] * recipe.n_crops * length / places[m.data] for m in members], device=device
            ),
            check_starts=torch.from_numpy(np.stack([padded[member.data] for member in members])).to(device),
            check_weight=torch.tensor([[check_weight[member.data]] for member in members], device=device),
            n_steps=torch.tensor(n_steps, device=device)[:, None],
            lr=column("lr"),
            warm_up=column("warm_up"),
            weight_decay=column("weight_decay"),
            noise=column("noise"),
            dropout=column("dropout"),
            clip=column("clip"),
            ema=column("ema"),
            patience=column("patience", torch.int64),
            has_noise=any(member.recipe.noise > 0 for member in members),
            has_dropout=any(member.recipe.dropout > 0 for member in members),
            context=context,
            length=length,
        )

    def take(self, rows: Tensor) -> "Schedule":
        """The schedule of some of the models."""
        return replace(self, **{name: value[rows] for name, value in self._tensors.items()})

    def to(self, device: torch.device) -> "Schedule":
        """The same on another device."""
        return replace(self, **{name: value.to(device) for name, value in self._tensors.items()})

    @property
    def _tensors(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    def rate(self, number: Tensor) -> Tensor:
        """Learning rates at each model's step `number`: a linear warm-up, then a cosine down to zero at its last."""
        down = 0.5 * (1 + torch.cos(torch.pi * ((number - 1) / self.n_steps).clamp(max=1.0)))
        return self.lr * (number / self.warm_up).clamp(max=1.0) * down

    def crops(self, number: Tensor) -> Tensor:
        """First forecast rows of each model's crops at its step `number`, (n_models, n_crops)."""
        model = torch.arange(len(self.starts), device=number.device)
        return self.starts[model, (number[:, 0] - 1).clamp(max=self.starts.shape[1] - 1)]


_NOISE = 0
"""The stream of the noise; those of dropout come after it."""


class TrainingNoise:
    """Noise injection as regularisation: Gaussian noise on the features, and dropout, as much as each model wants.

    `number` (n_models, 1) counts steps. What a model gets at a step depends on its seed and the step alone, not on the
    other models of the batch.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._schedule, self._streams = schedule, RandomStreams(schedule.keys)

    def noisy(self, x: Tensor, number: Tensor) -> Tensor:
        """Features (n_models, ...) with Gaussian noise; as they are where no model wants any."""
        if not self._schedule.has_noise:
            return x
        noise = self._streams.normal(number, _NOISE, x[0].numel())
        return noise.mul_(self._schedule.noise).view_as(x).add_(x)

    def dropout(self, number: Tensor) -> Drop | None:
        """Dropout of one step, None where no model wants any; each place of a network has its stream."""
        if not self._schedule.has_dropout:
            return None
        places, share = count(_NOISE + 1), self._schedule.dropout

        def drop(x: Tensor) -> Tensor:
            chance = self._streams.uniform(number, next(places), x[0].numel())
            kept = (chance >= share).to(x.dtype).mul_(1 / (1 - share))
            return x * kept.view_as(x)

        return drop
