"""Random streams of the noise in training: each model and step has its own."""

import numpy as np
import torch

from tradsys.models.training.random_streams import RandomStreams, keys_of


def step(number: int, n_models: int = 1) -> torch.Tensor:
    return torch.full((n_models, 1), number, dtype=torch.int64)


def test_numbers_depend_on_seed_stream_and_step_alone() -> None:
    together, alone = RandomStreams(keys_of([7, 8, 9])), RandomStreams(keys_of([8]))
    draw = together.uniform(step(5, 3), 2, 50)
    assert torch.equal(draw[1:2], alone.uniform(step(5), 2, 50))
    assert torch.equal(draw[1:2, :20], alone.uniform(step(5), 2, 20))
    for other in (draw[:1], draw[2:], alone.uniform(step(6), 2, 50), alone.uniform(step(5), 3, 50)):
        assert not torch.isclose(draw[1:2], other).any()


def test_normals_have_the_moments_of_normals_and_no_correlation() -> None:
    streams = RandomStreams(keys_of(range(20)))
    z = torch.cat([streams.normal(step(number, 20), 0, 5001) for number in range(1, 11)]).double()
    assert z.shape == (200, 5001)
    n = z.numel()
    assert abs(z.mean()) < 4 / n**0.5
    assert abs(z.var() - 1) < 4 * (2 / n) ** 0.5
    assert abs((z**4).mean() - 3) < 4 * (96 / n) ** 0.5
    correlation = np.corrcoef(z.numpy())[np.triu_indices(200, 1)]
    assert np.abs(correlation).max() < 5 / 5001**0.5
    assert abs(correlation.std() * 5001**0.5 - 1) < 0.05


def test_uniforms_fill_their_interval_evenly() -> None:
    u = RandomStreams(keys_of([3])).uniform(step(1), 1, 100_000)
    assert 0 < u.min() < 1e-4
    assert 1 > u.max() > 1 - 1e-4
    counts = np.histogram(u.numpy(), 100, (0, 1))[0]
    chi2 = ((counts - 1000) ** 2 / 1000).sum()
    assert 50 < chi2 < 160  # 99 degrees of freedom
