"""The network of `resnet.py` written down as an ONNX graph; a test holds the two together."""

import numpy as np

from tradsys.core.arrays import Float32Array
from tradsys.models.networks.onnx_graph import Graph
from tradsys.models.networks.resnet import DilatedResNet


def resnet_to_onnx(network: DilatedResNet, theta: Float32Array) -> bytes:
    """One trained model (n_parameters,) as a graph of any number of chunks.

    Inputs `x` (n_chunks, window, n_features) float32 and `known` (n_chunks, window) bool; output `added`
    (n_chunks - context / window, window, n_outputs), the log-odds that the network adds in all rows after the context.
    """
    graph = Graph()
    graph.parameters(network, theta)
    unused = network.context - network.receptive_field
    x = graph.rows(graph.op("Reshape", "x", graph.ints(-1, network.n_features)), unused)
    seen = graph.op("Cast", graph.op("Reshape", "known", graph.ints(-1, 1)), to=graph.FLOAT)
    x, seen = _deviations(graph, network, x, graph.rows(seen, unused))
    z = graph.linear(x, "inp")
    for i, reach in enumerate(network.reaches):
        normed = graph.op("Mul", graph.norm(z), seen)
        taps = [_tap(graph, normed, at, reach) for at in range(0, reach + 1, reach // (network.kernel - 1))]
        hidden = graph.op("Gelu", graph.linear(graph.op("Concat", *taps, axis=1), f"{i}.taps"))
        z = graph.op("Add", graph.rows(z, reach), graph.linear(hidden, f"{i}.down"))
        seen = graph.rows(seen, reach)
    added = graph.linear(graph.norm(z), "head")
    graph.op("Reshape", added, graph.ints(-1, network.window, network.n_outputs), output="added")
    return graph.finish(network)


def _tap(graph: Graph, z: str, at: int, reach: int) -> str:
    """What a convolution reads `reach - at` rows before each row that it writes."""
    return graph.rows(z, at, at - reach) if at < reach else graph.rows(z, at)


def _deviations(graph: Graph, network: DilatedResNet, x: str, seen: str) -> tuple[str, str]:
    """Known features (n_rows, n_features) less their moving mean, and `seen` (n_rows, 1), without the first rows."""
    least = graph.constant(np.array(1 / (2 * network.baseline), np.float32))
    share = graph.op("Max", _mean(graph, network, seen), least)
    mean = graph.op("Div", _mean(graph, network, graph.op("Mul", x, seen)), share)
    x, seen = graph.rows(x, network.baseline - 1), graph.rows(seen, network.baseline - 1)
    return graph.op("Mul", graph.op("Sub", x, mean), seen), seen


def _mean(graph: Graph, network: DilatedResNet, x: str) -> str:
    """Mean over each row and the `baseline - 1` before it, (n_rows, k) -> (n_rows - baseline + 1, k)."""
    flat = graph.op("Unsqueeze", graph.op("Transpose", x, perm=[1, 0]), graph.ints(0))
    pooled = graph.op("AveragePool", flat, kernel_shape=[network.baseline], strides=[1])
    return graph.op("Transpose", graph.op("Squeeze", pooled, graph.ints(0)), perm=[1, 0])
