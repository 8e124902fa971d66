"""Networks with random parameters, and their outputs in torch, for the tests of networks."""

import numpy as np
import torch

from tradsys.models.networks.network import Network
from tradsys.models.networks.onnx_forecaster import TrainedNetwork
from tradsys.models.networks.onnx_graph import resnet_to_onnx, transformer_to_onnx
from tradsys.models.networks.resnet import DilatedResNet


def parameters(network: Network, n_models: int = 1) -> torch.Tensor:
    """Parameters (n_models, n_parameters) of networks whose outputs are not zero."""
    theta = torch.stack([network.initial(seed) for seed in range(n_models)])
    return theta + 0.1 * torch.randn(theta.shape, generator=torch.Generator().manual_seed(1))


def rows(network: Network, chunks: int, n_models: int = 1, crops: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Random features and rows that are all known."""
    shape = (n_models, crops, chunks, network.window)
    x = torch.randn(*shape, network.n_features, generator=torch.Generator().manual_seed(2))
    return x, torch.ones(shape, dtype=torch.bool)


def outputs(network: Network, theta: torch.Tensor, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Forecasts (n_models, n_crops, n_rows after the context, n_outputs)."""
    return network.forward(network.unpack(theta), x, known).flatten(2, 3)


def by_torch(network: Network, X: np.ndarray) -> np.ndarray:
    """The network's output for each row, computed by torch with another cut into chunks than `OnnxForecaster` takes."""
    lead = network.context + 3
    chunks = -(-(lead + len(X)) // network.window)
    x = torch.zeros(1, 1, chunks, network.window, network.n_features)
    known = torch.zeros(1, 1, chunks, network.window, dtype=torch.bool)
    x.view(-1, network.n_features)[lead : lead + len(X)] = torch.from_numpy(np.nan_to_num(X))
    known.view(-1)[lead : lead + len(X)] = torch.from_numpy(np.isfinite(X).all(axis=1))
    with torch.no_grad():
        answer = outputs(network, parameters(network), x, known)
    return answer[0, 0].numpy()[lead - network.context :][: len(X)]


def trained(network: Network, theta: np.ndarray | None = None) -> TrainedNetwork:
    """The network with these parameters, or with random ones, as a bundle carries it."""
    theta = parameters(network)[0].numpy() if theta is None else theta
    to_onnx = resnet_to_onnx if isinstance(network, DilatedResNet) else transformer_to_onnx
    return TrainedNetwork(network.architecture, network.settings, to_onnx(network, theta), theta)
