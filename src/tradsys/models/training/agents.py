"""The journal's trend and mean-reversion agents: networks whose log-odds are added to a linear model's."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from tradsys.core.arrays import Float32Array
from tradsys.models.networks.onnx_graph import resnet_to_onnx, transformer_to_onnx
from tradsys.models.networks.resnet import DilatedResNet
from tradsys.models.networks.transformer import BandedTransformer, RecentTransformer
from tradsys.models.training.network_agent import NetworkAgent


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerAgent(NetworkAgent):
    """A banded causal transformer on top of ridge logistic regression; its attention may start on recent bars."""

    d_model: int = 64
    n_layers: int = 2
    n_heads: int = 4
    window: int = 60
    attention_start: Literal["ordinary", "recent"] = "ordinary"
    name: ClassVar[str] = "transformer"

    def network(self, n_features: int) -> BandedTransformer:
        kind = RecentTransformer if self.attention_start == "recent" else BandedTransformer
        return kind(n_features, d_model=self.d_model, n_layers=self.n_layers, n_heads=self.n_heads, window=self.window)

    def to_onnx(self, n_features: int, theta: Float32Array) -> bytes:
        return transformer_to_onnx(self.network(n_features), theta)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNetAgent(NetworkAgent):
    """Causal dilated convolutions over deviations from a moving mean, on top of ridge logistic regression."""

    d_model: int = 32
    n_layers: int = 4
    kernel: int = 3
    baseline: int = 24
    window: int = 60
    name: ClassVar[str] = "resnet"

    def network(self, n_features: int) -> DilatedResNet:
        return DilatedResNet(
            n_features,
            d_model=self.d_model,
            n_layers=self.n_layers,
            kernel=self.kernel,
            baseline=self.baseline,
            window=self.window,
        )

    def to_onnx(self, n_features: int, theta: Float32Array) -> bytes:
        return resnet_to_onnx(self.network(n_features), theta)
