"""AdamW and early stopping of many models at once, over whole parameter vectors, one row a model."""

import math

import torch
from torch import Tensor

_BETAS = (0.9, 0.99)
_EPS = 1e-8


class AveragedAdamW:
    """Decoupled weight decay, clipping and averaging for many models at once; each row is a model on its own.

    torch's own AdamW has one learning rate for all rows and cannot hold single ones still. `theta` (n_models,
    n_parameters) is what gets trained, `average` follows it with weight 1 - `ema` (more at first). `decay`, `clip` and
    `ema` are (n_models, 1), `decays` (n_parameters,) says where weight decay applies.

    Loshchilov & Hutter, *Decoupled Weight Decay Regularization* (ICLR 2019), algorithm 2.
    """

    def __init__(self, theta: Tensor, decays: Tensor, *, decay: Tensor, clip: Tensor, ema: Tensor) -> None:
        self.theta = theta.requires_grad_()
        self.average = theta.detach().clone()
        self._decays, self._decay, self._clip, self._ema = decays, decay, clip, ema
        self._momentum, self._power = torch.zeros_like(self.average), torch.zeros_like(self.average)

    @property
    def state(self) -> dict[str, Tensor]:
        """What a step changes, a row a model."""
        return {
            "theta": self.theta.detach(),
            "average": self.average,
            "momentum": self._momentum,
            "power": self._power,
        }

    @torch.no_grad()
    def step(self, grad: Tensor, number: Tensor, lr: Tensor, active: Tensor) -> Tensor:
        """Apply the gradient of `theta` as each model's step `number` (from 1) to the active models.

        `number`, `lr` and `active` are (n_models, 1); returns, in the same shape, whether each model's gradient was
        finite. A model whose gradient is not keeps its parameters.
        """
        size = torch.linalg.vector_norm(grad, dim=1, keepdim=True)
        finite = torch.isfinite(size)
        moves = active & finite
        grad = grad * (self._clip / (size + 1e-6)).clamp(max=1.0)
        self._momentum.lerp_(grad, 1 - _BETAS[0])
        self._power.mul_(_BETAS[1]).addcmul_(grad, grad, value=1 - _BETAS[1])
        root = (self._power / _warmed(_BETAS[1], number)).sqrt_().add_(_EPS)
        moved = self.theta * (1 - lr * self._decay * self._decays)
        moved.addcdiv_(self._momentum * (lr / _warmed(_BETAS[0], number)), root, value=-1.0)
        self.theta.copy_(torch.where(moves, moved, self.theta))
        share = 1 - torch.minimum(self._ema, number / (number + 9))
        self.average.copy_(torch.where(moves, self.average.lerp(self.theta, share), self.average))
        return finite


def _warmed(beta: float, number: Tensor) -> Tensor:
    """1 - beta^number without the cancellation."""
    return -torch.expm1(number * math.log(beta))


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
