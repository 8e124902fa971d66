"""The journal's training objectives: focal loss with the way back to probabilities, and supervised contrastive loss."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError
from tradsys.core.logistic import sigmoid
from tradsys.models.focal import focal_logit, truth_logit


class FocalLoss(nn.Module):
    """Cross-entropy that fades for well-classified labels: mean of -a_t (1 - p_t)^gamma log p_t.

    Not a proper score: its best forecast is not the probability of the event. `inverse` turns such a forecast into
    the probability; never show, compare or threshold one that has not been through it.

    >>> round(FocalLoss()(torch.zeros(1), torch.ones(1)).item(), 6)
    0.173287

    Lin, Goyal, Girshick, He & Dollár, *Focal Loss for Dense Object Detection* (ICCV 2017), eq. 5.
    """

    def __init__(self, gamma: float = 2.0, alpha: float | None = None) -> None:
        super().__init__()
        if gamma < 0:
            raise ConfigError(f"gamma must not be negative, was {gamma}; 0 is cross-entropy, 2 the paper's value")
        if alpha is not None and not 0 < alpha < 1:
            raise ConfigError(f"alpha must lie between 0 and 1, was {alpha}; None weighs both outcomes alike")
        self.gamma, self.alpha = gamma, alpha

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean loss of logits against targets of 0 and 1, both of any one shape."""
        return self.each(logits, targets).mean()

    def each(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of every label, same shape as the logits; finite at any logit."""
        cross_entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        # 1 - p_t is sigmoid(-z) for a one and sigmoid(z) for a zero; by way of its logarithm gradients stay finite
        loss = torch.exp(self.gamma * F.logsigmoid(logits * (1.0 - 2.0 * targets))) * cross_entropy
        if self.alpha is None:
            return loss
        return loss * (self.alpha * targets + (1.0 - self.alpha) * (1.0 - targets))

    def inverse(self, p: npt.ArrayLike) -> FloatArray:
        """The event's probability behind a forecast `p` that minimises this loss; any shape, each in (0, 1)."""
        return sigmoid(truth_logit(_logit(np.asarray(p, dtype=np.float64)), self.gamma, self.alpha))

    def optimum(self, probability: npt.ArrayLike) -> FloatArray:
        """The forecast that minimises this loss where the event has this probability: `inverse` undone."""
        return sigmoid(focal_logit(_logit(np.asarray(probability, dtype=np.float64)), self.gamma, self.alpha))

    def zero_information(self, base_rate: float) -> float:
        """Expected loss of the best constant forecast: what a model that knows nothing scores at this base rate."""
        logit = torch.from_numpy(focal_logit(_logit(np.asarray([base_rate])), self.gamma, self.alpha))
        one, zero = self.each(logit, torch.ones_like(logit)), self.each(logit, torch.zeros_like(logit))
        return float(base_rate * one + (1.0 - base_rate) * zero)


class SupervisedContrastiveLoss(nn.Module):
    """Pulls embeddings of one label together and pushes the others away (the form L_out).

    An anchor i with positives P(i) costs the mean over p in P(i) of -log softmax(z_i . z_a / temperature)[p], the
    softmax running over all a but i. Embeddings are normalised here; the result is the mean over anchors that have a
    positive, and 0 where none has one.

    Khosla et al., *Supervised Contrastive Learning* (NeurIPS 2020), eq. 2, without the base-temperature factor.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        if temperature <= 0:
            raise ConfigError(f"temperature must be positive, was {temperature}; 0.1 is the paper's value")
        self.temperature = temperature

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Loss of embeddings (n, d) with integer labels (n,)."""
        unit = F.normalize(embeddings, dim=1)
        others = ~torch.eye(len(unit), dtype=torch.bool, device=unit.device)
        loss, counts = contrast(unit @ unit.T / self.temperature, labels[:, None] == labels[None, :], others)
        return loss.sum() / counts.sum().clamp(min=1)


def contrast(similarity: Tensor, alike: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
    """L_out of each anchor, and whether it counts: both (..., n_anchors), the loss 0 where it does not.

    `similarity` (..., n_anchors, n_others) is already divided by the temperature; `alike` says which others share the
    anchor's label, `candidates` which of them the softmax runs over. An anchor without an alike candidate does not
    count.
    """
    lowest = torch.finfo(similarity.dtype).min  # not -inf: an anchor without candidates must not make NaN
    log_share = F.log_softmax(similarity.masked_fill(~candidates, lowest), dim=-1)
    positive = alike & candidates
    n_positives = positive.sum(dim=-1)
    loss = -torch.where(positive, log_share, 0.0).sum(dim=-1) / n_positives.clamp(min=1)
    return loss, n_positives > 0


def _logit(p: FloatArray) -> FloatArray:
    return np.asarray(np.log(p) - np.log1p(-p))
