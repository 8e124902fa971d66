"""Supervised contrastive pretraining of encoders, many models side by side; torch and numpy only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from tradsys.core.arrays import Float32Array, FloatArray, IntArray
from tradsys.core.errors import ConfigError
from tradsys.models.losses import contrast
from tradsys.models.networks.network import Drop, Network, NetworkWeights, decays, linear, unpack
from tradsys.models.training.crops import CropBank, Layout
from tradsys.models.training.device import reproducible
from tradsys.models.training.optimiser import AveragedAdamW, BestSoFar
from tradsys.models.training.recipe import Member, TrainingProgress, TrainingRecipe
from tradsys.models.training.schedule import Schedule, TrainingNoise

_CHECK_ANCHORS = 512
_CROPS_AT_ONCE = 8
_CHUNKS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Contrast:
    """Which bars are compared, and how.

    The class of a bar is the joint outcome of its two labels (up first, down first, neither), so that one encoder
    serves both sides. Anchors are every `thinning`-th bar of a step's crops; they are compared with each other and with
    the `queue` embeddings of the steps before. Two bars whose label windows overlap, of whatever symbol, are neither
    positives nor negatives of each other: they are near-copies of one observation. What is compared is a projection
    to `projection` numbers, which is thrown away when the encoder is trained.

    At the paper's temperature of .1, made for labels without noise, the quickest way down is to make all embeddings
    alike, and there the training stays: on planted bars where cross-entropy gains 150 millinats the probe gained none,
    and 148 at a temperature of 1. Contrast also learns slower: a budget of `patience` times the steps.

    Khosla et al., *Supervised Contrastive Learning* (NeurIPS 2020); the queue is that of Wang, Zhang, Huang & Scott,
    *Cross-Batch Memory for Embedding Learning* (CVPR 2020).
    """

    temperature: float = 1.0
    projection: int = 16
    thinning: int = 6
    queue: int = 720
    patience: float = 3.0

    def recipe(self, recipe: TrainingRecipe) -> TrainingRecipe:
        """Another objective's recipe with this one's budget of steps."""
        lengths = {name: round(self.patience * getattr(recipe, name)) for name in ("min_steps", "max_steps")}
        return replace(recipe, **lengths)

    def __post_init__(self) -> None:
        if self.temperature <= 0 or self.patience <= 0:
            raise ConfigError(
                f"temperature and patience must be positive, were {self.temperature} and {self.patience}; labels as "
                "noisy as a market's want a temperature of 1"
            )
        if self.projection < 1 or self.thinning < 1 or self.queue < 0:
            raise ConfigError(
                "projection and thinning must be at least 1 and queue at least 0, were "
                f"{self.projection}, {self.thinning} and {self.queue}"
            )


@dataclass(frozen=True, slots=True)
class ContrastiveLabels:
    """Class of each row of a bank by its joint outcome, and its label's life (start, end], all (n_rows,)."""

    kind: Tensor
    start: Tensor
    end: Tensor

    @classmethod
    def build(
        cls,
        layout: Layout,
        y: Sequence[FloatArray],
        start: Sequence[IntArray],
        end: Sequence[IntArray],
        device: torch.device,
    ) -> "ContrastiveLabels":
        """From each symbol's labels (n_bars, 2), starts (n_bars,) and last ends (n_bars,) in ms."""
        kind, opens, closes = (np.zeros(layout.n_rows, np.int64) for _ in range(3))
        for rows, labels, first, last in zip(layout.rows, y, start, end, strict=True):
            kind[rows] = np.nan_to_num(labels) @ [1, 2]
            opens[rows], closes[rows] = first, last
        return cls(*(torch.from_numpy(values).to(device) for values in (kind, opens, closes)))

    def overlap(self, one: Tensor, other: Tensor) -> Tensor:
        """Whether the lives of rows `one` (..., n) and `other` (..., m) share a moment, (..., n, m)."""
        one, other = one[..., :, None], other[..., None, :]
        return (self.start[one] < self.end[other]) & (self.start[other] < self.end[one])


@dataclass(frozen=True, slots=True)
class Pretrained:
    """One encoder: its parameters, those it began with, and the contrastive loss of its check rows.

    `loss` is that of the best parameters, `start_loss` the untrained encoder's, and `trivial_loss` what embeddings cost
    that are all alike: the mean over anchors of the logarithm of their candidates' number, log(B - 1) in a batch of B
    where no pair is left out. An encoder whose loss is not below it distinguishes no classes.
    """

    theta: Float32Array
    untrained: Float32Array
    step: int
    start_loss: float
    loss: float
    trivial_loss: float
    reason: str


