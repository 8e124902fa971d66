"""The journal's trend agent: a transformer whose log-odds are added to a linear model's."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from tradsys.core.arrays import Float32Array
from tradsys.models.networks.recent_transformer import RecentTransformer
from tradsys.models.networks.transformer import BandedTransformer
from tradsys.models.networks.transformer_onnx import transformer_to_onnx
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
        """The network's shape for this many columns."""
        kind = RecentTransformer if self.attention_start == "recent" else BandedTransformer
        return kind(n_features, d_model=self.d_model, n_layers=self.n_layers, n_heads=self.n_heads, window=self.window)

    def to_onnx(self, n_features: int, theta: Float32Array) -> bytes:
        """One trained network (n_parameters,) as an ONNX graph."""
        return transformer_to_onnx(self.network(n_features), theta)
