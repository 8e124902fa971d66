import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from tradsys.core.errors import FitError
from tradsys.models.crops import CropBank, Layout, random_starts
from tradsys.models.optimiser import AveragedAdamW
from tradsys.models.training import Recipe, Trained, train
from tradsys.models.transformer import BandedTransformer

NETWORK = BandedTransformer(3, d_model=16, n_layers=1, n_heads=2, window=8)
QUICK = Recipe(max_steps=240, lr=1e-2, n_crops=8, crop=72, noise=0.1, warm_up=5, check_every=20)
SHORT = replace(QUICK, min_steps=20, max_steps=20, margin=-1e9)  # keeps whatever it ends with


def loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return binary_cross_entropy_with_logits(logits, targets, reduction="none")


def market(n_bars: int = 4000, *, strength: float = 2.0, lag: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose outcomes hang on what a column was `lag` bars ago: a model of the last bar cannot see it."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_bars, 3))
    odds = strength * np.concatenate([np.zeros(lag), x[: n_bars - lag, 0]])
    y = (rng.random((n_bars, 2)) < 1 / (1 + np.exp(-np.column_stack([odds, -odds])))).astype(float)
    return x, y


def bank_of(
    *symbols: tuple[np.ndarray, np.ndarray], n_models: int = 1, check: float = 0.25, margin: int = 72
) -> CropBank:
    fit, late = [], []
    for x, _ in symbols:
        is_late = np.arange(len(x)) >= (1 - check) * len(x)
        fit.append(np.repeat(~is_late[:, None], 2, axis=1).astype(float))
        late.append(1 - fit[-1])
    return CropBank.build(
        [x for x, _ in symbols],
        [y for _, y in symbols],
        offset=[[np.zeros_like(y) for _, y in symbols]] * n_models,
        fit=[fit] * n_models,
        check=[late] * n_models,
        margin=margin,
        device=torch.device("cpu"),
    )


def trained(bank: CropBank, recipe: Recipe = QUICK, seed: int = 0) -> Trained:
    return train(NETWORK, bank, loss, recipe, seeds=[seed])[0]


def test_training_imports_nothing_but_torch_and_numpy() -> None:
    program = """
import sys
import torch
allowed = {name.partition(".")[0] for name in sys.modules} | {"numpy", "tradsys"} | sys.stdlib_module_names
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed:
            raise ImportError(f"blocked {name}")
sys.meta_path.insert(0, Blocked())
import tradsys.models.training
import tradsys.models.losses
print("imported", [name for name in ("polars", "numba", "onnx", "scipy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "imported []\n", done.stderr


def test_network_learns_what_earlier_bars_say() -> None:
    result = trained(bank_of(market()))
    assert result.theta is not None
    assert result.gain > 0.05
    assert result.start_loss == pytest.approx(np.log(2), abs=1e-6)


def test_labels_permuted_in_blocks_teach_nothing() -> None:
    x, y = market()
    order = np.random.default_rng(1).permutation(len(y) // 40)
    result = trained(bank_of((x, y.reshape(-1, 40, 2)[order].reshape(-1, 2))))
    assert result.theta is None
    assert result.gain < 0.01


def test_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    bank = bank_of(market(1500))
    first, again, other = (trained(bank, SHORT, seed).theta for seed in (5, 5, 6))
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_symbols_of_unequal_length_pool_and_late_first_rows_are_masked() -> None:
    long, short = market(3000, seed=1), market(40, seed=2)
    long[0][:25] = np.nan
    result = trained(bank_of(long, short))
    assert result.theta is not None
    assert np.isfinite(result.theta).all()
    assert result.gain > 0.05


def test_models_trained_side_by_side_equal_models_trained_alone() -> None:
    recipe = replace(SHORT, min_steps=5, max_steps=5, dropout=0.1, check_every=5)
    bank, single = bank_of(market(900), n_models=3), bank_of(market(900))
    together = train(NETWORK, bank, loss, recipe, seeds=[1, 2, 3])
    for seed, model in zip((1, 2, 3), together, strict=True):
        alone = train(NETWORK, single, loss, recipe, seeds=[seed])[0]
        assert model.theta is not None
        assert alone.theta is not None
        np.testing.assert_allclose(model.theta, alone.theta, atol=1e-5)
        assert model.gain == pytest.approx(alone.gain, abs=1e-6)


def test_loss_that_stops_being_finite_stops_that_model_alone_with_its_reason() -> None:
    bank = bank_of(market(900), n_models=2)
    bank.offset[1, bank.layout.rows[0].start + 100] = torch.nan
    broken, sound = train(NETWORK, bank, loss, SHORT, seeds=[1, 1])[::-1]
    assert broken.reason.startswith("diverged")
    assert broken.theta is None
    assert sound.theta is not None


def test_training_stops_when_the_check_rows_get_no_better() -> None:
    x, y = market(900, strength=0.0)
    steps: list[int] = []
    recipe = Recipe(min_steps=400, max_steps=400, lr=5e-3, n_crops=2, crop=72, check_every=5, patience=3)
    (result,) = train(NETWORK, bank_of((x, y)), loss, recipe, seeds=[0], progress=lambda step, _: steps.append(step))
    assert result.reason == "no better for 3 checks"
    assert steps == list(range(5, steps[-1] + 1, 5))
    assert steps[-1] < 400
    assert result.step == max(0, steps[-1] - 15)


def test_crops_reach_every_row_of_their_spans_equally_often_and_no_other() -> None:
    spans = np.array([[10, 14], [30, 80]])
    starts = random_starts(spans, 8, (4000, 5), seed=0).ravel()
    visits = np.zeros(100)
    for offset in range(8):
        np.add.at(visits, starts + offset, 1)
    inside = np.r_[10:14, 30:80]
    assert visits[inside].min() > 0.9 * visits[inside].mean()
    assert visits[inside].max() < 1.1 * visits[inside].mean()
    assert starts.min() == 3
    assert starts.max() == 79


def test_crops_never_see_two_symbols() -> None:
    layout = Layout((50, 20), margin=30)
    rows = [np.arange(part.start, part.stop) for part in layout.rows]
    assert rows[0][0] == 30
    assert rows[1][0] - rows[0][-1] == 31
    assert layout.n_rows - rows[1][-1] == 31
    placed = layout.place([np.full((50, 2), 1.0), np.full((20, 2), np.nan)])
    assert placed.sum() == 100
    assert placed.dtype == np.float32


def test_optimiser_follows_torchs_adamw() -> None:
    start = torch.linspace(-1, 1, 12)
    theirs = torch.nn.Parameter(start.clone())
    reference = torch.optim.AdamW([theirs], lr=0.01, betas=(0.9, 0.99), weight_decay=0.1)
    ours = AveragedAdamW(start.clone()[None], torch.full((12,), 0.1), clip=1e9, ema=0.5)
    active = torch.ones(1, 1, dtype=torch.bool)
    for number in range(1, 20):
        for value in (theirs, ours.theta):
            torch.autograd.backward(((value - 0.3) ** 4).sum())
        reference.step()
        reference.zero_grad()
        assert ours.step(number, torch.full((1, 1), 0.01), active).all()
    torch.testing.assert_close(ours.theta[0].detach(), theirs.detach(), atol=1e-6, rtol=1e-5)


def test_gradients_are_clipped_to_their_length() -> None:
    ours = AveragedAdamW(torch.zeros(1, 2), torch.zeros(2), clip=0.5, ema=0.0)
    ours.theta.grad = torch.tensor([[30.0, 40.0]])
    ours.step(1, torch.full((1, 1), 1.0), torch.ones(1, 1, dtype=torch.bool))
    torch.testing.assert_close(ours._momentum, torch.tensor([[0.03, 0.04]]))


def test_models_without_rows_to_check_are_refused() -> None:
    with pytest.raises(FitError, match="rows to check"):
        trained(bank_of(market(900), check=0.0))


def test_margins_shorter_than_a_crop_are_refused() -> None:
    with pytest.raises(FitError, match="crops of 72 rows need margins as long, found 10"):
        trained(bank_of(market(900), margin=10))
