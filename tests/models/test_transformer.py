import pytest
import torch

from tradsys.core.errors import ConfigError
from tradsys.models.transformer import BandedTransformer

SMALL = BandedTransformer(5, d_model=16, n_layers=2, n_heads=2, window=8)


def parameters(network: BandedTransformer, n_models: int = 1) -> torch.Tensor:
    """Parameters of networks that do say something."""
    theta = torch.stack([network.initial(seed) for seed in range(n_models)])
    return theta + 0.1 * torch.randn(theta.shape, generator=torch.Generator().manual_seed(1))


def rows(
    network: BandedTransformer, chunks: int, n_models: int = 1, crops: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    shape = (n_models, crops, chunks, network.window)
    x = torch.randn(*shape, network.n_features, generator=torch.Generator().manual_seed(2))
    return x, torch.ones(shape, dtype=torch.bool)


def said(network: BandedTransformer, theta: torch.Tensor, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    return network.forward(network.unpack(theta), x, known).flatten(2, 3)


def plain(network: BandedTransformer, theta: torch.Tensor, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """The same network bar by bar, without chunks: x (n_bars, n_features) -> (n_bars, n_outputs)."""
    w = {name: value[0] for name, value in network.unpack(theta).items()}
    n, d, h = len(x), network.d_model, network.n_heads
    age = torch.arange(n)[:, None] - torch.arange(n)
    visible = (age >= 0) & (age < network.window) & (known[None] | (age == 0))
    angle = torch.arange(n)[:, None] * 1000.0 ** (-torch.arange(0, d // h, 2) / (d // h))
    z = x @ w["inp.w"] + w["inp.b"]

    def norm(z: torch.Tensor) -> torch.Tensor:
        return (z - z.mean(1, keepdim=True)) / (z.var(1, keepdim=True, unbiased=False) + 1e-5).sqrt()

    def turned(v: torch.Tensor) -> torch.Tensor:
        a, b = v[:, : d // h // 2], v[:, d // h // 2 :]
        return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], 1)

    for i in range(network.n_layers):
        q, k, v = (norm(z) @ w[f"{i}.qkv.w"] + w[f"{i}.qkv.b"]).split(d, dim=1)
        heads = []
        for head in range(h):
            part = slice(head * d // h, (head + 1) * d // h)
            score = turned(q[:, part]) @ turned(k[:, part]).T / (d // h) ** 0.5
            heads.append(score.masked_fill(~visible, -torch.inf).softmax(1) @ v[:, part])
        z = z + torch.cat(heads, 1) @ w[f"{i}.out.w"] + w[f"{i}.out.b"]
        hidden = torch.nn.functional.gelu(norm(z) @ w[f"{i}.up.w"] + w[f"{i}.up.b"])
        z = z + hidden @ w[f"{i}.down.w"] + w[f"{i}.down.b"]
    return norm(z) @ w["head.w"] + w["head.b"]


def test_chunks_compute_what_a_plain_banded_transformer_computes() -> None:
    theta = parameters(SMALL)
    x, known = rows(SMALL, chunks=6)
    known.view(-1)[:21] = False
    expected = plain(SMALL, theta, x.view(-1, 5), known.view(-1))
    torch.testing.assert_close(said(SMALL, theta, x, known)[0, 0], expected[SMALL.context :], atol=2e-5, rtol=1e-5)


def test_untrained_network_says_nothing() -> None:
    x, known = rows(SMALL, chunks=4)
    assert (said(SMALL, SMALL.initial(3)[None], x, known) == 0).all()


def test_changing_the_future_leaves_past_bits_alone() -> None:
    theta = parameters(SMALL)
    x, known = rows(SMALL, chunks=8)
    changed, at = x.clone(), 5 * SMALL.window + 3
    changed.view(-1, 5)[at:] = 1e3
    before, after = said(SMALL, theta, x, known)[0, 0], said(SMALL, theta, changed, known)[0, 0]
    at -= SMALL.context
    assert torch.equal(before[:at], after[:at])
    assert (before[at:] != after[at:]).all()


def test_a_forecast_depends_on_its_receptive_field_and_on_nothing_before_it() -> None:
    theta = parameters(SMALL)
    x, known = rows(SMALL, chunks=8)
    last = 8 * SMALL.window - 1
    oldest = last - SMALL.receptive_field

    def moved(row: int) -> float:
        changed = x.clone()
        changed.view(-1, 5)[row] += 5.0
        difference = said(SMALL, theta, changed, known) - said(SMALL, theta, x, known)
        return difference[0, 0, -1].abs().max().item()

    assert SMALL.receptive_field == 14
    assert moved(oldest) > 0
    assert moved(oldest - 1) == 0


def test_rows_that_are_not_known_draw_no_attention() -> None:
    theta = parameters(SMALL)
    x, known = rows(SMALL, chunks=5)
    known.view(-1)[:20] = False
    changed = x.clone()
    changed.view(-1, 5)[:20] = 1e3
    first = 20 - SMALL.context
    assert torch.equal(said(SMALL, theta, x, known)[0, 0, first:], said(SMALL, theta, changed, known)[0, 0, first:])


def test_models_side_by_side_do_not_mix() -> None:
    theta = parameters(SMALL, n_models=3)
    x, known = rows(SMALL, chunks=4, n_models=3, crops=2)
    together = said(SMALL, theta, x, known)
    for model in range(3):
        one = slice(model, model + 1)
        torch.testing.assert_close(together[one], said(SMALL, theta[one], x[one], known[one]), atol=1e-6, rtol=1e-5)


def test_parameter_vector_holds_every_map_once() -> None:
    weights = SMALL.unpack(SMALL.initial(0)[None])
    assert sum(value.numel() for value in weights.values()) == SMALL.n_parameters
    assert SMALL.decays().sum() == sum(v.numel() for name, v in weights.items() if name.endswith(".w"))


def test_heads_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of 2 x n_heads"):
        BandedTransformer(5, d_model=20, n_heads=4)
    with pytest.raises(ConfigError, match="window must be at least 2 bars, was 1"):
        BandedTransformer(5, window=1)
