import pytest
import torch
from tests.models.networks.networks import outputs, parameters, rows

from tradsys.core.errors import ConfigError
from tradsys.models.networks.transformer import BandedTransformer

SMALL = BandedTransformer(5, d_model=16, n_layers=2, n_heads=2, window=8)


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
    torch.testing.assert_close(outputs(SMALL, theta, x, known)[0, 0], expected[SMALL.context :], atol=2e-5, rtol=1e-5)


def test_heads_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of 2 x n_heads"):
        BandedTransformer(5, d_model=20, n_heads=4)
    with pytest.raises(ConfigError, match="window must be at least 2 bars, was 1"):
        BandedTransformer(5, window=1)
