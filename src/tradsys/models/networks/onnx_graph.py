"""Write a network down as an ONNX graph, node by node.

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
from tradsys.models.networks.network import Network

_OPSET, _IR_VERSION = 20, 10
_LAYER_NORM_EPS = 1e-5


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
        return self.op("LayerNormalization", x, "norm.gain", "norm.bias", epsilon=_LAYER_NORM_EPS)

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
