"""AdamW over whole parameter vectors, one row a model, with the average of the weights that is kept in the end."""

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
