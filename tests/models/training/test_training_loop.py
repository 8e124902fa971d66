import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from tests.environments import WITH_TORCH_AND_NUMPY
from tests.models.training.trainings import NETWORK, QUICK, SHORT, bank_of, loss, market, trained, training_set

from tradsys.core.errors import ConfigError, FitError
from tradsys.models.training.recipe import Member, TrainingRecipe
from tradsys.models.training.training_loop import train


def test_training_imports_nothing_but_torch_and_numpy() -> None:
    program = f"""{WITH_TORCH_AND_NUMPY}
import tradsys.models.training.training_loop
import tradsys.models.training.batches
import tradsys.models.losses
print("imported", [name for name in ("polars", "numba", "onnx", "scipy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "imported []\n", done.stderr


def test_network_learns_what_earlier_bars_say() -> None:
    result = trained(training_set(market()))
    assert result.theta is not None
    assert result.gain > 0.05
    assert result.start_loss == pytest.approx(np.log(2), abs=1e-6)


def test_labels_permuted_in_blocks_teach_nothing() -> None:
    x, y = market()
    order = np.random.default_rng(1).permutation(len(y) // 40)
    result = trained(training_set((x, y.reshape(-1, 40, 2)[order].reshape(-1, 2))))
    assert result.theta is None
    assert result.gain < 0.01


def test_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    one = training_set(market(1500))
    first, again, other = (trained(one, SHORT, seed).theta for seed in (5, 5, 6))
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_symbols_of_unequal_length_pool_and_late_first_rows_are_masked() -> None:
    long, short = market(3000, seed=1), market(40, seed=2)
    long[0][:25] = np.nan
    result = trained(training_set(long, short))
    assert result.theta is not None
    assert np.isfinite(result.theta).all()
    assert result.gain > 0.05


def test_training_stops_when_the_check_rows_get_no_better() -> None:
    x, y = market(900, strength=0.0)
    steps: list[int] = []
    recipe = TrainingRecipe(min_steps=400, max_steps=400, lr=5e-3, n_crops=2, crop=72, check_every=5, patience=3)
    bank = bank_of(training_set((x, y)))
    (result,) = train(NETWORK, bank, loss, [Member(0, 0, recipe)], progress=lambda step, _: steps.append(step))
    assert result.reason == "no better for 3 checks"
    assert not result.has_diverged
    assert steps == list(range(5, steps[-1] + 1, 5))
    assert steps[-1] < 400
    assert result.step == max(0, steps[-1] - 15)


def test_uniqueness_weighs_rows_in_fit_and_check() -> None:
    one = training_set(market(900))
    light = replace(one, fit=[0.25 * weight for weight in one.fit], check=[0.25 * weight for weight in one.check])
    by_scale, plain = trained(light, SHORT), trained(one, SHORT)
    assert by_scale.theta is not None
    assert plain.theta is not None
    np.testing.assert_allclose(by_scale.theta, plain.theta, atol=1e-5)  # a common factor is none
    half = replace(one, fit=[weight * (np.arange(len(weight)) % 2)[:, None] for weight in one.fit])
    other = trained(half, SHORT).theta
    assert other is not None
    assert np.abs(other - plain.theta).max() > 1e-4


def test_models_without_rows_to_check_are_refused() -> None:
    with pytest.raises(FitError, match="rows to check in every training set, found both in 0 of 1"):
        trained(training_set(market(900), check=0.0))


def test_margins_shorter_than_a_crop_are_refused() -> None:
    with pytest.raises(FitError, match="crops of 72 rows need margins as long, found 10"):
        train(NETWORK, bank_of(training_set(market(900)), margin=10), loss, [Member(0, 0, QUICK)])


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="noise must not be negative, was -1"):
        TrainingRecipe(noise=-1)
    with pytest.raises(ConfigError, match=r"ema must be in \[0, 1\), was 1"):
        TrainingRecipe(ema=1)
