"""Early stopping of many models at once, by the check rows of each."""

import torch
from torch import Tensor


class BestSoFar:
    """The parameters of each model that were best on its check rows; untrained ones are the first candidate.

    Blocks (n_models, n_blocks) are sums of weighted loss over blocks of neighbouring rows; `total` (n_models, 1) is the
    weight of all of them. All else is a column (n_models, 1); nothing here asks the host.
    """

    def __init__(self, n_blocks: int, total: Tensor, theta: Tensor) -> None:
        self._start, self._total = total.new_zeros(len(total), n_blocks), total
        self.theta = theta.detach().clone()
        self.step = torch.zeros_like(total, dtype=torch.int64)
        self._misses = torch.zeros_like(self.step)
        self._gain, self._error, self._last = (torch.zeros_like(total) for _ in range(3))

    @property
    def state(self) -> dict[str, Tensor]:
        """What a check changes, a row a model, and the blocks of the untrained models."""
        return {
            "best_theta": self.theta,
            "best_step": self.step,
            "gain": self._gain,
            "error": self._error,
            "last_gain": self._last,
            "misses": self._misses,
            "start": self._start,
        }

    @property
    def start_loss(self) -> Tensor:
        """Mean loss of the untrained models."""
        return self._start.sum(dim=1, keepdim=True) / self._total

    @property
    def last_gain(self) -> Tensor:
        """Mean loss that the parameters checked last save; NaN where their loss was not finite."""
        return self._last

    def begin(self, blocks: Tensor) -> None:
        """Take what the untrained models scored."""
        self._start.copy_(blocks)

    def see(self, blocks: Tensor, theta: Tensor, step: Tensor) -> None:
        """Take parameters that were checked at this step (n_models, 1)."""
        saved = self._start - blocks
        gain = saved.sum(dim=1, keepdim=True) / self._total
        error = saved.square().sum(dim=1, keepdim=True).sqrt() / self._total  # blocks taken as independent
        better = gain > self._gain  # False for NaN
        for kept, new in ((self.theta, theta), (self.step, step), (self._gain, gain), (self._error, error)):
            kept.copy_(torch.where(better, new, kept))
        self._last.copy_(gain)
        self._misses.add_(1).masked_fill_(better, 0)

    def has_patience(self, patience: Tensor) -> Tensor:
        """Whether each model had a new best within its last `patience` checks."""
        return self._misses < patience
