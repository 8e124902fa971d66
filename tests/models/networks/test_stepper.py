import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.models.networks.networks import by_torch, trained

from tradsys.core.errors import BundleError, ConfigError
from tradsys.models.focal import add_on_focal_scale
from tradsys.models.linear.logistic import FittedLinear
from tradsys.models.networks.network import Network
from tradsys.models.networks.onnx_forecaster import OnnxForecaster, TrainedNetwork
from tradsys.models.networks.resnet import DilatedResNet
from tradsys.models.networks.stepper import Stepper, _add_on_focal_scale
from tradsys.models.networks.transformer import BandedTransformer

NETWORKS = [
    BandedTransformer(5, d_model=16, n_layers=2, n_heads=2, window=8),
    BandedTransformer(3, d_model=24, n_layers=1, n_heads=3, window=20, expansion=2),
    BandedTransformer(20),
    DilatedResNet(5, d_model=8, n_layers=3, kernel=3, baseline=6, window=8),
    DilatedResNet(3, d_model=16, n_layers=2, kernel=4, baseline=2, window=60),
    DilatedResNet(20),
]
every_network = pytest.mark.parametrize("network", NETWORKS, ids=lambda n: f"{type(n).__name__}-{n.d_model}")


def forecaster(network: Network, **focal: float) -> OnnxForecaster:
    offset = FittedLinear(np.array([0.1, -0.2]), np.linspace(-0.3, 0.3, 2 * network.n_features).reshape(2, -1))
    shape = (network.window, network.context, network.receptive_field)
    return OnnxForecaster("some", offset, trained(network), *shape, **focal)


def features(network: Network, n_bars: int = 400) -> np.ndarray:
    """Rows with a warm-up and a few holes."""
    X = np.random.default_rng(3).standard_normal((n_bars, network.n_features))
    X[:11] = np.nan
    X[[100, 101, 230], 1] = np.nan
    return X


def stepped(model: OnnxForecaster, X: np.ndarray) -> np.ndarray:
    stepper = Stepper(model)
    return np.array([stepper.step(row) for row in X])


@every_network
def test_steps_say_what_onnx_and_torch_say_of_the_batch(network: Network) -> None:
    model, X = forecaster(network), features(network)
    said = stepped(model, X)
    np.testing.assert_allclose(said, model.logits(X), atol=1e-5, rtol=0)
    assert np.isnan(said).any(axis=1).sum() == 14
    known = np.isfinite(X).all(axis=1)
    np.testing.assert_allclose(said[known], (model.offset.logits(X) + by_torch(network, X))[known], atol=1e-5, rtol=0)


@every_network
def test_a_warm_start_needs_no_more_rows_than_the_models_memory(network: Network) -> None:
    model, X = forecaster(network), features(network)
    whole, stepper = model.logits(X), Stepper(model)
    for at in (250, 399):
        stepper.warm(X[at - model.memory : at])
        np.testing.assert_allclose(stepper.step(X[at]), whole[at], atol=1e-5, rtol=0)
    stepper.warm(X[:399])
    last = stepper.step(X[399])
    stepper.warm(X[399 - model.memory : 399])
    assert stepper.step(X[399]).tobytes() == last.tobytes()
    stepper.warm(X[399 - model.memory + 1 : 399])
    assert np.abs(stepper.step(X[399]) - whole[399]).max() > 1e-8


@every_network
def test_focal_forecasts_step_back_to_truth(network: Network) -> None:
    model, X = forecaster(network, gamma=2.0, alpha=0.25), features(network, 240)
    np.testing.assert_allclose(stepped(model, X), model.logits(X), atol=3e-5, rtol=0)


@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, None), (2.0, 0.25), (0.5, 0.9), (5.0, 0.1), (0.0, None)])
def test_compiled_sums_on_the_focal_scale_are_those_of_whole_arrays(gamma: float, alpha: float | None) -> None:
    base = np.concatenate([np.linspace(-30, 30, 61), [-800.0, -1e-9, 1e-9, 800.0]])
    added = np.random.default_rng(0).standard_normal(len(base)).astype(np.float32)
    expected = add_on_focal_scale(base, added, gamma, alpha)
    np.testing.assert_allclose(_add_on_focal_scale(base, added, gamma, alpha), expected, rtol=1e-12, atol=1e-12)


@every_network
def test_parameters_and_settings_come_back_out_of_the_files(network: Network) -> None:
    whole = trained(network)
    back = TrainedNetwork.from_files(json.loads(json.dumps(whole.describe())), whole.to_files())
    assert back.theta.tobytes() == whole.theta.tobytes()
    assert type(network)(**{k: v for k, v in back.settings.items() if k != "rope_base"}) == network
    assert (back.architecture, back.graph) == (whole.architecture, whole.graph)


def test_forecasts_long_after_the_start_are_as_exact() -> None:
    network = NETWORKS[0]
    model, X = forecaster(network), features(network)
    stepper = Stepper(model)
    stepper._steps._bar = 10_000_000 * network.window  # a thousand years of hours
    said = np.array([stepper.step(row) for row in X])
    np.testing.assert_allclose(said, model.logits(X), atol=1e-5, rtol=0)


def test_without_a_network_it_steps_the_linear_model() -> None:
    offset = FittedLinear(np.array([0.1, -0.2]), np.ones((2, 5)))
    X = features(NETWORKS[0])
    model = OnnxForecaster("transformer", offset, None, 8, 16, 14)
    stepper = Stepper(model)
    stepper.warm(X[:50])
    np.testing.assert_allclose(stepper.step(X[50]), offset.logits(X)[50], atol=1e-14)


def test_rows_and_graphs_that_do_not_fit_are_refused() -> None:
    stepper = Stepper(forecaster(NETWORKS[0]))
    with pytest.raises(ConfigError, match=r"fitted on 5 features, found a row of shape \(4,\)"):
        stepper.step(np.zeros(4))
    whole = trained(NETWORKS[0])
    files = whole.to_files()
    with pytest.raises(BundleError, match=r"include network\.safetensors, found \['network\.onnx'\]"):
        TrainedNetwork.from_files(whole.describe(), {"network.onnx": files["network.onnx"]})
    with pytest.raises(BundleError, match="holds no parameters of a network"):
        TrainedNetwork.from_files(whole.describe(), files | {"network.safetensors": b"\x0b\x0c"})
    model = OnnxForecaster("x", forecaster(NETWORKS[0]).offset, replace(whole, architecture="mamba"), 8, 16, 14)
    with pytest.raises(BundleError, match="step are banded_transformer, dilated_resnet, found 'mamba'"):
        Stepper(model)


def test_stepping_needs_neither_torch_nor_onnx(tmp_path: Path) -> None:
    model, X = forecaster(NETWORKS[3]), features(NETWORKS[3], 240)
    np.save(tmp_path / "X.npy", X)
    for name, content in model.to_files().items():
        (tmp_path / name).write_bytes(content)
    program = f"""
import sys
from pathlib import Path
sys.modules["torch"] = sys.modules["onnx"] = sys.modules["onnxruntime"] = None
import numpy as np
from tradsys.models.forecaster import load_forecaster
from tradsys.models.networks.stepper import Stepper, _add_on_focal_scale
files = {{name: Path({str(tmp_path)!r}, name).read_bytes() for name in {sorted(model.to_files())!r}}}
stepper = Stepper(load_forecaster("resnet", files))
X = np.load({str(tmp_path / "X.npy")!r})
np.save({str(tmp_path / "z.npy")!r}, np.array([stepper.step(row) for row in X]))
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert np.load(tmp_path / "z.npy").tobytes() == stepped(model, X).tobytes()
