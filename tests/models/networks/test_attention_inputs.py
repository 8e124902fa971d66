"""The transformer's attention inputs, and the rotation that tells places apart."""

import pytest
import torch
from torch import Tensor

from tradsys.models.networks import transformer
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


def tables(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosine and sine as both ways take them, (2 window, d_head)."""
    cosine, sine = rotation(2 * WINDOW, D_HEAD, torch.zeros((), dtype=dtype))
    return torch.cat((cosine, cosine), dim=1), torch.cat((-sine, sine), dim=1)


WAYS = {
    "written out": transformer._AttentionInputs.apply,
    "plain": transformer.plain_attention_inputs,
}


@pytest.mark.parametrize("shape", [(1, 2), (1, 4), (3, 2)], ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_each_way_has_the_gradient_of_its_values_in_the_shape_of_its_input(way: str, shape: tuple[int, int]) -> None:
    random = torch.Generator().manual_seed(1)
    heads = torch.randn(*shape, WINDOW, 3, HEADS, D_HEAD, generator=random, dtype=torch.float64, requires_grad=True)
    both = tables(torch.float64)
    parts = WAYS[way](heads, *both)
    (gradient,) = torch.autograd.grad(sum(part.square().sum() for part in parts), heads)
    assert gradient.shape == heads.shape
    assert torch.autograd.gradcheck(lambda x: WAYS[way](x, *both), heads, atol=1e-6)


def test_both_ways_agree_to_ten_digits() -> None:
    random = torch.Generator().manual_seed(2)
    heads = torch.randn(3, 4, WINDOW, 3, HEADS, D_HEAD, generator=random, dtype=torch.float64, requires_grad=True)
    ours, theirs = (way(heads, *tables(torch.float64)) for way in WAYS.values())
    weights = [torch.randn(part.shape, generator=random, dtype=torch.float64) for part in theirs]
    gradients = [torch.autograd.grad(parts, heads, weights)[0] for parts in (ours, theirs)]
    for one, other in (*zip(ours, theirs, strict=True), gradients):
        torch.testing.assert_close(one, other, atol=1e-10, rtol=0)


def test_what_is_compiled_and_what_runs_on_a_card_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    plainly = transformer.plain_attention_inputs

    def watched(*args: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        taken.append(args[0].device.type)
        return plainly(*args)

    monkeypatch.setattr(transformer, "plain_attention_inputs", watched)
    qkv, turn = torch.ones(1, 2, WINDOW, 3 * HEADS * D_HEAD), rotation(2 * WINDOW, D_HEAD, torch.zeros(()))
    attention_inputs(qkv, HEADS, turn)
    assert taken == []
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    attention_inputs(qkv, HEADS, turn)
    assert taken == ["cpu"]


def test_plain_parts_keep_the_precision_of_what_they_are_made_of() -> None:
    heads = torch.ones(1, 2, WINDOW, 3, HEADS, D_HEAD, dtype=torch.bfloat16, requires_grad=True)
    parts = transformer.plain_attention_inputs(heads, *tables(torch.float32))
    assert {part.dtype for part in parts} == {torch.bfloat16}
