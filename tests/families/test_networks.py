"""What every network must keep to; a new one joins by one line in the list."""

import pytest
import torch
from tests.models.networks.networks import outputs, parameters, rows

from tradsys.models.networks.network import Network
from tradsys.models.networks.resnet import DilatedResNet
from tradsys.models.networks.transformer import BandedTransformer, RecentTransformer

NETWORKS = [
    BandedTransformer(5, d_model=16, n_layers=2, n_heads=2, window=8),
    RecentTransformer(5, d_model=16, n_layers=2, n_heads=2, window=8),
    DilatedResNet(5, d_model=8, n_layers=2, kernel=3, baseline=4, window=8),
    DilatedResNet(5, d_model=8, n_layers=3, kernel=2, baseline=2, window=5, expansion=1),
]
every_network = pytest.mark.parametrize("network", NETWORKS, ids=lambda n: f"{type(n).__name__}-{n.window}")


@every_network
def test_untrained_network_says_nothing(network: Network) -> None:
    x, known = rows(network, chunks=4)
    assert (outputs(network, network.initial(0)[None], x, known) == 0).all()


@every_network
def test_every_bar_after_the_context_has_a_forecast(network: Network) -> None:
    x, known = rows(network, chunks=6, crops=3)
    weights = network.unpack(parameters(network))
    n_chunks = 6 - network.context // network.window
    assert network.context % network.window == 0
    assert network.encode(weights, x, known).shape == (1, 3, n_chunks, network.window, network.d_model)
    assert network.forward(weights, x, known).shape == (1, 3, n_chunks, network.window, network.n_outputs)


@every_network
def test_forecasts_are_the_head_of_what_is_encoded(network: Network) -> None:
    x, known = rows(network, chunks=5)
    weights = network.unpack(parameters(network))
    hidden = network.encode(weights, x, known)
    torch.testing.assert_close(hidden.mean(dim=-1), torch.zeros(hidden.shape[:-1]), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        network.forward(weights, x, known), hidden @ weights["head.w"][0] + weights["head.b"][0], atol=1e-5, rtol=1e-5
    )


@every_network
def test_changing_the_future_leaves_past_bits_alone(network: Network) -> None:
    theta = parameters(network)
    x, known = rows(network, chunks=8)
    changed, at = x.clone(), 5 * network.window + 3
    changed.view(-1, 5)[at:] = 1e3
    before, after = outputs(network, theta, x, known)[0, 0], outputs(network, theta, changed, known)[0, 0]
    at -= network.context
    assert torch.equal(before[:at], after[:at])
    assert (before[at] != after[at]).all()


@every_network
def test_a_forecast_depends_on_its_receptive_field_and_on_nothing_before_it(network: Network) -> None:
    theta = parameters(network)
    x, known = rows(network, chunks=8)
    last = 8 * network.window - 1

    def moved(row: int) -> float:
        changed = x.clone()
        changed.view(-1, 5)[row] += torch.linspace(-5, 5, 5)
        difference = outputs(network, theta, changed, known) - outputs(network, theta, x, known)
        return difference[0, 0, -1].abs().max().item()

    assert network.receptive_field <= network.context
    assert moved(last - network.receptive_field) > 0
    assert moved(last - network.receptive_field - 1) == 0


@every_network
def test_rows_that_are_not_known_change_no_other(network: Network) -> None:
    theta = parameters(network)
    x, known = rows(network, chunks=8)
    hidden = torch.zeros(8 * network.window, dtype=torch.bool)
    hidden[: 2 * network.window + 1] = hidden[-6] = True
    known.view(-1)[hidden] = False
    changed = x.clone()
    changed.view(-1, 5)[hidden] = 1e3
    kept = ~hidden[network.context :]
    before, after = outputs(network, theta, x, known)[0, 0], outputs(network, theta, changed, known)[0, 0]
    assert torch.equal(before[kept], after[kept])


@every_network
def test_models_side_by_side_do_not_mix(network: Network) -> None:
    theta = parameters(network, n_models=3)
    x, known = rows(network, chunks=6, n_models=3, crops=2)
    together = outputs(network, theta, x, known)
    for model in range(3):
        one = slice(model, model + 1)
        torch.testing.assert_close(
            together[one], outputs(network, theta[one], x[one], known[one]), atol=1e-6, rtol=1e-5
        )


@every_network
def test_parameter_vector_holds_every_map_once_and_the_head_last(network: Network) -> None:
    weights = network.unpack(network.initial(0)[None])
    assert list(weights)[-2:] == ["head.w", "head.b"]
    assert sum(value.numel() for value in weights.values()) == network.n_parameters
    assert network.decays().sum() == sum(v.numel() for name, v in weights.items() if name.endswith(".w"))
