"""AdamW over whole parameter vectors, one row a model, with the average of the weights that is kept in the end."""

import torch
from torch import Tensor

_BETAS = (0.9, 0.99)
_EPS = 1e-8


class AveragedAdamW:
    """Decoupled weight decay, clipping and averaging for many models at once; each row is a model on its own.

    torch's own AdamW has one learning rate for all rows and cannot hold single ones still.
    `theta` (n_models, n_parameters) is what gets trained, `average` follows it with weight 1 - `ema` (more at first).

    Loshchilov & Hutter, *Decoupled Weight Decay Regularization* (ICLR 2019), algorithm 2.
    """

    def __init__(self, theta: Tensor, decay: Tensor, *, clip: float, ema: float) -> None:
        self.theta = theta.requires_grad_()
        self.average = theta.detach().clone()
        self._decay, self._clip, self._ema = decay, clip, ema
        self._momentum, self._power = torch.zeros_like(self.average), torch.zeros_like(self.average)

    @torch.no_grad()
    def step(self, number: int, lr: Tensor, active: Tensor) -> Tensor:
        """Apply the gradient of `theta` as step `number` (from 1) to the active models.

        `lr` and `active` are (n_models, 1); returns, in the same shape, whether each model's gradient was finite. A
        model whose gradient is not keeps its parameters.
        """
        grad = self.theta.grad
        assert grad is not None
        size = torch.linalg.vector_norm(grad, dim=1, keepdim=True)
        finite = torch.isfinite(size)
        grad = grad * (self._clip / (size + 1e-6)).clamp(max=1.0)
        self._momentum.lerp_(grad, 1 - _BETAS[0])
        self._power.mul_(_BETAS[1]).addcmul_(grad, grad, value=1 - _BETAS[1])
        root = (self._power / (1 - _BETAS[1] ** number)).sqrt_().add_(_EPS)
        moved = self.theta * (1 - lr * self._decay) - lr / (1 - _BETAS[0] ** number) * self._momentum / root
        moves = active & finite
        self.theta.copy_(torch.where(moves, moved, self.theta))
        share = 1 - min(self._ema, number / (number + 9))
        self.average.copy_(torch.where(moves, self.average.lerp(self.theta, share), self.average))
        self.theta.grad = None
        return finite
