"""The network of `transformer.py` written down as an ONNX graph; a test holds the two together."""

import numpy as np
import torch

from tradsys.core.arrays import Float32Array
from tradsys.models.networks.onnx_graph import Graph
from tradsys.models.networks.transformer import BandedTransformer, rotation


def transformer_to_onnx(network: BandedTransformer, theta: Float32Array) -> bytes:
    """One trained model (n_parameters,) as a graph of any number of chunks.

    Inputs `x` (n_chunks, window, n_features) float32 and `known` (n_chunks, window) bool; output `added`
    (n_chunks - n_layers, window, n_outputs), the log-odds that the network adds in all but the first chunks.
    """
    graph = Graph()
    graph.parameters(network, theta)
    bias = _band(graph, network.window)
    turn = [table.numpy() for table in rotation(2 * network.window, network.d_head, torch.zeros(()))]
    before = [graph.constant(table[: network.window]) for table in turn]
    here = [graph.constant(table[network.window :]) for table in turn]
    z = graph.linear("x", "inp")
    for i in range(network.n_layers):
        attended = _attend(graph, network, graph.linear(graph.norm(z), f"{i}.qkv"), bias, before, here)
        z = graph.op("Add", graph.rows(z, 1), graph.linear(attended, f"{i}.out"))
        hidden = graph.op("Gelu", graph.linear(graph.norm(z), f"{i}.up"))
        z = graph.op("Add", z, graph.linear(hidden, f"{i}.down"))
        bias = graph.rows(bias, 1)
    graph.linear(graph.norm(z), "head", output="added")
    return graph.finish(network)


def _band(graph: Graph, window: int) -> str:
    """0 where a bar may look and -inf where not, (n_chunks - 1, 1, window, 2 window); the band of `transformer.py`."""
    age = np.arange(window)[:, None] + window - np.arange(2 * window)
    keys = graph.op("Reshape", graph.overlapping("known", "known", axis=1), graph.ints(-1, 1, 1, 2 * window))
    inside, itself = graph.constant((age >= 0) & (age < window)), graph.constant(age == 0)
    visible = graph.op("And", inside, graph.op("Or", keys, itself))
    zero, never = (graph.constant(np.array(value, np.float32)) for value in (0.0, -np.inf))
    return graph.op("Where", visible, zero, never)


def _attend(graph: Graph, network: BandedTransformer, qkv: str, bias: str, before: list[str], here: list[str]) -> str:
    """Attention of every chunk but the first: (n_chunks, window, 3 d_model) -> (n_chunks - 1, window, d_model)."""
    shape = graph.ints(-1, network.window, 3, network.n_heads, network.d_head)
    heads = graph.op("Transpose", graph.op("Reshape", qkv, shape), perm=[2, 0, 3, 1, 4])
    q, k, v = (graph.op("Gather", heads, graph.constant(np.array(i)), axis=0) for i in range(3))
    q = graph.op("Mul", q, graph.constant(np.array(network.d_head**-0.5, np.float32)))
    half = network.d_head // 2
    q = _rotate(graph, graph.rows(q, 1), here, half)
    k = graph.overlapping(_rotate(graph, k, before, half), _rotate(graph, k, here, half), axis=2)
    score = graph.op("MatMul", q, graph.op("Transpose", k, perm=[0, 1, 3, 2]))
    share = graph.op("Softmax", graph.op("Add", score, bias), axis=-1)
    seen = graph.op("MatMul", share, graph.overlapping(v, v, axis=2))  # (n_chunks - 1, heads, window, d_head)
    return graph.op("Reshape", graph.op("Transpose", seen, perm=[0, 2, 1, 3]), graph.ints(0, 0, -1))


def _rotate(graph: Graph, x: str, turn: list[str], half: int) -> str:
    """The first `half` and the remaining values of the last axis, turned in pairs."""
    cosine, sine = turn
    a, b = graph.rows(x, 0, half, axis=-1), graph.rows(x, half, axis=-1)
    along = graph.op("Sub", graph.op("Mul", a, cosine), graph.op("Mul", b, sine))
    across = graph.op("Add", graph.op("Mul", a, sine), graph.op("Mul", b, cosine))
    return graph.op("Concat", along, across, axis=-1)
