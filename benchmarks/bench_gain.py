"""The race to a known gain: training time until held-out forecasts have 60% of what the truth itself would save.

The dense engine against windowed models, on markets whose true odds are known. One thread; all arms of a market run in
one process, in processor seconds. Settings were chosen on the market of seed 1; those that count are others.

python benchmarks/bench_gain.py [strong|weak [seed ...]]
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from bench_training import N_FEATURES, WINDOW, checked_late, cross_entropy, fixed, seconds
from torch import Tensor, nn
from torch.nn import functional as F

from tradsys.models.networks.transformer import BandedTransformer, RecentTransformer, rotation
from tradsys.models.training.crops import CropBank, TrainingSet
from tradsys.models.training.device import reproducible
from tradsys.models.training.model_batch import ModelBatch
from tradsys.models.training.recipe import Member, TrainingRecipe
from tradsys.models.training.schedule import Schedule

N_HELD_OUT = 3_000
FRESH_SEEDS = (2, 3, 4)

type Steps = Callable[[], None]
type Forecasts = Callable[[], Tensor]
type Arms = dict[str, Callable[["Market", int], tuple[Steps, Forecasts]]]


@dataclass(frozen=True)
class Market:
    """Outcomes that hang on the last 24 bars of one feature, with their true log-odds (n_bars, 2)."""

    data: TrainingSet
    odds: Tensor

    @classmethod
    def of(cls, seed: int, strength: float, n_bars: int = 120_000) -> "Market":
        """`strength` is the standard deviation of the log-odds; the last 18,000 bars train nothing.

        Seven features are noise, seven fade within bars and six within a day. On a signal at single lags of noise the
        engine found nothing in 400 steps and learned 25,500 bars by heart, and so did torch's AdamW on the same crops.
        """
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((n_bars, N_FEATURES))
        fading = np.concatenate([np.zeros(7), np.full(7, 0.8), np.full(6, 0.97)])
        for t in range(1, n_bars):
            x[t] = fading * x[t - 1] + np.sqrt(1 - fading**2) * x[t]
        x = x.astype(np.float32)
        signal = strength * np.convolve(x[:, 0], np.full(24, 24**-0.5))[:n_bars]
        odds = np.column_stack([signal, -signal])
        y = (rng.random((n_bars, 2)) < 1 / (1 + np.exp(-odds))).astype(np.float32)
        return cls(checked_late(x, y), torch.from_numpy(odds.astype(np.float32)))

    def share(self, logits: Tensor) -> float:
        """Share of the Bayes gain that forecasts of the held-out bars have."""
        return bayes_gain(self.held_out, logits) / bayes_gain(self.held_out)

    @property
    def held_out(self) -> Tensor:
        """True log-odds of the bars that forecasts are compared on, (N_HELD_OUT, 2)."""
        return self.odds[-N_HELD_OUT:]


def bayes_gain(odds: Tensor, logits: Tensor | None = None) -> float:
    """What forecasts, or None for the truth itself, save of a coin's expected log-loss; in millinats."""
    p = torch.sigmoid(odds)
    coin, ours = (cross_entropy(z, p).mean() for z in (torch.zeros_like(odds), odds if logits is None else logits))
    return 1e3 * float(coin - ours)


ORDINARY, RECENT = BandedTransformer(N_FEATURES), RecentTransformer(N_FEATURES)


def strong_arms() -> Arms:
    """For log-odds of .6: the truth saves some 40 millinats."""
    crops = {"lr": 2e-3, "noise": 0.3, "n_crops": 2, "crop": 960}
    quick = {"lr": 3e-3, "noise": 0.3, "n_crops": 1, "crop": 960, "warm_up": 5}
    return {
        "dense": lambda m, s: dense_arm(m, s, ORDINARY, fixed(300, **crops), 5),
        "dense, recent start": lambda m, s: dense_arm(m, s, RECENT, fixed(300, **quick), 5),
        "windowed": lambda m, s: windowed_arm(m, s, WindowedNetwork(), 64, 2e-3, cosine_labels=90_000),
        "windowed, recent start": lambda m, s: windowed_arm(m, s, WindowedNetwork(RECENT), 64, 2e-3),
    }


