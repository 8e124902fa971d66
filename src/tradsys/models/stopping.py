"""Early stopping of many models at once, by the check rows of each."""

import torch
from torch import Tensor


class BestSoFar:
    """The parameters of each model that were best on its check rows; untrained ones are the first candidate.

    `blocks` (n_models, n_blocks) are sums of weighted loss over blocks of neighbouring rows; `total` (n_models,) is the
    weight of all of them.
    """

    def __init__(self, blocks: Tensor, total: Tensor, theta: Tensor) -> None:
        self._start, self._total = blocks, total
        self.theta = theta.clone()
        self.step = torch.zeros_like(total, dtype=torch.int64)
        self._gain, self._error = torch.zeros_like(total), torch.zeros_like(total)
        self._misses = torch.zeros_like(self.step)

    @property
    def start_loss(self) -> Tensor:
        """Mean loss of the untrained models, (n_models,)."""
        return self._start.sum(dim=1) / self._total

    @property
    def gain(self) -> Tensor:
        """Mean loss that the best parameters save, (n_models,)."""
        return self._gain

    @property
    def error(self) -> Tensor:
        """Standard error of the gain, (n_models,), blocks taken as independent."""
        return self._error

    def see(self, blocks: Tensor, theta: Tensor, step: int) -> Tensor:
        """Take parameters that were checked at this step; returns whether each model's loss was finite, (n_models,)."""
        saved = self._start - blocks
        gain = saved.sum(dim=1) / self._total
        better = gain > self._gain  # False for NaN
        self.theta = torch.where(better[:, None], theta, self.theta)
        self.step = torch.where(better, step, self.step)
        self._gain = torch.where(better, gain, self._gain)
        self._error = torch.where(better, saved.square().sum(dim=1).sqrt() / self._total, self._error)
        self._misses = torch.where(better, 0, self._misses + 1)
        return torch.isfinite(gain)

    def has_patience(self, patience: int) -> Tensor:
        """Whether each model had a new best within its last `patience` checks, (n_models,)."""
        return self._misses < patience
