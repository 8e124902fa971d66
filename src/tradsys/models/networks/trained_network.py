"""One trained network as a bot carries it: an ONNX graph, with its parameters as safetensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tradsys.core.arrays import Float32Array
from tradsys.core.errors import BundleError

_GRAPH, _PARAMETERS = "network.onnx", "network.safetensors"


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """The graph forecasts batches in ONNX Runtime; stepping bar by bar reads its parameters.

    `architecture` is the name of its kind, `settings` hold the fields of its shape, and `theta` (n_parameters,) has the
    order of `network.Maps`.
    """

    architecture: str
    settings: Mapping[str, Any]
    graph: bytes
    theta: Float32Array

    def describe(self) -> dict[str, Any]:
        """What the files of `to_files` leave out, JSON-able."""
        return {"architecture": self.architecture, "settings": dict(self.settings)}

    def to_files(self) -> dict[str, bytes]:
        """Graph and parameters."""
        from safetensors.numpy import save

        return {_GRAPH: self.graph, _PARAMETERS: save({"theta": self.theta})}

    @classmethod
    def from_files(cls, description: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """The network that `describe` and `to_files` wrote, equal to the last bit."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        if missing := [name for name in (_GRAPH, _PARAMETERS) if name not in files]:
            raise BundleError(f"a network's files include {', '.join(missing)}, found {sorted(files)}; export it again")
        try:
            theta = load(files[_PARAMETERS])["theta"]
        except (SafetensorError, KeyError) as error:
            raise BundleError(f"{_PARAMETERS} holds no parameters of a network ({error}); export it again") from None
        return cls(description["architecture"], description["settings"], files[_GRAPH], theta)
