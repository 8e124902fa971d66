"""The transformer whose attention starts on recent bars."""

import pytest
import torch
from tests.models.networks.networks import rows

from tradsys.models.networks.transformer import ROPE_BASE, BandedTransformer, RecentTransformer

SMALL = RecentTransformer(5, d_model=16, n_layers=2, n_heads=2, window=8)


def scores(network: BandedTransformer, head: int) -> torch.Tensor:
    """What a head of the first layer adds up for keys of age 0 to window - 1 at the start, by hand."""
    bias = network.unpack(network.initial(0)[None])["0.qkv.b"].view(3, network.n_heads, network.d_head)
    query, key = bias[0, head], bias[1, head]
    half = network.d_head // 2
    frequency = ROPE_BASE ** (-torch.arange(half) / half)
    turn = torch.arange(network.window)[:, None] * frequency
    return (query[:half] * key[:half] * turn.cos()).sum(dim=1) / network.d_head**0.5


def test_heads_reach_from_an_eighth_of_a_window_to_one_and_a_half() -> None:
    network = RecentTransformer(20)
    frequency = ROPE_BASE ** (-torch.tensor(network.pairs) / 8)
    assert network.pairs == [1, 2, 3, 4]
    assert (torch.pi / frequency).tolist() == pytest.approx([7.4, 17.7, 41.9, 99.3], abs=0.05)


def test_scores_start_highest_at_the_bar_itself_and_the_first_head_forgets_soonest() -> None:
    network = RecentTransformer(20)
    by_head = torch.stack([scores(network, head).softmax(0) for head in range(4)])
    assert (by_head.argmax(dim=1) == 0).all()
    mean_age = by_head @ torch.arange(60.0)
    assert (mean_age.diff() > 0).all()
    assert 2 < mean_age[0] < 15 < mean_age[3] < 29.5  # 29.5 is what a head has that looks at all bars alike


def test_every_query_and_key_can_learn_from_the_start() -> None:
    theta = SMALL.initial(3)[None]
    head = SMALL.unpack(theta)["head.w"]
    head.copy_(torch.randn(head.shape, generator=torch.Generator().manual_seed(0)))
    theta.requires_grad_()
    x, known = rows(SMALL, chunks=4)
    outputs = SMALL.forward(SMALL.unpack(theta), x, known)
    (gradient,) = torch.autograd.grad(outputs.square().sum(), theta)
    for layer in range(2):
        assert SMALL.unpack(gradient)[f"{layer}.qkv.w"].abs().amax(dim=1).min() > 1e-5


def test_all_but_queries_and_keys_starts_as_in_the_banded_transformer() -> None:
    ours = SMALL.unpack(SMALL.initial(3)[None])
    theirs_network = BandedTransformer(5, d_model=16, n_layers=2, n_heads=2, window=8)
    theirs = theirs_network.unpack(theirs_network.initial(3)[None])
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs if not name.endswith(("qkv.w", "qkv.b")))
    values = (..., slice(32, None))
    assert torch.equal(ours["1.qkv.w"][values], theirs["1.qkv.w"][values])
