"""A network's parameters and shape, read out of its ONNX file without the onnx package, which a bot does not have."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradsys.core.arrays import Float32Array
from tradsys.core.errors import BundleError

_MODEL_GRAPH, _MODEL_METADATA = 7, 14
_GRAPH_NAME, _GRAPH_INITIALIZER = 2, 5
_TENSOR_NAME, _TENSOR_RAW = 8, 9
_KEY, _VALUE = 1, 2
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class Weights:
    """The graph's name, `theta` (n_parameters,) in the order of `network.Maps`, and the fields of the spec."""

    network: str
    theta: Float32Array
    shape: Mapping[str, Any]


def read_weights(content: bytes) -> Weights:
    """What `Graph.finish` wrote of the network's matrices `<map>.w` and biases `<map>.b`.

    Field numbers are those of onnx.proto (IR version 10); tensors carry raw bytes.
    """
    name, parts, metadata = "", [], {}
    for field, value in _fields(content):
        if field == _MODEL_METADATA:
            entry = dict(_fields(value))
            metadata[entry[_KEY].decode()] = entry[_VALUE].decode()
        elif field == _MODEL_GRAPH:
            for inner, part in _fields(value):
                if inner == _GRAPH_NAME:
                    name = part.decode()
                elif inner == _GRAPH_INITIALIZER:
                    tensor = dict(_fields(part))
                    if tensor[_TENSOR_NAME].endswith((b".w", b".b")):
                        parts.append(np.frombuffer(tensor[_TENSOR_RAW], "<f4"))
    if "shape" not in metadata or not parts:
        raise BundleError(
            f"stepping a network needs its shape and its parameters, and the graph {name!r} has not both; "
            "export the model again"
        )
    return Weights(name, np.concatenate(parts).astype(np.float32), json.loads(metadata["shape"]))


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of every field of a protobuf message that holds bytes; numbers are passed over."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _BYTES:
            size, at = _varint(message, at)
            yield tag >> 3, message[at : at + size]
            at += size
        elif kind == _VARINT:
            _, at = _varint(message, at)
        elif kind in (_FIXED_64, _FIXED_32):
            at += 8 if kind == _FIXED_64 else 4
        else:
            raise BundleError(f"this is no ONNX file: byte {at} starts a field of kind {kind}; copy the bundle again")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number at this place, seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        value |= (message[at] & 0x7F) << shift
        at += 1
        if message[at - 1] < 0x80:
            return value, at
        shift += 7
