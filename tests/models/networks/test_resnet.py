from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.models.networks.networks import outputs, parameters, rows
from tests.models.panels import panel_of

from tradsys.core.errors import ConfigError
from tradsys.models.forecaster import Panel
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.models.networks.resnet import DilatedResNet
from tradsys.models.training.agents import ResNetAgent

SMALL = DilatedResNet(5, d_model=8, n_layers=3, kernel=3, baseline=4, window=8)


def plain(network: DilatedResNet, theta: torch.Tensor, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """The same network tap by tap, without chunks: x (n_bars, n_features) -> (n_bars, n_outputs)."""
    w = {name: value[0] for name, value in network.unpack(theta).items()}

    def norm(z: torch.Tensor) -> torch.Tensor:
        return (z - z.mean(-1, keepdim=True)) / (z.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt()

    z = torch.zeros(len(x), network.d_model)
    for t in range(len(x)):
        last = range(max(0, t - network.baseline + 1), t + 1)
        read = [x[s] for s in last if known[s]]
        deviation = x[t] - sum(read) / len(read) if known[t] else torch.zeros(x.shape[1])
        z[t] = deviation @ w["inp.w"][:] + w["inp.b"][0]
    for i in range(network.n_layers):
        before = norm(z) * known[:, None]
        for t in range(len(x)):
            ages = [2**i * tap for tap in reversed(range(network.kernel))]
            taps = [before[t - age] if age <= t else torch.zeros(network.d_model) for age in ages]
            hidden = torch.nn.functional.gelu(torch.cat(taps) @ w[f"{i}.taps.w"] + w[f"{i}.taps.b"][0])
            z[t] = z[t] + hidden @ w[f"{i}.down.w"] + w[f"{i}.down.b"][0]
    return norm(z) @ w["head.w"] + w["head.b"]


def test_chunks_compute_what_plain_convolutions_compute() -> None:
    theta = parameters(SMALL)
    x, known = rows(SMALL, chunks=6)
    known.view(-1)[[*range(21), 30]] = False
    expected = plain(SMALL, theta, x.view(-1, 5), known.view(-1))
    at = known.view(-1)[SMALL.context :]
    torch.testing.assert_close(
        outputs(SMALL, theta, x, known)[0, 0][at], expected[SMALL.context :][at], atol=2e-5, rtol=1e-5
    )


def test_where_the_features_stand_does_not_matter_but_how_far_they_are_from_their_mean() -> None:
    theta = parameters(SMALL)
    x, known = rows(SMALL, chunks=6)
    moved = outputs(SMALL, theta, x + torch.linspace(-3, 3, 5), known)
    torch.testing.assert_close(moved, outputs(SMALL, theta, x, known), atol=1e-4, rtol=1e-4)


def test_reach_is_the_moving_mean_and_every_dilation() -> None:
    assert SMALL.receptive_field == 3 + 2 + 4 + 8
    assert SMALL.context == 24
    assert ResNetAgent().memory == 53


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="kernel must be at least 2 bars, was 1; 3 is usual"):
        ResNetAgent(kernel=1)
    with pytest.raises(ConfigError, match="baseline must be at least 2 bars, was 1: no bar"):
        DilatedResNet(5, baseline=1)


def reverting(n_bars: int = 6000) -> tuple[Panel, np.ndarray]:
    """A column that wanders; labels fear its deviation from its mean of 8 bars. Also the true probabilities."""
    panel, rng = panel_of(n_bars), np.random.default_rng(7)
    level = np.cumsum(rng.standard_normal(n_bars)) / 30
    deviation = level - np.convolve(level, np.ones(8) / 8)[:n_bars]
    odds = -1.5 * np.clip(deviation / deviation[50:].std(), -1.5, 1.5)
    p = 1 / (1 + np.exp(-np.column_stack([odds, -odds])))
    x, known = panel.X[0].copy(), np.isfinite(panel.y[0])
    x[50:, 1] = level[50:]
    y = np.where(known, rng.random(p.shape) < p, np.nan)
    return replace(panel, X=(x,), y=(y,), weight=(known.astype(float),)), p


def test_reversion_to_a_moving_mean_is_found_where_a_row_does_not_show_it() -> None:
    panel, p = reverting()
    rows, late = (np.isfinite(panel.y[0]).all(axis=1) & (np.arange(6000) < 4500),), slice(4600, 5900)
    agent = ResNetAgent(d_model=16, n_layers=2, baseline=8, window=16, learning_rate=1e-2, noise=0.05)
    loss = {}
    for model in (RidgeLogistic(), agent):
        z = model.fit(panel, rows, seed=0).logits(panel.X[0])[late]
        loss[model.name] = float((np.logaddexp(0, z) - p[late] * z).mean())
    best = float(-(p[late] * np.log(p[late]) + (1 - p[late]) * np.log(1 - p[late])).mean())
    assert loss["resnet"] - best < 0.5 * (loss["logistic"] - best)
