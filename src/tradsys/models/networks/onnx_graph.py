"""Write a network down as an ONNX graph, node by node; a test holds each graph and its network together.

`torch.onnx.export` would do, in 5 to 20 seconds a process and with onnxscript; this takes milliseconds.
"""

from itertools import count
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from tradsys.core.arrays import Float32Array
from tradsys.models.networks.network import NORM_EPS, Network
from tradsys.models.networks.resnet import DilatedResNet
from tradsys.models.networks.transformer import BandedTransformer, rotation

_OPSET, _IR_VERSION = 20, 10


class Graph:
    """Nodes and constants as they are added; every call returns the name of its output."""

    FLOAT: ClassVar[int] = TensorProto.FLOAT

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._numbers = count()

    def constant(self, value: npt.NDArray[Any], name: str | None = None) -> str:
        """A fixed array."""
        name = name or f"c{next(self._numbers)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def ints(self, *values: int) -> str:
        """Fixed numbers, as shapes and bounds are given."""
        return self.constant(np.array(values, np.int64))

    def op(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """One node of this kind."""
        output = output or f"t{next(self._numbers)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def parameters(self, network: Network, theta: Float32Array) -> None:
        """The constants that `linear` and `norm` read, from one model's parameter vector (n_parameters,)."""
        for name, value in network.unpack(torch.from_numpy(theta)[None]).items():
            self.constant(value[0].numpy(), name)
        self.constant(np.ones(network.d_model, np.float32), "norm.gain")
        self.constant(np.zeros(network.d_model, np.float32), "norm.bias")

    def linear(self, x: str, name: str, output: str | None = None) -> str:
        """The network's linear map of that name."""
        return self.op("Add", self.op("MatMul", x, f"{name}.w"), f"{name}.b", output=output)

    def norm(self, x: str) -> str:
        """Layer norm without gain and bias of its own."""
        return self.op("LayerNormalization", x, "norm.gain", "norm.bias", epsilon=NORM_EPS)

    def rows(self, x: str, first: int, last: int = np.iinfo(np.int64).max, axis: int = 0) -> str:
        """Part of `x` along one axis; negative bounds count from its end."""
        return self.op("Slice", x, self.ints(first), self.ints(last), self.ints(axis))

    def overlapping(self, before: str, here: str, axis: int) -> str:
        """Each chunk but the first, with the chunk before it in front along `axis`."""
        return self.op("Concat", self.rows(before, 0, -1), self.rows(here, 1), axis=axis)

    def finish(self, network: Network) -> bytes:
        """The whole graph, checked; `added` is its output."""
        w = network.window
        graph = helper.make_graph(
            self._nodes,
            network.architecture,
            [
                helper.make_tensor_value_info("x", TensorProto.FLOAT, ["chunks", w, network.n_features]),
                helper.make_tensor_value_info("known", TensorProto.BOOL, ["chunks", w]),
            ],
            [helper.make_tensor_value_info("added", TensorProto.FLOAT, ["forecasts", w, network.n_outputs])],
            self._constants,
        )
        opset = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=_IR_VERSION, producer_name="tradsys")
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


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
