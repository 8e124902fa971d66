import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.models.networks.networks import by_torch, trained

from tradsys.core.errors import BundleError
from tradsys.models.focal import focal_logit
from tradsys.models.forecaster import load_forecaster
from tradsys.models.linear.logistic import FittedLinear
from tradsys.models.networks.network import Network
from tradsys.models.networks.onnx_forecaster import OnnxForecaster, TrainedNetwork
from tradsys.models.networks.resnet import DilatedResNet
from tradsys.models.networks.transformer import BandedTransformer, RecentTransformer

NETWORKS = [
    BandedTransformer(5, d_model=16, n_layers=2, n_heads=2, window=8),
    RecentTransformer(5, d_model=16, n_layers=2, n_heads=2, window=8),
    BandedTransformer(3, d_model=24, n_layers=1, n_heads=3, window=20, expansion=2),
    BandedTransformer(7, d_model=32, n_layers=3, n_heads=4, window=5),
    DilatedResNet(5, d_model=8, n_layers=3, kernel=3, baseline=6, window=8),
    DilatedResNet(3, d_model=16, n_layers=2, kernel=4, baseline=2, window=60),
]
NETWORK = NETWORKS[0]
OFFSET = FittedLinear(np.array([0.1, -0.2]), np.linspace(-0.3, 0.3, 10).reshape(2, 5))


def forecaster(network: Network = NETWORK, offset: FittedLinear = OFFSET, **focal: float) -> OnnxForecaster:
    content = trained(network)
    return assembled(content, network, offset, **focal)


def assembled(
    content: TrainedNetwork | None, network: Network = NETWORK, offset: FittedLinear = OFFSET, **focal: float
) -> OnnxForecaster:
    shape = (network.window, network.context, network.receptive_field)
    return OnnxForecaster("transformer", offset, content, *shape, **focal)


def features(n_bars: int, n_features: int = 5, warm_up: int = 11) -> np.ndarray:
    X = np.random.default_rng(3).standard_normal((n_bars, n_features))
    X[:warm_up] = np.nan
    return X


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("n_bars", [12, 61, 1200])
def test_onnx_says_what_torch_says(network: Network, n_bars: int) -> None:
    X = features(n_bars, network.n_features)
    nothing = FittedLinear(np.zeros(2), np.zeros((2, network.n_features)))
    logits = forecaster(network, nothing).logits(X)
    np.testing.assert_allclose(logits[11:], by_torch(network, X)[11:], atol=1e-5)
    assert np.isnan(logits[:11]).all()


def test_linear_model_and_network_add_up() -> None:
    X = features(100)
    added = forecaster().logits(X) - OFFSET.logits(X)
    np.testing.assert_allclose(added[11:], by_torch(NETWORK, X)[11:], atol=1e-5)


def test_rows_that_follow_do_not_change_a_bit() -> None:
    X, model = features(1000), forecaster()
    whole = model.logits(X)
    for n_bars in (12, 13, 300, 512, 999):
        assert model.logits(X[:n_bars]).tobytes() == whole[:n_bars].tobytes()


def test_last_bar_needs_no_more_history_than_its_memory() -> None:
    X, model = features(700), forecaster()
    whole = model.logits(X)
    for at in (200, 411, 699):
        tail = model.logits(X[at - model.memory : at + 1])
        np.testing.assert_allclose(tail[-1], whole[at], atol=1e-5)
        shorter = model.logits(X[at - model.memory + 1 : at + 1])
        assert np.abs(shorter[-1] - whole[at]).max() > 1e-7


def test_a_network_trained_on_focal_loss_adds_on_the_focal_scale_and_comes_back() -> None:
    X = features(100)
    focal = forecaster(gamma=2.0, alpha=0.25).logits(X)
    expected = focal_logit(OFFSET.logits(X), 2.0, 0.25) + by_torch(NETWORK, X)
    np.testing.assert_allclose(focal_logit(focal, 2.0, 0.25)[11:], expected[11:], atol=1e-5)


def test_a_network_that_says_nothing_leaves_the_linear_model_whatever_the_objective() -> None:
    X = features(100)
    silent = trained(NETWORK, NETWORK.initial(0).numpy())
    for focal in ({}, {"gamma": 2.0, "alpha": 0.25}):
        model = assembled(silent, **focal)
        np.testing.assert_allclose(model.logits(X), OFFSET.logits(X), atol=1e-13)
    none = assembled(None)
    assert none.logits(X).tobytes() == OFFSET.logits(X).tobytes()
    assert none.memory == NETWORK.receptive_field


def test_a_gap_in_the_features_is_a_gap_in_the_forecasts_and_draws_no_attention() -> None:
    X, model = features(100), forecaster()
    X[50] = np.nan
    other = X.copy()
    other[50, 1:] = 9.0
    logits = model.logits(X)
    assert np.isnan(logits[50]).all()
    assert np.isfinite(np.delete(logits, np.r_[:11, 50], axis=0)).all()
    assert logits.tobytes() == model.logits(other).tobytes()


def test_no_rows_and_no_known_rows_have_no_forecasts() -> None:
    assert forecaster().logits(features(0, warm_up=0)).shape == (0, 2)
    assert np.isnan(forecaster().logits(features(9))).all()


def test_files_without_their_description_are_refused() -> None:
    with pytest.raises(BundleError, match=r"include network\.json, found \['network\.onnx'\]"):
        OnnxForecaster.from_files({"network.onnx": b""})


def test_files_hold_equal_bits_and_load_without_torch(tmp_path: Path) -> None:
    model, X = forecaster(gamma=2.0), features(150)
    np.save(tmp_path / "X.npy", X)
    for name, content in model.to_files().items():
        (tmp_path / name).write_bytes(content)
    program = f"""
import sys
from pathlib import Path
import numpy as np
from tradsys.models.forecaster import load_forecaster
files = {{name: Path({str(tmp_path)!r}, name).read_bytes() for name in {sorted(model.to_files())!r}}}
np.save({str(tmp_path / "z.npy")!r}, load_forecaster("transformer", files).logits(np.load({str(tmp_path / "X.npy")!r})))
assert not {{"torch", "onnx"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert np.load(tmp_path / "z.npy").tobytes() == model.logits(X).tobytes()
    assert load_forecaster("transformer", model.to_files()).to_files() == model.to_files()