def weak_arms() -> Arms:
    """For log-odds of .3: the truth saves some 10 millinats, still several times what real bars have shown."""
    crops, cosine = {"lr": 3e-3, "noise": 0.3, "n_crops": 2, "crop": 480, "warm_up": 5}, 180_000
    return {
        "dense, recent start": lambda m, s: dense_arm(m, s, RECENT, fixed(600, **crops), 3),
        "windowed, recent start, 64": lambda m, s: windowed_arm(m, s, WindowedNetwork(RECENT), 64, 5e-4, cosine),
        "windowed, recent start, 256": lambda m, s: windowed_arm(m, s, WindowedNetwork(RECENT), 256, 2e-3, cosine),
    }


SIGNALS = {"strong": (0.6, strong_arms), "weak": (0.3, weak_arms)}
"""Standard deviation of the log-odds, and who races."""


def race(signal: str, seeds: tuple[int, ...], goal: float = 0.6, limit_s: float = 50.0) -> None:
    """Every arm on every market; an arm that has not reached the goal after `limit_s` seconds is given up."""
    strength, named = SIGNALS[signal]
    arms = named()
    times = np.zeros((len(seeds), len(arms)))
    for i, seed in enumerate(seeds):
        market = Market.of(seed, strength)
        print(f"{signal} market {seed}: the truth saves {bayes_gain(market.held_out):.1f} millinats", flush=True)
        for k, (name, arm) in enumerate(arms.items()):
            torch.manual_seed(seed)
            times[i, k], share = train_until(goal, arm(market, seed), market, limit_s)
            print(f"  {name}: {share:.0%} of it after {times[i, k]:.2f} s", flush=True)
            times[i, k] = times[i, k] if share >= goal else np.inf
    names = list(arms)
    for slow in (name for name in names if name.startswith("windowed")):
        for fast in (name for name in names if name.startswith("dense")):
            ratios = times[:, names.index(slow)] / times[:, names.index(fast)]
            print(f"{slow} / {fast}: {', '.join(f'{ratio:.1f}' for ratio in ratios)}")


def train_until(goal: float, arm: tuple[Steps, Forecasts], market: Market, limit_s: float) -> tuple[float, float]:
    """Seconds of steps, checks not counted, and the share of the gain, when it is reached or the time is over."""
    (steps, forecasts), used, share = arm, 0.0, 0.0
    with reproducible(torch.device("cpu")):
        while share < goal and used < limit_s:
            used += seconds(steps)
            with torch.no_grad():
                share = market.share(forecasts())
    return used, share


def dense_arm(
    market: Market, seed: int, network: BandedTransformer, recipe: TrainingRecipe, n_steps: int
) -> tuple[Steps, Forecasts]:
    """Some steps of the engine, averaging and noise on, and what its average says of the last bars."""
    margin = sum(recipe.crop_length(network))
    data = CropBank.build([market.data], margin=margin, device=torch.device("cpu"))
    schedule = Schedule.of(network, data, [Member(0, seed, recipe)])
    group = ModelBatch(network, data, cross_entropy, schedule, network.initial(seed)[None])
    x = data.x.values[0, -margin - N_HELD_OUT - network.context : -margin].view(1, 1, -1, WINDOW, N_FEATURES)
    known = torch.ones(x.shape[:4], dtype=torch.bool)

    def steps() -> None:
        for _ in range(n_steps):
            group.step()

    return steps, lambda: network.forward(network.unpack(group.state["average"]), x, known).view(-1, 2)


