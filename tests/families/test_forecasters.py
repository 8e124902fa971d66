"""What every forecaster must keep to; a new model joins by one line in the list."""

import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.models.panels import panel_of

from tradsys.models.forecaster import FittedForecaster, Forecaster, Panel, Rows, load_forecaster
from tradsys.models.linear.baselines import BaseRate, SymmetricLogistic, VolatilityOnly
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.models.linear.volatility_agent import VolatilityAgent
from tradsys.models.networks.onnx_forecaster import OnnxForecaster
from tradsys.models.networks.stepper import Stepper
from tradsys.models.training.agents import ResNetAgent, TransformerAgent
from tradsys.models.training.contrastive import Contrast
from tradsys.models.training.contrastive_agent import ContrastiveAgent
from tradsys.models.training.network_agent import NetworkAgent
from tradsys.models.trees.boosted import Boosted

SMALL_NETWORK = TransformerAgent(d_model=16, n_layers=2, n_heads=2, window=16, learning_rate=5e-3, max_steps=300)
SMALL_RESNET = ResNetAgent(d_model=16, n_layers=3, baseline=8, window=16, learning_rate=5e-3, max_steps=300)
N_BARS, N_TRAINING = 8000, 6000


@dataclass(frozen=True)
class Case:
    """A forecaster, whether it may say something about direction, and whether rounding may depend on the batch."""

    model: Forecaster
    finds_direction: bool = True
    tolerance: float = 0.0

    def __str__(self) -> str:
        return f"{self.model.name}-{getattr(self.model, 'objective', '')}".strip("-")


CASES = [
    Case(BaseRate(), finds_direction=False),
    Case(VolatilityOnly(), finds_direction=False),
    Case(RidgeLogistic()),
    Case(SymmetricLogistic()),
    Case(Boosted()),
    Case(VolatilityAgent(), finds_direction=False),
    Case(SMALL_NETWORK, tolerance=1e-5),
    Case(replace(SMALL_NETWORK, objective="focal", focal_alpha=0.25), tolerance=1e-5),
    Case(
        ContrastiveAgent(replace(SMALL_NETWORK, n_layers=1, window=8, max_steps=120), Contrast(queue=240)),
        tolerance=1e-5,
    ),
    Case(SMALL_RESNET, tolerance=1e-5),
    Case(replace(SMALL_RESNET, objective="focal", focal_alpha=0.25), tolerance=1e-5),
]
every_forecaster = pytest.mark.parametrize("case", CASES, ids=str)


@cache
def planted(echo: bool = True) -> Panel:
    """A column of d' = .2 for the row models; with `echo` also one whose past matters, so that the network is kept."""
    panel = panel_of(N_BARS, edge=0.2, volatility=0.0)
    if not echo:
        return panel
    rng, x, hit = np.random.default_rng(7), panel.X[0], panel.y[0]
    odds = 0.2 * x[:, 0] + 1.5 * np.roll(x[:, 3], 2)
    y = (rng.random(hit.shape) < 1 / (1 + np.exp(-np.column_stack([odds, -odds])))).astype(float)
    known = np.isfinite(hit) & np.isfinite(odds)[:, None]
    return replace(panel, y=(np.where(known, y, np.nan),), weight=(known.astype(float),))


