"""The dense transformer with another start: attention begins on recent bars instead of wherever chance points it."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from tradsys.models.networks.transformer import ROPE_BASE, BandedTransformer

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
