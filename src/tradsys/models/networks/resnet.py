"""The dense residual network: causal dilated convolutions over deviations from a moving mean, one forecast a bar."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from tradsys.core.counts import check_counts
from tradsys.core.errors import ConfigError
from tradsys.models.networks.network import Drop, Network, NetworkWeights, linear, norm, unchanged


@dataclass(frozen=True, slots=True)
class DilatedResNet(Network):
    """Shape of the network: `n_layers` residual blocks, each a convolution of `kernel` taps 1, 2, 4, ... bars apart.

    What reverts is a deviation, so that is what the network reads: every feature less its mean over the last `baseline`
    bars. Where the features stand as such is left to the linear model that the network adds to. The reach is short
    (`receptive_field`, 53 bars as it comes): reversion is over within hours, and every bar more would be one more to
    over-fit. Norms carry no gain or bias of their own: the map that follows each of them holds both. `window` is the
    length of the chunks in which bars are handed over, and changes no forecast.

    Bai, Kolter & Koltun, *An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
    Modeling* (2018), section 3, with the order of norm and residual of He et al. (2016).
    """

    architecture: ClassVar[str] = "dilated_resnet"
    residual_maps: ClassVar[tuple[str, ...]] = ("down",)

    n_features: int
    d_model: int = 32
    n_layers: int = 4
    kernel: int = 3
    baseline: int = 24
    window: int = 60
    expansion: int = 2
    n_outputs: int = 2

    def __post_init__(self) -> None:
        check_counts(
            n_features=self.n_features,
            d_model=self.d_model,
            n_layers=self.n_layers,
            window=self.window,
            expansion=self.expansion,
            n_outputs=self.n_outputs,
        )
        if self.baseline < 2:
            raise ConfigError(f"baseline must be at least 2 bars, was {self.baseline}: no bar deviates from itself")
        if self.kernel < 2:
            raise ConfigError(f"kernel must be at least 2 bars, was {self.kernel}; 3 is usual")

    @property
    def settings(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def reaches(self) -> tuple[int, ...]:
        """Earlier bars that each block reads of the one before it."""
        return tuple((self.kernel - 1) * 2**i for i in range(self.n_layers))

    @property
    def receptive_field(self) -> int:
        return self.baseline - 1 + sum(self.reaches)

    @property
    def context(self) -> int:
        return -(-self.receptive_field // self.window) * self.window

    @property
    def maps(self) -> dict[str, tuple[int, int]]:
        """Name -> (n_in, n_out) of every linear map; a convolution's rows are its taps, the oldest bar first."""
        d, wide = self.d_model, self.expansion * self.d_model
        layer = {"taps": (self.kernel * d, wide), "down": (wide, d)}
        layers = {f"{i}.{name}": size for i in range(self.n_layers) for name, size in layer.items()}
        return {"inp": (self.n_features, d), **layers, "head": (d, self.n_outputs)}

    def encode(self, weights: NetworkWeights, x: Tensor, known: Tensor, dropout: Drop | None = None) -> Tensor:
        """Hidden states (n_models, n_crops, n_chunks - context / window, window, d_model) after the context, normed.

        `x` is (n_models, n_crops, n_chunks, window, n_features); `known` lacks the last axis and is False where there
        is no bar: such rows count in no mean and convolutions read them as zero; their own forecasts mean nothing.
        `dropout` acts on what each block adds to the residual stream.
        """
        drop = dropout or unchanged
        unused = self.context - self.receptive_field
        x, seen = x.flatten(2, 3)[:, :, unused:], known.flatten(2, 3)[:, :, unused:, None].to(x.dtype)
        x, seen = self._deviations(x, seen)
        models, crops, rows, _ = x.shape
        z = linear(weights, "inp", x.flatten(1, 2)).view(models, crops, rows, self.d_model)
        for i, reach in enumerate(self.reaches):
            normed = norm(z) * seen
            rows -= reach
            taps = [normed[:, :, at : at + rows] for at in range(0, reach + 1, reach // (self.kernel - 1))]
            hidden = F.gelu(linear(weights, f"{i}.taps", torch.cat(taps, dim=3).flatten(1, 2)))
            added = drop(linear(weights, f"{i}.down", hidden)).view(models, crops, rows, self.d_model)
            z, seen = z[:, :, reach:] + added, seen[:, :, reach:]
        return norm(z).view(models, crops, -1, self.window, self.d_model)

    def _deviations(self, x: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Known features less their mean over the last `baseline` known rows, and `seen`, without the first rows."""
        mean = self._mean(x * seen) / self._mean(seen).clamp(min=1 / (2 * self.baseline))
        here = slice(self.baseline - 1, None)
        return (x[:, :, here] - mean) * seen[:, :, here], seen[:, :, here]

    def _mean(self, x: Tensor) -> Tensor:
        """Mean over each row and the `baseline - 1` before it, (..., rows, k) -> (..., rows - baseline + 1, k)."""
        pooled = F.avg_pool1d(x.flatten(0, 1).transpose(1, 2), self.baseline, stride=1)
        return pooled.transpose(1, 2).unflatten(0, x.shape[:2])  # type: ignore[no-untyped-call, no-any-return]
