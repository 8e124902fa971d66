"""The journal's training objectives: focal loss with the way back to probabilities, and supervised contrastive loss."""

from collections.abc import Callable

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
        if not 0 <= gamma < np.inf:
            raise ConfigError(
                f"gamma must not be negative, was {gamma}; give a number: 0 is cross-entropy, 2 the paper's value"
            )
        if alpha is not None and not 0 < alpha < 1:
            raise ConfigError(f"alpha must lie between 0 and 1, was {alpha}; None weighs both outcomes alike")
        self.gamma, self.alpha = gamma, alpha

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean loss of logits against targets of 0 and 1 (floats, integers or booleans), both of one shape."""
        return self.each(logits, targets).mean()

    def each(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of every label, same shape as the logits; finite at any logit. A ConfigError for other targets."""
        return self.each_unchecked(logits, hard_targets(logits, targets))

    def each_unchecked(self, logits: Tensor, targets: Tensor) -> Tensor:
        """`each` for loops whose targets were looked at before: floats of 0 and 1, in the shape of the logits."""
        cross_entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        # 1 - p_t is sigmoid(-z) for a one and sigmoid(z) for a zero; by way of its logarithm gradients stay finite
        loss = torch.exp(self.gamma * F.logsigmoid(logits * (1.0 - 2.0 * targets))) * cross_entropy
        if self.alpha is None:
            return loss
        return loss * (self.alpha * targets + (1.0 - self.alpha) * (1.0 - targets))

    def inverse(self, p: npt.ArrayLike) -> FloatArray:
        """The event's probability behind a forecast `p` that minimises this loss; any shape, each in [0, 1].

        A forecast that was rounded to 0 or 1, as single precision does beyond log-odds of 17, stays what it is.
        """
        return self._mapped(p, truth_logit)

    def optimum(self, probability: npt.ArrayLike) -> FloatArray:
        """The forecast that minimises this loss where the event has this probability: `inverse` undone."""
        return self._mapped(probability, focal_logit)

    def zero_information(self, base_rate: float) -> float:
        """Expected loss of the best constant forecast: what a model that knows nothing scores at this base rate."""
        rate = _probability(base_rate)
        if rate in (0.0, 1.0):
            return 0.0  # what always happens is no news
        logit = torch.from_numpy(focal_logit(_logit(np.asarray([base_rate])), self.gamma, self.alpha))
        one, zero = (self.each_unchecked(logit, torch.full_like(logit, target)) for target in (1.0, 0.0))
        return float(base_rate * one + (1.0 - base_rate) * zero)

    def _mapped(self, p: npt.ArrayLike, to: Callable[[FloatArray, float, float | None], FloatArray]) -> FloatArray:
        """Probabilities through a function of log-odds; 0, 1 and NaN stay."""
        known = _probability(p)
        is_open = (known > 0) & (known < 1)
        moved = sigmoid(to(_logit(np.where(is_open, known, 0.5)), self.gamma, self.alpha))
        return np.asarray(np.where(is_open, moved, known))


class SupervisedContrastiveLoss(nn.Module):
    """Pulls embeddings of one label together and pushes the others away (the form L_out).

    An anchor i with positives P(i) costs the mean over p in P(i) of -log softmax(z_i . z_a / temperature)[p], the
    softmax running over all a but i. Embeddings are normalised here; the result is the mean over anchors that have a
    positive, and 0 where none has one.

    Khosla et al., *Supervised Contrastive Learning* (NeurIPS 2020), eq. 2, without the base-temperature factor.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        if not 0 < temperature < np.inf:
            raise ConfigError(
                f"temperature must be positive, was {temperature}; give a number: 0.1 is the paper's value"
            )
        self.temperature = temperature

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Loss of embeddings (n, d) with labels (n,), which are alike where they are equal."""
        if embeddings.ndim != 2 or not embeddings.is_floating_point():
            raise ConfigError(
                f"embeddings are floats of shape (n, d), found {embeddings.dtype} of shape {tuple(embeddings.shape)}"
            )
        labels = torch.as_tensor(labels, device=embeddings.device)
        if labels.shape != embeddings.shape[:1]:
            raise ConfigError(
                f"labels have shape ({len(embeddings)},), one for each embedding, found {tuple(labels.shape)}; "
                "labels of shape (n, 1) need .squeeze(1)"
            )
        if labels.is_floating_point() and not bool(torch.isfinite(labels).all()):
            raise ConfigError("labels must be finite: NaN is like nothing, not even itself; leave such rows out")
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


def hard_targets(logits: Tensor, targets: Tensor) -> Tensor:
    """Targets of 0 and 1 as floats in the shape of the logits, or a ConfigError that says what they are."""
    if not logits.is_floating_point():
        raise ConfigError(f"logits are floats, found {logits.dtype}; call .float()")
    targets = torch.as_tensor(targets, device=logits.device)
    if targets.shape != logits.shape:
        raise ConfigError(
            f"targets have the shape of the logits, {tuple(logits.shape)}, found {tuple(targets.shape)}; they are not "
            "spread over each other"
        )
    is_hard = (targets == 0) | (targets == 1)
    if not bool(is_hard.all()):
        raise ConfigError(
            f"targets are 0 or 1, found {targets[~is_hard].flatten()[0].item()}; turn -1 and 1 into 0 and 1, and draw "
            "labels from soft ones: this loss is not linear in its target"
        )
    return targets.to(logits.dtype)


def _probability(p: npt.ArrayLike) -> FloatArray:
    """As floats, NaN among them, or a ConfigError for what is no probability."""
    known = np.asarray(p, dtype=np.float64)
    if ((known < 0) | (known > 1)).any():
        raise ConfigError(
            f"wanted probabilities between 0 and 1, found {np.nanmin(known):g} to {np.nanmax(known):g}; "
            "log-odds go through a sigmoid first"
        )
    return known


def _logit(p: FloatArray) -> FloatArray:
    return np.asarray(np.log(p) - np.log1p(-p))
