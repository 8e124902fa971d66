"""Small markets and training sets for the tests of the engine."""

from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from tradsys.models.networks.transformer import BandedTransformer
from tradsys.models.training.crops import CropBank, TrainingSet
from tradsys.models.training.recipe import Member, Trained, TrainingRecipe
from tradsys.models.training.training_loop import train

CPU = torch.device("cpu")
NETWORK = BandedTransformer(3, d_model=16, n_layers=1, n_heads=2, window=8)
QUICK = TrainingRecipe(max_steps=240, lr=1e-2, n_crops=8, crop=72, noise=0.1, warm_up=5, check_every=20)
SHORT = replace(QUICK, min_steps=20, max_steps=20, margin=-1e9)  # keeps whatever it ends with

type Market = tuple[np.ndarray, np.ndarray]


def loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return binary_cross_entropy_with_logits(logits, targets, reduction="none")


def market(n_bars: int = 4000, *, strength: float = 2.0, lag: int = 3, seed: int = 0) -> Market:
    """Rows whose outcomes hang on what a column was `lag` bars ago: a model of the last bar cannot see it."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_bars, 3))
    odds = strength * np.concatenate([np.zeros(lag), x[: n_bars - lag, 0]])
    y = (rng.random((n_bars, 2)) < 1 / (1 + np.exp(-np.column_stack([odds, -odds])))).astype(float)
    return x, y


def training_set(*symbols: Market, check: float = 0.25, upto: float = 1.0) -> TrainingSet:
    """The last `check` of each symbol's first `upto` rows stop the training that the rows before it feed."""
    fit, late = [], []
    for x, _ in symbols:
        at = np.arange(len(x)) / (upto * len(x))
        fit.append(np.repeat((at < 1 - check)[:, None], 2, axis=1).astype(float))
        late.append(np.repeat(((at >= 1 - check) & (at < 1))[:, None], 2, axis=1).astype(float))
    return TrainingSet(
        x=[x for x, _ in symbols],
        y=[y for _, y in symbols],
        offset=[np.zeros_like(y) for _, y in symbols],
        fit=fit,
        check=late,
    )


def bank_of(*sets: TrainingSet, margin: int = 72) -> CropBank:
    return CropBank.build(sets, margin=margin, device=CPU)


def trained(one: TrainingSet, recipe: TrainingRecipe = QUICK, seed: int = 0) -> Trained:
    return train(NETWORK, bank_of(one), loss, [Member(0, seed, recipe)])[0]
