"""The journal's mean-reversion agent: a residual network on deviations whose log-odds are added to a linear model's."""

from dataclasses import dataclass
from typing import ClassVar

from tradsys.core.arrays import Float32Array
from tradsys.models.networks.resnet import DilatedResNet
from tradsys.models.networks.resnet_onnx import resnet_to_onnx
from tradsys.models.training.network_agent import NetworkAgent


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
        """The network's shape for this many columns."""
        return DilatedResNet(
            n_features,
            d_model=self.d_model,
            n_layers=self.n_layers,
            kernel=self.kernel,
            baseline=self.baseline,
            window=self.window,
        )

    def to_onnx(self, n_features: int, theta: Float32Array) -> bytes:
        """One trained network (n_parameters,) as an ONNX graph."""
        return resnet_to_onnx(self.network(n_features), theta)