def permuted(panel: Panel, seed: int = 0) -> Panel:
    """The panel with its labels shuffled in blocks of 100 bars: nothing is left to find."""
    order = np.random.default_rng(seed).permutation(N_BARS // 100)
    y, weight = ((array[0].reshape(-1, 100, 2)[order].reshape(-1, 2),) for array in (panel.y, panel.weight))
    return replace(panel, y=y, weight=weight)


def training(panel: Panel) -> Rows:
    return tuple(mask & (np.arange(N_BARS) < N_TRAINING) for mask in panel.usable())


@cache
def fitted(case: Case) -> FittedForecaster:
    panel = planted()
    return case.model.fit(panel, training(panel), seed=0)


def saved_millinats(case: Case, panel: Panel, probability: np.ndarray) -> float:
    """Mean log-loss saved after the training rows against their base rate, (n_bars, 2) being what is scored against."""
    rows, late = training(panel), slice(N_TRAINING + 50, N_BARS - 50)
    base, model = (spec.fit(panel, rows, seed=0).logits(panel.X[0])[late] for spec in (BaseRate(), case.model))
    base_loss, loss = (np.logaddexp(0, z) - probability[late] * z for z in (base, model))
    return 1e3 * float((base_loss - loss).mean())


@every_forecaster
def test_changing_the_future_leaves_past_forecasts_alone(case: Case) -> None:
    X = planted().X[0]
    changed = X.copy()
    changed[5000:] = np.random.default_rng(1).normal(50, 9, changed[5000:].shape)
    before, after = (fitted(case).logits(x) for x in (X, changed))
    assert before[:5000].tobytes() == after[:5000].tobytes()


@every_forecaster
def test_later_bars_do_not_change_earlier_forecasts(case: Case) -> None:
    X = planted().X[0]
    whole = fitted(case).logits(X)
    for n_bars in (51, 777, 5000):
        np.testing.assert_allclose(fitted(case).logits(X[:n_bars]), whole[:n_bars], atol=case.tolerance, rtol=0)


@every_forecaster
def test_bar_by_bar_equals_the_batch(case: Case) -> None:
    X, model = planted().X[0], fitted(case)
    assert model.memory == case.model.memory
    whole = model.logits(X)
    for at in (50 + model.memory, 1234, 7999):
        stepped = model.logits(X[at - model.memory : at + 1])[-1]
        np.testing.assert_allclose(stepped, whole[at], atol=case.tolerance, rtol=0)


@pytest.mark.parametrize("case", [case for case in CASES if isinstance(case.model, NetworkAgent)], ids=str)
def test_a_network_stepped_bar_by_bar_equals_its_batch(case: Case) -> None:
    X, model = planted().X[0][:600], fitted(case)
    assert isinstance(model, OnnxForecaster)
    stepper = Stepper(model)
    said = np.array([stepper.step(row) for row in X])
    np.testing.assert_allclose(said, model.logits(X), atol=case.tolerance, rtol=0)
    stepper.warm(X[:-1])
    np.testing.assert_allclose(stepper.step(X[-1]), said[-1], atol=case.tolerance, rtol=0)


@every_forecaster
def test_rows_without_features_have_no_forecast_and_all_others_do(case: Case) -> None:
    logits = fitted(case).logits(planted().X[0])
    assert logits.shape == (N_BARS, 2)
    assert logits.dtype == np.float64
    assert np.isnan(logits[:50]).all()
    assert np.isfinite(logits[50:]).all()


@every_forecaster
def test_same_seed_gives_the_same_files(case: Case) -> None:
    panel = planted()
    again = case.model.fit(panel, training(panel), seed=0)
    assert again.to_files() == fitted(case).to_files()


@every_forecaster
def test_files_bring_back_equal_bits_without_torch(case: Case, tmp_path: Path) -> None:
    model, X = fitted(case), planted().X[0][:500]
    for name, content in model.to_files().items():
        (tmp_path / name).write_bytes(content)
    np.save(tmp_path / "X.npy", X)
    program = f"""
import sys
from pathlib import Path
import numpy as np
from tradsys.models.forecaster import load_forecaster
folder = Path({str(tmp_path)!r})
files = {{name: (folder / name).read_bytes() for name in {sorted(model.to_files())!r}}}
model = load_forecaster({model.kind!r}, files)
assert model.memory == {model.memory}
np.save(folder / "z.npy", model.logits(np.load(folder / "X.npy")))
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert np.load(tmp_path / "z.npy").tobytes() == model.logits(X).tobytes()
    assert load_forecaster(model.kind, model.to_files()).to_files() == model.to_files()


@every_forecaster
def test_a_planted_feature_is_found_by_those_that_look_for_it(case: Case) -> None:
    panel = planted(echo=False)
    odds = -0.2 + 0.2 * panel.X[0][:, :1] * [1.0, -1.0]
    gain = saved_millinats(case, panel, 1 / (1 + np.exp(-odds)))
    # a column of d' = .2 holds 4.9 millinats
    assert gain > 2.0 if case.finds_direction else abs(gain) < 0.5


@every_forecaster
def test_nothing_is_found_in_labels_permuted_in_blocks(case: Case) -> None:
    panel = permuted(planted())
    assert saved_millinats(case, panel, panel.y[0]) < 0.5


def test_networks_in_this_battery_were_kept() -> None:
    networks = [case for case in CASES if isinstance(case.model, NetworkAgent | ContrastiveAgent)]
    assert all("network.onnx" in fitted(case).to_files() for case in networks)
