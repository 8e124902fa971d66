"""Noise injection as regularisation: Gaussian noise on the features, and dropout, each model's from its own streams."""

from itertools import count

from torch import Tensor

from tradsys.models.networks.network import Drop
from tradsys.models.training.random_streams import RandomStreams
from tradsys.models.training.schedule import Schedule

_NOISE = 0
"""The stream of the noise; those of dropout come after it."""


class TrainingNoise:
    """Noise and dropout of models side by side, as much as the schedule wants of each; `number` is (n_models, 1).

    What a model gets at a step depends on its seed and the step alone, not on the other models of the batch.
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
