"""A fitted network as research and the bot run it: ONNX Runtime and numpy, no torch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tradsys.core.arrays import Float32Array, FloatArray
from tradsys.core.errors import BundleError
from tradsys.core.json_text import read_json
from tradsys.models.focal import add_on_focal_scale
from tradsys.models.linear.logistic import FittedLinear

if TYPE_CHECKING:
    import onnxruntime


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


_ABOUT, _OFFSET = "network.json", "offset-"
_CHUNKS_AT_ONCE = 32


@dataclass(frozen=True)
class OnnxForecaster:
    """Log-odds of a linear model plus what a network adds to them.

    Trained on a focal loss (`gamma` is given), the network adds on that loss's own scale: the linear log-odds are taken
    there, and the sum comes back by the closed-form inverse, so that nothing else ever meets a focal score. Without a
    network (none that beat the linear model on its check rows) this is the linear model. `training` says why the
    network's training ended; `record` holds its losses, and what a constant forecast would have scored.

    The graph reads chunks of `window` bars, `x` (n_chunks, window, n_features) float32 and `known` (n_chunks, window)
    bool, and answers `added` (n_chunks - context / window, window, 2): the first `context` bars are history.
    """

    kind: str
    """The loader's name in the registry, that of the agent whose network it is."""
    offset: FittedLinear
    network: TrainedNetwork | None
    window: int
    context: int
    memory: int
    """Earlier rows that one forecast may depend on: the network's receptive field, at most `context`."""
    gamma: float | None = None
    alpha: float | None = None
    training: str = ""
    record: Mapping[str, float] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        """What is sent to another process, which opens a session of its own."""
        return {name: value for name, value in vars(self).items() if name != "_session"}

    def logits(self, X: FloatArray) -> FloatArray:
        base = self.offset.logits(X)
        if self.network is None:
            return base
        if self.gamma is None:
            return base + self._added(X)
        return add_on_focal_scale(base, self._added(X), self.gamma, self.alpha)

    def to_files(self) -> dict[str, bytes]:
        names = ("kind", "window", "context", "memory", "gamma", "alpha", "training", "record")
        about = {name: getattr(self, name) for name in names}
        about["network"] = None if self.network is None else self.network.describe()
        files = {_OFFSET + name: content for name, content in self.offset.to_files().items()}
        files[_ABOUT] = json.dumps(about, indent=1).encode()
        return files if self.network is None else files | self.network.to_files()

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        if _ABOUT not in files:
            raise BundleError(f"a network's files include {_ABOUT}, found {sorted(files)}; export the model again")
        offset = {name.removeprefix(_OFFSET): content for name, content in files.items() if name.startswith(_OFFSET)}
        about = read_json(files[_ABOUT])
        description = about.pop("network")
        network = None if description is None else TrainedNetwork.from_files(description, files)
        return cls(offset=FittedLinear.from_files(offset), network=network, **about)

    def _added(self, X: FloatArray) -> FloatArray:
        """What the network adds to the log-odds of each row, (n_bars, 2).

        Rows are cut into chunks from the first known one on, and forecast some chunks at a time, each time with the
        history that they depend on: memory stays bounded, and rows that come later change nothing.
        """
        known = np.isfinite(X).all(axis=1)
        added = np.full((len(X), 2), np.nan)
        first = int(known.argmax()) if known.any() else len(X)
        length, context = _CHUNKS_AT_ONCE * self.window, self.context
        for at in range(first, len(X), length):
            stop = min(at + length, len(X))
            n_rows = context + -(-(stop - at) // self.window) * self.window
            x, seen = np.zeros((n_rows, X.shape[1]), np.float32), np.zeros(n_rows, bool)
            history = max(at - context, first)
            here = slice(context - (at - history), context + stop - at)
            seen[here] = known[history:stop]
            x[here] = np.where(seen[here, None], X[history:stop], 0.0)
            chunked = {"x": x.reshape(-1, self.window, X.shape[1]), "known": seen.reshape(-1, self.window)}
            added[at:stop] = self._session.run(None, chunked)[0].reshape(-1, 2)[: stop - at]
        added[~known] = np.nan
        return added

    @cached_property
    def _session(self) -> "onnxruntime.InferenceSession":
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as refusals

        broken = (refusals.Fail, refusals.InvalidArgument, refusals.InvalidGraph, refusals.InvalidProtobuf)
        options = onnxruntime.SessionOptions()
        # one thread: a bar is forecast in a millisecond, and sums do not depend on how many cores there are
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        assert self.network is not None
        try:
            return onnxruntime.InferenceSession(self.network.graph, options, providers=["CPUExecutionProvider"])
        except broken as error:
            raise BundleError(f"{_GRAPH} is no graph of a network ({error}); export the model again") from None
