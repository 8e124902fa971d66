"""Inputs of a banded attention layer: rotated queries, keys and values of a chunk and the one before.

The backward pass is written out. Left to autograd it is the same numbers, bit by bit, in many more kernels.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def attention_inputs(qkv: Tensor, n_heads: int, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Queries (crops, chunks - 1, n_heads, window, d_head), keys and values with twice as many rows.

    `qkv` is (crops, chunks, window, 3 d_model). `turn` are cosine and sine (2 window, d_head / 2) of the places in a
    chunk and, before them, in the one before it; the first chunk has keys and values only.
    """
    cosine, sine = turn
    both = torch.cat((cosine, cosine), dim=1), torch.cat((-sine, sine), dim=1)
    # torch gives `apply` no types
    queries, keys, values = _AttentionInputs.apply(qkv.unflatten(3, (3, n_heads, -1)), *both)  # type: ignore[no-untyped-call]
    return queries, keys, values


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
