"""The transformer's attention inputs, and the rotation that tells places apart."""

import torch
from torch import Tensor

from tradsys.models.networks.transformer import attention_inputs, rotation

WINDOW, HEADS, D_HEAD = 5, 2, 4


def plain(qkv: Tensor, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """The same by autograd's own operations."""
    heads = qkv.unflatten(3, (3, HEADS, D_HEAD))
    q, k, v = heads.permute(3, 0, 1, 4, 2, 5).unbind(0)
    before, here = (tuple(table[part] for table in turn) for part in (slice(WINDOW), slice(WINDOW, None)))

    def turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=-1)
        return torch.cat((a * cosine - b * sine, a * sine + b * cosine), dim=-1)

    keys = torch.cat((turned(k[:, :-1], *before), turned(k[:, 1:], *here)), dim=3)
    return turned(q[:, 1:], *here), keys, torch.cat((v[:, :-1], v[:, 1:]), dim=3)


def test_what_is_seen_and_its_gradient_equal_those_of_plain_operations_bit_by_bit() -> None:
    random = torch.Generator().manual_seed(0)
    qkv = torch.randn(3, 4, WINDOW, 3 * HEADS * D_HEAD, generator=random, requires_grad=True)
    turn = rotation(2 * WINDOW, D_HEAD, torch.zeros(()))
    ours, theirs = attention_inputs(qkv, HEADS, turn), plain(qkv, turn)
    weights = [torch.randn(part.shape, generator=random) for part in theirs]
    gradients = [torch.autograd.grad(seen, qkv, weights)[0] for seen in (ours, theirs)]
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert torch.equal(*gradients)


def test_each_gradient_has_the_precision_of_what_it_belongs_to() -> None:
    qkv = torch.ones(1, 2, WINDOW, 3 * HEADS * D_HEAD, dtype=torch.bfloat16, requires_grad=True)
    queries, keys, values = attention_inputs(qkv, HEADS, rotation(2 * WINDOW, D_HEAD, torch.zeros(())))
    assert (queries.dtype, keys.dtype, values.dtype) == (torch.float32, torch.float32, torch.bfloat16)
    (gradient,) = torch.autograd.grad(queries.sum() + keys.sum() + values.float().sum(), qkv)
    assert gradient.dtype == torch.bfloat16
