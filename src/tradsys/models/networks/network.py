"""What the training engine, the objectives and the agents need of a network, and what every network is made of."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

type NetworkWeights = dict[str, Tensor]
"""Matrices `<name>.w` (n_models, n_in, n_out) and biases `<name>.b` (n_models, 1, n_out)."""
type Maps = Mapping[str, tuple[int, int]]
"""Name -> (n_in, n_out) of every linear map, in the order of a parameter vector; `head` is the last."""
type Drop = Callable[[Tensor], Tensor]
"""Dropout: zeroes a share of the values and scales up the others."""

NORM_EPS = 1e-5
"""Added to the variance in layer norms; `steps.NORM_EPS` is the same where there is no torch."""


class Network(ABC):
    """The shape of a causal network with a forecast at every bar; many models' parameters go through it side by side.

    A model is a vector of `n_parameters`. Bars come in chunks of `window`; the first `context` bars of a crop, whole
    chunks, are history and get no forecast. A forecast depends on `receptive_field` earlier bars and on no later one.
    A network adds its maps and its encoder; the head over them is linear.
    """

    __slots__ = ()

    architecture: ClassVar[str]
    """Name of the kind of network, by which a saved one is recognised."""
    residual_maps: ClassVar[tuple[str, ...]]
    """Last names of the maps that write into the residual stream."""

    if TYPE_CHECKING:  # fields of each shape: a property here would be taken for their default

        @property
        def n_features(self) -> int: ...
        @property
        def n_outputs(self) -> int: ...
        @property
        def d_model(self) -> int: ...
        @property
        def window(self) -> int: ...

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What stepping the network has to know of it, JSON-able."""

    @property
    @abstractmethod
    def receptive_field(self) -> int:
        """Earlier bars that one forecast depends on, at most `context`."""

    @property
    @abstractmethod
    def context(self) -> int:
        """Bars of history that a crop brings along before its first forecast: whole chunks."""

    @property
    @abstractmethod
    def maps(self) -> Maps:
        """Name -> (n_in, n_out) of every linear map, in the order in which a parameter vector holds them."""

    @abstractmethod
    def encode(self, weights: NetworkWeights, x: Tensor, known: Tensor, dropout: Drop | None = None) -> Tensor:
        """What the head reads, (n_models, n_crops, n_chunks - context / window, window, d_model), after the last norm.

        `x` is (n_models, n_crops, n_chunks, window, n_features); `known` lacks the last axis and is False where there
        is no bar: such rows change no other, and their own forecasts mean nothing. `dropout` acts on what each block
        adds to the residual stream.
        """

    @property
    def n_parameters(self) -> int:
        """Length of one model's parameter vector: matrices and biases of all maps."""
        return sum((n_in + 1) * n_out for n_in, n_out in self.maps.values())

    def initial(self, seed: int) -> Tensor:
        """A fresh parameter vector (n_parameters,); biases and the head are zero, so that at first it adds nothing.

        The `residual_maps` write into the residual stream: they start small, since as many as there are add up.

        Radford, Wu, Child, Luan, Amodei & Sutskever, *Language Models are Unsupervised Multitask Learners* (2019), 2.3.
        """
        random = np.random.default_rng(seed)
        adding = {name for name in self.maps if name.rpartition(".")[2] in self.residual_maps}
        parts = []
        for name, (n_in, n_out) in self.maps.items():
            scale = len(adding) ** -0.5 if name in adding else 1.0
            weight = random.standard_normal(n_in * n_out) * scale * n_in**-0.5
            parts += [weight * (name != "head"), np.zeros(n_out)]
        return torch.from_numpy(np.concatenate(parts).astype(np.float32))

    def decays(self) -> Tensor:
        """Which parameters weight decay applies to, (n_parameters,) of 1 (matrices) and 0 (biases)."""
        return decays(self.maps)

    def unpack(self, theta: Tensor) -> NetworkWeights:
        """Views of parameter vectors (n_models, n_parameters) as matrices and biases; the last map is `head`."""
        return unpack(self.maps, theta)

    def forward(self, weights: NetworkWeights, x: Tensor, known: Tensor, dropout: Drop | None = None) -> Tensor:
        """The `head` of `encode`: logits in the same shape with `n_outputs` for `d_model`."""
        hidden = self.encode(weights, x, known, dropout)
        return linear(weights, "head", hidden.flatten(1, -2)).view(*hidden.shape[:-1], -1)


def decays(maps: Maps) -> Tensor:
    """Which parameters weight decay applies to: matrices (1), not biases (0)."""
    parts = [value for n_in, n_out in maps.values() for value in (torch.ones(n_in * n_out), torch.zeros(n_out))]
    return torch.cat(parts)


def unpack(maps: Maps, theta: Tensor) -> NetworkWeights:
    """Views of parameter vectors (n_models, n_parameters) as matrices and biases."""
    sizes = [size for n_in, n_out in maps.values() for size in (n_in * n_out, n_out)]
    parts = iter(torch.split(theta, sizes, dim=1))
    weights: NetworkWeights = {}
    for name, (n_in, n_out) in maps.items():
        weights[f"{name}.w"] = next(parts).view(-1, n_in, n_out)
        weights[f"{name}.b"] = next(parts)[:, None]
    return weights


def linear(weights: NetworkWeights, name: str, x: Tensor) -> Tensor:
    """x (n_models, n_rows, n_in) -> (n_models, n_rows, n_out), each model with its own matrix."""
    return torch.baddbmm(weights[f"{name}.b"], x, weights[f"{name}.w"])


def norm(x: Tensor) -> Tensor:
    """Layer norm of the last axis without gain or bias, in the precision of x; its sums are float32 all the same.

    Autocast would make of `F.layer_norm` three kernels each way: a cast to float32, the norm, and a cast back.
    """
    return torch.native_layer_norm(x, x.shape[-1:], None, None, NORM_EPS)[0]


def unchanged(x: Tensor) -> Tensor:
    """The identity, for where there is no dropout."""
    return x
