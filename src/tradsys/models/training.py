"""The training engine: dense forecasts on crops of one resident matrix, many models as one; torch and numpy only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tradsys.core.arrays import Float32Array
from tradsys.core.errors import ConfigError
from tradsys.models.crops import CropBank, random_starts
from tradsys.models.network import Drop, Network, Weights
from tradsys.models.optimiser import AveragedAdamW
from tradsys.models.stopping import BestSoFar

type Loss = Callable[[Tensor, Tensor], Tensor]
"""Loss of every label: (logits, targets) -> same shape."""
type Progress = Callable[[int, int], None]
"""Told the step that is done and the number of steps."""

_CROPS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained; steps and checks count optimiser steps.

    A dense model sees each bar dozens of times within seconds and over-fits as fast: hence many small crops, noise on
    the standardised features, an average of the weights (`ema`) that is what gets checked and kept, and early stopping
    after `patience` checks without a new best. The budget follows the data, one step for every 50 rows, between
    `min_steps` and `max_steps`. What was learned is kept only if it beats the untrained network on the check rows by
    `margin` standard errors.
    """

    min_steps: int = 200
    max_steps: int = 400
    lr: float = 5e-4
    weight_decay: float = 0.05
    dropout: float = 0.0
    noise: float = 0.5
    n_crops: int = 4
    crop: int = 480
    ema: float = 0.98
    clip: float = 1.0
    warm_up: int = 25
    check_every: int = 25
    patience: int = 6
    margin: float = 2.0

    def __post_init__(self) -> None:
        for name in ("max_steps", "n_crops", "crop", "check_every", "patience", "lr", "clip", "warm_up"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} must be positive, was {getattr(self, name)}")
        for name in ("dropout", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} must be in [0, 1), was {getattr(self, name)}")

    def budget(self, n_rows: int) -> int:
        """Optimiser steps for a model with this many rows to learn from."""
        return min(self.max_steps, max(self.min_steps, n_rows // 50))

    def crop_length(self, network: Network) -> tuple[int, int]:
        """Rows of history and rows of forecasts in a crop, both in whole chunks of the network's window."""
        history = network.context // network.window
        chunks = max(round(self.crop / network.window), history + 1)
        return network.context, (chunks - history) * network.window


@dataclass(frozen=True, slots=True)
class Trained:
    """One model's outcome: the averaged parameters that were best on its check rows.

    `theta` is None where the network did not beat what it started from. `start_loss` is the weighted mean over the
    check rows before training, `gain` what the best parameters saved of it, `error` the standard error of that;
    `reason` says why training ended.
    """

    theta: Float32Array | None
    step: int
    start_loss: float
    gain: float
    error: float
    reason: str


def train(
    network: Network,
    bank: CropBank,
    loss: Loss,
    recipe: Recipe,
    *,
    seeds: Sequence[int],
    progress: Progress | None = None,
) -> list[Trained]:
    """Train one model a seed on the rows where `bank.fit` is positive, stopping each by those where `bank.check` is.

    A model's logits are its offset plus what its network says, which is nothing at first. Crops, first parameters and
    noise come from each model's own seed: the same seed on the same kind of machine gives the same bits, and models
    trained side by side come out as they would one by one, up to rounding. On a processor it takes one thread: the
    bits then do not depend on the number of cores, and folds that share a machine do not wait for each other's threads
    (two threads are 1.7 times as fast on two idle cores, and ten times slower when one of them is busy).
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _Training(network, bank, loss, recipe, seeds).run(progress)
    finally:
        torch.set_num_threads(n_threads)


class _Random:
    """Noise and dropout, each model from a stream of its own."""

    def __init__(self, recipe: Recipe, seeds: Sequence[int], device: torch.device) -> None:
        self._noise, self._dropout = recipe.noise, recipe.dropout
        self._streams = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def blur(self, x: Tensor) -> Tensor:
        """Features with Gaussian noise, x (n_models, ...)."""
        if self._noise == 0:
            return x
        noise = [torch.randn(x.shape[1:], generator=stream, device=x.device) for stream in self._streams]
        return x.add_(torch.stack(noise), alpha=self._noise)

    def drop(self, x: Tensor) -> Tensor:
        """x (n_models, ...) with a share of its values zeroed and the others scaled up."""
        if self._dropout == 0:
            return x
        kept = [torch.rand(x.shape[1:], generator=s, device=x.device) >= self._dropout for s in self._streams]
        return x * torch.stack(kept) / (1 - self._dropout)


class _Training:
    """The state of one call of `train`; every tensor has a row a model."""

    def __init__(self, network: Network, bank: CropBank, loss: Loss, recipe: Recipe, seeds: Sequence[int]) -> None:
        self.network, self.bank, self.loss, self.recipe = network, bank, loss, recipe
        self.context, self.length = recipe.crop_length(network)
        bank.demand(len(seeds), self.context + self.length)
        device = bank.x.device
        self.n_steps = torch.tensor(
            [[recipe.budget(int((fit > 0).any(dim=1).sum()))] for fit in bank.fit], device=device
        )
        spans = bank.spans(bank.fit)
        shape = (int(self.n_steps.max()), recipe.n_crops)
        draws = [random_starts(s, self.length, shape, seed) for s, seed in zip(spans, seeds, strict=True)]
        self.starts = torch.from_numpy(np.stack(draws, axis=1)).to(device)  # (steps, models, crops)
        # mean over places of the weight in a crop: makes the loss of a step an unbiased estimate of the weighted mean
        places = torch.tensor([(s[:, 1] - s[:, 0] + self.length - 1).sum() for s in spans], device=device)
        self.step_weight = bank.fit.sum(dim=(1, 2)) * (recipe.n_crops * self.length) / places
        self.check_starts = bank.tiles(bank.check, self.length)  # (models, crops)
        self.random = _Random(recipe, seeds, device)
        theta = torch.stack([network.initial(seed) for seed in seeds]).to(device)
        decay = recipe.weight_decay * network.decays().to(device)
        self.optimiser = AveragedAdamW(theta, decay, clip=recipe.clip, ema=recipe.ema)

    def run(self, progress: Progress | None) -> list[Trained]:
        """Steps and checks until every model has stopped."""
        average = self.optimiser.average
        best = BestSoFar(self.check(average), self.bank.check.sum(dim=(1, 2)), average)
        active = finite = torch.ones_like(self.n_steps, dtype=torch.bool)
        for step in range(1, len(self.starts) + 1):
            finite = finite & self.step(step, active)
            if step % self.recipe.check_every == 0 or step == len(self.starts):
                finite = finite & best.see(self.check(average), average, step)[:, None]
                active = active & finite & best.has_patience(self.recipe.patience)[:, None] & (step < self.n_steps)
                if progress is not None:
                    progress(step, len(self.starts))
                if not bool(active.any()):
                    break
        return [self._outcome(best, bool(finite[model]), model) for model in range(len(average))]

    def step(self, number: int, active: Tensor) -> Tensor:
        """One optimiser step on fresh crops; returns whether each model's gradient was finite, (n_models, 1)."""
        x, known, rows = self.bank.gather(self.starts[number - 1], self.length, self.context)
        weights = self.network.unpack(self.optimiser.theta)
        added = self._logits(weights, self.random.blur(x), known, self.random.drop)
        loss = self._loss(added, rows, self.bank.fit).sum(dim=(1, 2, 3)) / self.step_weight
        torch.autograd.backward(loss.sum())
        return self.optimiser.step(number, self._lr(number), active)

    @torch.no_grad()
    def check(self, theta: Tensor) -> Tensor:
        """Weighted loss of the check rows, summed over blocks of one window, (n_models, n_blocks)."""
        weights, sums = self.network.unpack(theta), []
        for first in torch.split(self.check_starts, _CROPS_AT_ONCE, dim=1):
            x, known, rows = self.bank.gather(first, self.length, self.context)
            loss = self._loss(self._logits(weights, x, known), rows, self.bank.check)
            sums.append(loss.view(len(theta), -1, self.network.window * self.network.n_outputs).sum(dim=2))
        return torch.cat(sums, dim=1)

    def _logits(self, weights: Weights, x: Tensor, known: Tensor, drop: Drop | None = None) -> Tensor:
        """What the networks add, (n_models, n_crops, length, n_outputs)."""
        models, crops, _, features = x.shape
        chunked = (models, crops, -1, self.network.window)
        added = self.network.forward(weights, x.view(*chunked, features), known.view(chunked), drop)
        return added.flatten(2, 3)

    def _loss(self, added: Tensor, rows: Tensor, weight: Tensor) -> Tensor:
        """Weighted loss of every label at `rows` (n_models, n_crops, length), same shape as `added`."""
        model = torch.arange(len(rows), device=rows.device)[:, None, None]
        return self.loss(added + self.bank.offset[model, rows], self.bank.y[rows]) * weight[model, rows]

    def _lr(self, number: int) -> Tensor:
        """Learning rates (n_models, 1): a linear warm-up, then a cosine down to zero at each model's last step."""
        down = 0.5 * (1 + torch.cos(torch.pi * ((number - 1) / self.n_steps).clamp(max=1.0)))
        return self.recipe.lr * min(1.0, number / self.recipe.warm_up) * down

    def _outcome(self, best: BestSoFar, is_finite: bool, model: int) -> Trained:
        step, gain, error = int(best.step[model]), float(best.gain[model]), float(best.error[model])
        n_steps, patience = int(self.n_steps[model]), self.recipe.patience
        if not is_finite:
            reason = "diverged: loss or gradient no longer finite"
        elif not bool(best.has_patience(patience)[model]):
            reason = f"no better for {patience} checks"
        else:
            reason = f"all {n_steps} steps done"
        is_kept = gain > self.recipe.margin * error
        theta = best.theta[model].cpu().numpy() if is_kept else None
        return Trained(theta, step, float(best.start_loss[model]), gain, error, reason)