def pretrain(
    network: Network,
    bank: CropBank,
    labels: ContrastiveLabels,
    spec: Contrast,
    recipe: TrainingRecipe,
    *,
    seeds: Sequence[int],
    progress: TrainingProgress | None = None,
) -> list[Pretrained]:
    """Train one encoder a seed on the rows where the bank's `fit` is positive, stopping each by those of its `check`.

    The bank holds one training set. Steps, noise, averaging and patience are the recipe's; as in `training.train`,
    models come out as they would one by one, up to rounding, and the same seed on the same kind of machine gives the
    same bits.
    """
    with reproducible(bank.device):
        return _Pretraining(network, bank, labels, spec, recipe, seeds).run(progress)


@torch.no_grad()
def embed(network: Network, theta: Float32Array, X: FloatArray) -> FloatArray:
    """What the head would read of one symbol's rows, (n_bars, n_features) -> (n_bars, d_model); NaN where X has NaN."""
    weights = network.unpack(torch.from_numpy(theta)[None])
    known = np.isfinite(X).all(axis=1)
    context, window = network.context, network.window
    tail = -len(X) % window
    x = torch.from_numpy(np.pad(np.where(known[:, None], X, 0.0), ((context, tail), (0, 0))).astype(np.float32))
    seen = torch.from_numpy(np.pad(known, (context, tail)))
    parts = []
    for at in range(0, len(X) + tail, _CHUNKS_AT_ONCE * window):
        here = slice(at, at + context + _CHUNKS_AT_ONCE * window)
        chunked = x[here].view(1, 1, -1, window, X.shape[1]), seen[here].view(1, 1, -1, window)
        parts.append(network.encode(weights, *chunked).flatten(0, 3))
    hidden = torch.cat(parts)[: len(X)].numpy().astype(np.float64)
    hidden[~known] = np.nan
    return hidden