class WindowedNetwork(nn.Module):
    """The best windowed model that was found: pre-norm, no dropout, and the last layer computes the last bar alone.

    It learns a vector for every place in the window; or, given a banded transformer, it has that one's rotary places
    and its first parameters.
    """

    def __init__(self, like: BandedTransformer | None = None, d: int = 64, n_heads: int = 4, n_layers: int = 2) -> None:
        super().__init__()
        self.n_heads = n_heads
        sizes = {"qkv": (d, 3 * d), "out": (d, d), "up": (d, 4 * d), "down": (4 * d, d)}
        maps = [nn.ModuleDict({name: nn.Linear(*size) for name, size in sizes.items()}) for _ in range(n_layers)]
        self.inp, self.layers, self.head = nn.Linear(N_FEATURES, d), nn.ModuleList(maps), nn.Linear(d, 2)
        self.position = nn.Parameter(0.02 * torch.randn(1, WINDOW, d)) if like is None else None
        self.turn = rotation(WINDOW, d // n_heads, torch.zeros(()))
        if like is not None:
            self._start_like(like)

    @torch.no_grad()
    def _start_like(self, network: BandedTransformer) -> None:
        weights = network.unpack(network.initial(torch.initial_seed())[None])
        for name in network.maps:
            layer, _, part = name.rpartition(".")
            mine = self.layers[int(layer)][part] if layer else getattr(self, name)
            mine.weight.copy_(weights[f"{name}.w"][0].T)
            mine.bias.copy_(weights[f"{name}.b"][0, 0])

    def forward(self, x: Tensor) -> Tensor:
        """Windows (n, window, n_features) -> logits (n, 2)."""
        z = self.inp(x) if self.position is None else self.inp(x) + self.position
        d = z.shape[-1]
        for i, layer in enumerate(self.layers):
            qkv = layer["qkv"](F.layer_norm(z, (d,))).unflatten(2, (3, self.n_heads, -1))
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            if i == len(self.layers) - 1:
                q, z = q[:, :, -1:], z[:, -1:]
            if self.position is None:
                q, k = self._turned(q), self._turned(k)
            z = z + layer["out"](F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
            z = z + layer["down"](F.gelu(layer["up"](F.layer_norm(z, (d,)))))
        return self.head(F.layer_norm(z, (d,)))[:, -1]

    def _turned(self, x: Tensor) -> Tensor:
        cosine, sine = (table[-x.shape[2] :] for table in self.turn)
        a, b = x.chunk(2, dim=-1)
        return torch.cat((a * cosine - b * sine, a * sine + b * cosine), dim=-1)


def windowed_arm(
    market: Market, seed: int, network: WindowedNetwork, batch: int, lr: float, cosine_labels: float = np.inf
) -> tuple[Steps, Forecasts]:
    """About a second of steps: fused AdamW, windows gathered from a strided view; an average of the same kind.

    The rate warms up over 25 steps and falls along a cosine to zero at `cosine_labels`.
    """
    draw = torch.Generator().manual_seed(seed)
    x, y = torch.from_numpy(market.data.x[0]), torch.from_numpy(market.data.y[0])
    weights = list(network.parameters())
    average = [weight.detach().clone() for weight in weights]
    optimiser = torch.optim.AdamW(weights, lr=lr, betas=(0.9, 0.99), weight_decay=0.05, fused=True)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda k: min(1.0, (k + 1) / 25) * 0.5 * (1 + np.cos(np.pi * min(1.0, k * batch / cosine_labels))),
    )
    view = x.as_strided((len(x) - WINDOW + 1, WINDOW * N_FEATURES), (N_FEATURES, 1))
    n_fit = int(0.85 * len(x)) - WINDOW + 1

    def said(rows: Tensor) -> Tensor:
        return network(view.index_select(0, rows).view(len(rows), WINDOW, N_FEATURES))

    def steps() -> None:
        for _ in range(1024 // batch):
            rows = torch.randint(0, n_fit, (batch,), generator=draw)
            cross_entropy(said(rows), y[rows + WINDOW - 1]).mean().backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            optimiser.zero_grad()
            rate.step()
            with torch.no_grad():
                share = 1 - min(0.98, rate.last_epoch / (rate.last_epoch + 9))
                torch._foreach_lerp_(average, weights, share)

    def forecasts() -> Tensor:
        kept = [weight.clone() for weight in weights]
        torch._foreach_copy_(weights, average)
        logits = torch.cat([said(rows) for rows in torch.arange(len(view) - N_HELD_OUT, len(view)).split(500)])
        torch._foreach_copy_(weights, kept)
        return logits

    return steps, forecasts


if __name__ == "__main__":
    torch.set_num_threads(1)
    for chosen in sys.argv[1:2] or list(SIGNALS):
        race(chosen, tuple(map(int, sys.argv[2:])) or FRESH_SEEDS)
