"""The dense transformer: causal attention in a sliding band of bars, one forecast a bar, many models side by side."""

import math
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from tradsys.core.counts import check_counts
from tradsys.core.errors import ConfigError
from tradsys.models.networks.network import Drop, Network, NetworkWeights, linear, norm, unchanged


def attention_inputs(qkv: Tensor, n_heads: int, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Queries (crops, chunks - 1, n_heads, window, d_head), keys and values with twice as many rows.

    `qkv` is (crops, chunks, window, 3 d_model). `turn` are cosine and sine (2 window, d_head / 2) of the places in a
    chunk and, before them, in the one before it; the first chunk has keys and values only. A processor takes a backward
    pass that is written out; a card, and whatever is compiled, plain operations, which a compiler may join.
    """
    cosine, sine = turn
    both = torch.cat((cosine, cosine), dim=1), torch.cat((-sine, sine), dim=1)
    heads = qkv.unflatten(3, (3, n_heads, -1))  # type: ignore[no-untyped-call]  # torch gives it no types
    if heads.device.type == "cuda" or torch.compiler.is_compiling():
        return plain_attention_inputs(heads, *both)
    queries, keys, values = _AttentionInputs.apply(heads, *both)
    return queries, keys, values


def plain_attention_inputs(heads: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What `_AttentionInputs` returns, by operations that autograd and a compiler know, in the precision of `heads`.

    Nothing is laid side by side beforehand: attention reads rows that lie apart, and a compiler writes each result
    once.
    """
    before, here = _places(cosine, sine)
    queries, keys, values = heads.transpose(2, 4).unbind(3)  # each (crops, chunks, n_heads, window, d_head)
    near = torch.cat((_plainly_turned(keys[:, :-1], *before), _plainly_turned(keys[:, 1:], *here)), dim=3)
    return _plainly_turned(queries[:, 1:], *here), near, torch.cat((values[:, :-1], values[:, 1:]), dim=3)


def _plainly_turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """`_turned` in the precision of x; attention would round what is finer, in a kernel of its own."""
    a, b = x.chunk(2, dim=-1)
    return (x * cosine + torch.cat((b, a), dim=-1) * sine).to(x.dtype)


class _AttentionInputs(torch.autograd.Function):
    """Heads (crops, chunks, window, 3, n_heads, d_head) -> queries, keys, values; tables are (2 window, d_head)."""

    @staticmethod
    def forward(ctx: Any, heads: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ctx.save_for_backward(cosine, sine)
        ctx.dtype = heads.dtype
        before, here = _places(cosine, sine)
        # one copy that lays each head's rows side by side: all that follows runs through whole rows
        queries, keys, values = heads.permute(3, 0, 1, 4, 2, 5).contiguous().unbind(0)
        near = torch.cat((_turned(keys[:, :-1], *before), _turned(keys[:, 1:], *here)), dim=3)
        return _turned(queries[:, 1:], *here), near, torch.cat((values[:, :-1], values[:, 1:]), dim=3)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, queries: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, None, None]:
        cosine, sine = ctx.saved_tensors
        before, here = _places(cosine, -sine)
        crops, chunks, n_heads, window, d_head = queries.shape
        heads = queries.new_zeros(3, crops, chunks + 1, n_heads, window, d_head)
        heads[0, :, 1:] = _turned(queries, *here)
        heads[1, :, :-1] = _turned(keys[..., :window, :], *before)
        heads[1, :, 1:] += _turned(keys[..., window:, :], *here)
        heads[2, :, :-1] = values[..., :window, :]
        heads[2, :, 1:] += values[..., window:, :]
        return heads.permute(1, 2, 4, 0, 3, 5).to(ctx.dtype), None, None


def _places(cosine: Tensor, sine: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The tables of the chunk before, and of this one."""
    (cosine_before, cosine_here), (sine_before, sine_here) = cosine.chunk(2), sine.chunk(2)
    return (cosine_before, sine_before), (cosine_here, sine_here)


def _turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """x with each pair turned; the halves of the last axis hold the pairs' two parts."""
    a, b = x.chunk(2, dim=-1)
    return (x * cosine).add_(torch.cat((b, a), dim=-1) * sine)


ROPE_BASE = 1000.0


@dataclass(frozen=True, slots=True)
class BandedTransformer(Network):
    """Shape of the network: each bar attends to itself and the `window - 1` bars before it, in every layer.

    One forecast depends on `receptive_field` earlier bars. Bars come in chunks of `window`; a layer lets every chunk
    see itself and the chunk before it, so that each layer uses up one chunk of history and none needs padding.
    Norms carry no gain or bias of their own: the linear map that follows each of them holds both.
    """

    architecture: ClassVar[str] = "banded_transformer"
    residual_maps: ClassVar[tuple[str, ...]] = ("out", "down")

    n_features: int
    d_model: int = 64
    n_layers: int = 2
    n_heads: int = 4
    window: int = 60
    expansion: int = 4
    n_outputs: int = 2

    def __post_init__(self) -> None:
        check_counts(
            n_features=self.n_features,
            d_model=self.d_model,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            expansion=self.expansion,
            n_outputs=self.n_outputs,
        )
        if self.window < 2:
            raise ConfigError(f"window must be at least 2 bars, was {self.window}; 60 is a usual start")
        if self.d_model % (2 * self.n_heads):
            raise ConfigError(
                f"d_model must be a multiple of 2 x n_heads for rotary positions, was {self.d_model} with "
                f"{self.n_heads} heads; try {2 * self.n_heads * max(1, round(self.d_model / (2 * self.n_heads)))}"
            )

    @property
    def settings(self) -> dict[str, Any]:
        return {**asdict(self), "rope_base": ROPE_BASE}

    @property
    def receptive_field(self) -> int:
        return self.n_layers * (self.window - 1)

    @property
    def d_head(self) -> int:
        """Width of one head."""
        return self.d_model // self.n_heads

    @property
    def context(self) -> int:
        """Bars of history that a crop brings along before its first forecast: whole chunks, one a layer."""
        return self.n_layers * self.window

    @property
    def maps(self) -> dict[str, tuple[int, int]]:
        d = self.d_model
        layer = {"qkv": (d, 3 * d), "out": (d, d), "up": (d, self.expansion * d), "down": (self.expansion * d, d)}
        layers = {f"{i}.{name}": size for i in range(self.n_layers) for name, size in layer.items()}
        return {"inp": (self.n_features, d), **layers, "head": (d, self.n_outputs)}

    def encode(self, weights: NetworkWeights, x: Tensor, known: Tensor, dropout: Drop | None = None) -> Tensor:
        """Hidden states (n_models, n_crops, n_chunks - n_layers, window, d_model) of all but the first chunks, normed.

        `x` is (n_models, n_crops, n_chunks, window, n_features); `known` lacks the last axis and is False where there
        is no bar: such rows draw no attention, and their own forecasts mean nothing. `dropout` acts on what each
        block adds to the residual stream.
        """
        models, crops, chunks, window, _ = x.shape
        turn = rotation(2 * window, self.d_head, x)
        drop = dropout or unchanged
        z = linear(weights, "inp", x.flatten(1, 3))  # (models, rows, d_model)
        bias = _band(known.flatten(0, 1), z.dtype)  # in the precision of what attention reads, so that nothing casts it
        for i in range(self.n_layers):
            chunks -= 1
            qkv = linear(weights, f"{i}.qkv", norm(z))
            attended = self._attend(qkv.view(models * crops, chunks + 1, window, 3 * self.d_model), bias[:, i:], turn)
            z = z.view(models, crops, chunks + 1, window, self.d_model)[:, :, 1:].flatten(1, 3)
            z = z + drop(linear(weights, f"{i}.out", attended.view(models, -1, self.d_model)))
            hidden = F.gelu(linear(weights, f"{i}.up", norm(z)))
            z = z + drop(linear(weights, f"{i}.down", hidden))
        return norm(z).view(models, crops, chunks, window, self.d_model)

    def _attend(self, qkv: Tensor, bias: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """Every chunk but the first sees itself and the one before: (crops, chunks, window, 3 d) -> (rows, d)."""
        q, k, v = attention_inputs(qkv, self.n_heads, turn)
        seen = F.scaled_dot_product_attention(
            q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1), attn_mask=bias.flatten(0, 1)
        )  # (crops x chunks, heads, window, d_head)
        return seen.transpose(1, 2).reshape(-1, self.d_model)


def _band(known: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where a bar may look and -inf where not, (crops, chunks - 1, 1, window, 2 window)."""
    window = known.shape[-1]
    age = torch.arange(window, device=known.device)[:, None] + window - torch.arange(2 * window, device=known.device)
    keys = torch.cat((known[:, :-1], known[:, 1:]), dim=2)[:, :, None, None]
    # a bar always sees itself, so that no row of the softmax is empty
    visible = (age >= 0) & (age < window) & (keys | (age == 0))
    return torch.zeros((), dtype=dtype, device=known.device).masked_fill(~visible, -torch.inf)


def rotation(length: int, d_head: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of rotary positions, each (length, d_head / 2); the base suits hundreds of bars.

    Su, Lu, Pan, Murtadha, Wen & Liu, *RoFormer: Enhanced Transformer with Rotary Position Embedding* (2021), eq. 15.
    """
    pairs = torch.arange(0, d_head, 2, device=like.device)
    angle = torch.arange(length, device=like.device)[:, None] * ROPE_BASE ** (-pairs / d_head)
    return torch.cos(angle).to(like.dtype), torch.sin(angle).to(like.dtype)


_FAINT = 0.2
"""Share that is left of random queries and keys; of their products, its square."""


@dataclass(frozen=True, slots=True)
class RecentTransformer(BandedTransformer):
    """A `BandedTransformer` whose scores hang, before the first step, on a bar's age and hardly on what it holds.

    Random queries and keys let a head start on bars of any age, and a forecast that sums up the last hours is found
    late. Here a head starts from the score `recency` x the sum of cos(age x frequency) over some of its rotary pairs:
    the last head has one pair, half a turn of which takes one window and a half, and each head before it one faster
    pair more, down to an eighth of a window for the first. Shape, parameters and what can be learned are the same.

    A soft form of the fixed slopes in Press, Smith & Lewis, *Train Short, Test Long* (ICLR 2022), section 3.
    """

    recency: ClassVar[float] = 1.0

    def initial(self, seed: int) -> Tensor:
        """A fresh parameter vector (n_parameters,): that of `BandedTransformer` but for its queries and keys."""
        theta = BandedTransformer.initial(self, seed)
        weights = self.unpack(theta[None])
        size = (self.recency * self.d_head**0.5) ** 0.5  # attention divides scores by the root of d_head
        for i in range(self.n_layers):
            # small but not zero: a pair in which both are zero has no gradient and would stay so
            weights[f"{i}.qkv.w"][..., : 2 * self.d_model] *= _FAINT
            queries, keys, _ = weights[f"{i}.qkv.b"].view(3, self.n_heads, self.d_head)
            for head in range(self.n_heads):
                queries[head, self.pairs[head:]] = keys[head, self.pairs[head:]] = size
        return theta

    @property
    def pairs(self) -> list[int]:
        """The fastest rotary pair that each head starts with; half a turn of it is the head's reach."""
        n_pairs = self.d_head // 2
        reach = self.window / 8 * 12 ** (torch.arange(self.n_heads) / max(1, self.n_heads - 1))
        pair = n_pairs * torch.log(reach / torch.pi) / math.log(ROPE_BASE)
        return [int(number) for number in pair.round().clamp(0, n_pairs - 1)]