class _Pretraining:
    """The state of one call of `pretrain`; every tensor has a row a model."""

    def __init__(
        self,
        network: Network,
        bank: CropBank,
        labels: ContrastiveLabels,
        spec: Contrast,
        recipe: TrainingRecipe,
        seeds: Sequence[int],
    ) -> None:
        self.network, self.bank, self.labels, self.spec, self.recipe = network, bank, labels, spec, recipe
        self.schedule = Schedule.of(network, bank, [Member(0, seed, recipe) for seed in seeds])
        self.noise = TrainingNoise(self.schedule)
        device, (d, p) = bank.device, (network.d_model, spec.projection)
        self.projection = {"hidden": (d, d), "projected": (d, p)}
        self.learns, self.checks = ((tensor.of_set(0) > 0).any(dim=1) for tensor in (bank.fit, bank.check))
        self.check_every = max(1, -(-int(self.checks.sum()) // _CHECK_ANCHORS))
        theta = torch.stack([torch.cat([network.initial(seed), self._first_projection(seed)]) for seed in seeds])
        self.untrained = theta[:, : network.n_parameters].numpy().copy()
        self.optimiser = AveragedAdamW(
            theta.to(device),
            torch.cat([network.decays(), decays(self.projection)]).to(device),
            decay=self.schedule.weight_decay,
            clip=self.schedule.clip,
            ema=self.schedule.ema,
        )
        self.number = torch.zeros_like(self.schedule.n_steps)
        # row 0 lies in a margin, hence teaches nothing
        self.queue = torch.zeros((len(seeds), spec.queue, p), device=device)
        self.queued = torch.zeros((len(seeds), spec.queue), dtype=torch.int64, device=device)

    def run(self, progress: TrainingProgress | None) -> list[Pretrained]:
        """Steps and checks until every model has stopped."""
        average, schedule = self.optimiser.average, self.schedule
        blocks, counts, trivial = self.check(average)
        n = counts.sum(dim=1, keepdim=True).to(blocks.dtype)
        best = BestSoFar(blocks.shape[1], n, average)
        best.begin(blocks)
        n_steps = int(schedule.n_steps.max())
        active = finite = torch.ones_like(self.number, dtype=torch.bool)
        for step in range(1, n_steps + 1):
            finite = self.step(active & finite) & finite
            if step % self.recipe.check_every == 0 or step == n_steps:
                best.see(self.check(average)[0], average, torch.minimum(self.number, schedule.n_steps))
                finite = finite & torch.isfinite(best.last_gain)
                has_steps = self.number < schedule.n_steps
                active = active & finite & best.has_patience(schedule.patience) & has_steps
                if progress is not None:
                    progress(step, n_steps)
                if not bool(active.any()):
                    break
        floor = (trivial.sum(dim=1, keepdim=True) / n)[:, 0].tolist()
        return [self._outcome(best, bool(finite[model]), floor[model], model) for model in range(len(average))]

    def step(self, moves: Tensor) -> Tensor:
        """One optimiser step of the moving models on fresh crops; returns whose gradient was finite, (n_models, 1)."""
        schedule, theta, phase = self.schedule, self.optimiser.theta, int(self.number[0]) % self.spec.thinning
        number = self.number.add_(1)
        x, known, rows = self.bank.gather(schedule.data, schedule.crops(number), schedule.length, schedule.context)
        rows = rows[:, :, phase :: self.spec.thinning].flatten(1)
        noisy, drop = self.noise.noisy(x, number), self.noise.dropout(number)
        projected = self._projected(theta, noisy, known, phase, drop)
        loss, counts = self._compare(projected, rows)
        (grad,) = torch.autograd.grad((loss.sum(dim=1) / counts.sum(dim=1).clamp(min=1)).sum(), theta)
        if self.spec.queue:
            self.queue = torch.cat([projected.detach(), self.queue], dim=1)[:, : self.spec.queue]
            self.queued = torch.cat([rows, self.queued], dim=1)[:, : self.spec.queue]
        return self.optimiser.step(grad, number, schedule.rate(number), moves) | ~moves

    @torch.no_grad()
    def check(self, theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of the check rows, thinned: loss, whether an anchor counts, and its trivial loss, all (n_models, n_anchors).

        All of them are one batch, without a queue.
        """
        schedule, rows, projected = self.schedule, [], []
        for first in torch.split(schedule.check_starts, _CROPS_AT_ONCE, dim=1):
            x, known, here = self.bank.gather(schedule.data, first, schedule.length, schedule.context)
            rows.append(here[:, :, :: self.check_every].flatten(1))
            projected.append(self._projected(theta, x, known, 0, None, self.check_every))
        anchors, seen = torch.cat(rows, dim=1), torch.cat(projected, dim=1)
        parts = []
        for model in range(len(theta)):  # one by one: a similarity matrix is a few megabytes
            one = slice(model, model + 1)
            candidates, alike = self._pairs(anchors[one], anchors[one], self.checks)
            similarity = seen[one] @ seen[one].mT / self.spec.temperature
            loss, counts = contrast(similarity, alike, candidates)
            trivial = candidates.sum(dim=-1).clamp(min=1).log()
            parts.append((torch.where(counts, loss, 0.0), counts, torch.where(counts, trivial, 0.0)))
        loss, counts, trivial = (torch.cat(values) for values in zip(*parts, strict=True))
        return loss, counts, trivial

    def _compare(self, projected: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of each anchor against all others and the queue, 0 where it does not count; both (models, anchors)."""
        everyone = torch.cat([projected, self.queue], dim=1)
        candidates, alike = self._pairs(rows, torch.cat([rows, self.queued], dim=1), self.learns)
        loss, counts = contrast(projected @ everyone.mT / self.spec.temperature, alike, candidates)
        return torch.where(counts, loss, 0.0), counts

    def _pairs(self, rows: Tensor, others: Tensor, takes_part: Tensor) -> tuple[Tensor, Tensor]:
        """Which of `others` (models, m) each of `rows` (models, n) is compared with, and which share its class."""
        part = takes_part[rows][:, :, None] & takes_part[others][:, None, :]
        kind = self.labels.kind
        # a row overlaps itself, hence is no candidate of its own
        return part & ~self.labels.overlap(rows, others), kind[rows][:, :, None] == kind[others][:, None, :]

    def _projected(
        self, theta: Tensor, x: Tensor, known: Tensor, phase: int, drop: Drop | None, thinning: int | None = None
    ) -> Tensor:
        """Unit vectors of the crops' thinned bars, (n_models, n_anchors, projection)."""
        n = self.network.n_parameters
        weights: NetworkWeights = self.network.unpack(theta[:, :n]) | unpack(self.projection, theta[:, n:])
        models, crops, _, features = x.shape
        chunked = (models, crops, -1, self.network.window)
        hidden = self.network.encode(weights, x.view(*chunked, features), known.view(chunked), drop).flatten(2, 3)
        anchors = hidden[:, :, phase :: thinning or self.spec.thinning].flatten(1, 2)
        projected = linear(weights, "projected", F.gelu(linear(weights, "hidden", anchors)))
        return F.normalize(projected, dim=-1)

    def _first_projection(self, seed: int) -> Tensor:
        random = np.random.default_rng([seed, 1])
        parts = [
            part
            for n_in, n_out in self.projection.values()
            for part in (random.standard_normal(n_in * n_out) * n_in**-0.5, np.zeros(n_out))
        ]
        return torch.from_numpy(np.concatenate(parts).astype(np.float32))

    def _outcome(self, best: BestSoFar, is_finite: bool, trivial_loss: float, model: int) -> Pretrained:
        step, start_loss = int(best.step[model]), float(best.start_loss[model])
        patience = self.recipe.patience
        if not is_finite:
            reason = "diverged: loss or gradient no longer finite"
        elif not bool(best.has_patience(self.schedule.patience)[model]):
            reason = f"no better for {patience} checks"
        else:
            reason = f"all {int(self.schedule.n_steps[model])} steps done"
        theta = best.theta[model, : self.network.n_parameters].cpu().numpy()
        loss = start_loss - float(best.state["gain"][model])
        return Pretrained(theta, self.untrained[model], step, start_loss, loss, trivial_loss, reason)
