"""The training engine against the journal's set-up and the best windowed model: labels a second, time to a known gain,
many models as one, memory. One thread; ratios come from one run, in processor seconds, which neighbours disturb least.

python benchmarks/bench_training.py
"""

import subprocess
import sys
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from tradsys.models.crops import CropBank, TrainingSet
from tradsys.models.device import best_device, reproducible
from tradsys.models.group import Group
from tradsys.models.groups import Budget, model_bytes, train_many
from tradsys.models.losses import FocalLoss
from tradsys.models.recipe import Member, Recipe
from tradsys.models.schedule import Schedule
from tradsys.models.training import train
from tradsys.models.transformer import BandedTransformer

N_FEATURES, WINDOW, BATCH, N_HELD_OUT = 20, 60, 1024, 3_000


class JournalNetwork(nn.Module):
    """The journal's encoder: post-norm, dropout .1, one window in, one forecast out."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(64, 4, 256, 0.1, batch_first=True)
        self.inp, self.position = nn.Linear(N_FEATURES, 64), nn.Parameter(0.02 * torch.randn(1, WINDOW, 64))
        self.encoder, self.head = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(64, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Windows (n, window, n_features) -> logits (n,)."""
        return self.head(self.encoder(self.inp(x) + self.position)[:, -1]).squeeze(-1)


class Windows(Dataset[tuple[Tensor, Tensor]]):
    """Windows copied out one by one, as the journal's lazy dataset does."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x) - WINDOW + 1

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.x[i : i + WINDOW].clone(), self.y[i + WINDOW - 1]


class WindowedNetwork(nn.Module):
    """The best windowed model that was found: pre-norm, no dropout, and the last layer computes the last bar alone."""

    def __init__(self, d: int = 64, n_heads: int = 4, n_layers: int = 2) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.inp, self.position = nn.Linear(N_FEATURES, d), nn.Parameter(0.02 * torch.randn(1, WINDOW, d))
        sizes = {"qkv": (d, 3 * d), "out": (d, d), "up": (d, 4 * d), "down": (4 * d, d)}
        maps = [nn.ModuleDict({name: nn.Linear(*size) for name, size in sizes.items()}) for _ in range(n_layers)]
        self.layers, self.head = nn.ModuleList(maps), nn.Linear(d, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Windows (n, window, n_features) -> logits (n, 2)."""
        z = self.inp(x) + self.position
        d = z.shape[-1]
        for i, layer in enumerate(self.layers):
            qkv = layer["qkv"](F.layer_norm(z, (d,))).unflatten(2, (3, self.n_heads, -1))
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            if i == len(self.layers) - 1:
                q, z = q[:, :, -1:], z[:, -1:]
            z = z + layer["out"](F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
            z = z + layer["down"](F.gelu(layer["up"](F.layer_norm(z, (d,)))))
        return self.head(F.layer_norm(z, (d,)))[:, -1]


def journal_step(x: Tensor, y: Tensor, n_workers: int = 8) -> Callable[[], None]:
    """One optimiser step of the journal's set-up; what its workers burn beside it is not counted."""
    network, loss = JournalNetwork(), FocalLoss(alpha=0.25)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    batches = iter(DataLoader(Windows(x, y), BATCH, shuffle=True, num_workers=n_workers))

    def step() -> None:
        windows, targets = next(batches)
        loss(network(windows), targets).backward()
        optimiser.step()
        optimiser.zero_grad()

    return step


def market(n_bars: int, n_features: int = N_FEATURES, dtype: type[np.floating] = np.float32) -> TrainingSet:
    """A market without anything to learn; the last 15% of its bars are for checking."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n_bars, n_features), dtype=np.float32).astype(dtype, copy=False)
    return checked_late(x, (rng.random((n_bars, 2), dtype=np.float32) < 0.5).astype(np.float32))


def checked_late(x: np.ndarray, y: np.ndarray) -> TrainingSet:
    """Bars of which the last 15% stop the training."""
    late = np.repeat(np.arange(len(x))[:, None] >= 0.85 * len(x), 2, axis=1).astype(np.float32)
    return TrainingSet([x], [y], [np.zeros_like(y)], [1 - late], [late])


def bank(one: TrainingSet, device: torch.device = torch.device("cpu")) -> CropBank:
    """The training set alone on a device."""
    return CropBank.build([one], margin=480, device=device)


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Loss of every label."""
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def fixed(steps: int, **recipe: float) -> Recipe:
    """A recipe of so many steps, whatever the checks say."""
    return Recipe(min_steps=steps, max_steps=steps, patience=10**6, **recipe)


def n_labels(network: BandedTransformer, recipe: Recipe) -> int:
    """Labels trained on in a step (a bar's two count once)."""
    return recipe.n_crops * recipe.crop_length(network)[1]


def seconds(act: Callable[[], object]) -> float:
    """Processor seconds of this process; on CUDA, where the processor waits, those of the clock."""
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    start = clock()
    act()
    return clock() - start


def compare_rates(rounds: int = 3) -> None:
    """Both arms in turn in one process; the best round of each."""
    data, network, recipe = bank(market(30_000)), BandedTransformer(N_FEATURES), fixed(50)
    journal = journal_step(data.x.values[0, 480:-480], data.y.values[0, 480:-480, 0])
    journal()
    train(network, data, cross_entropy, [Member(0, 0, fixed(2))])
    journal_s, ours_s = [], []
    for _ in range(rounds):
        journal_s.append(seconds(journal) / BATCH)
        used = seconds(lambda: train(network, data, cross_entropy, [Member(0, 0, recipe)]))
        ours_s.append(used / 50 / n_labels(network, recipe))
    print(f"journal's set-up, 8 workers  {1e6 * min(journal_s):7.1f} us a label, without its workers' time")
    print(f"dense engine                 {1e6 * min(ours_s):7.1f} us a label with EMA, noise and checks")
    print(f"labels a second: {min(journal_s) / min(ours_s):.0f}x")


def compare_groups(rounds: int = 1) -> None:
    """CPCV(10,2): 45 networks, each on its own features, side by side in groups and one by one."""
    one, network, recipe = market(10_000), BandedTransformer(N_FEATURES), fixed(5)
    tenth = np.arange(10_000) * 10 // 10_000
    sets = []
    for pair in combinations(range(10), 2):
        outside = ~np.isin(tenth, pair)[:, None]
        x = (one.x[0] / one.x[0][outside[:, 0]].std(axis=0)).astype(np.float32)
        fit, check = ([weight[0] * outside] for weight in (one.fit, one.check))
        if not check[0].any():
            check = [(1 - one.fit[0]) * 1.0]
        sets.append(TrainingSet([x], one.y, one.offset, fit, check))
    members = [Member(k, k, recipe) for k in range(45)]
    groups, alone = (Budget(torch.device("cpu"), max_models=n) for n in (8, 1))
    grouped, single = [], []
    for _ in range(rounds):
        grouped.append(seconds(lambda: train_many(network, sets, cross_entropy, members, budget=groups)))
        single.append(seconds(lambda: train_many(network, sets, cross_entropy, members, budget=alone)))
    step_ms = 1e3 / 45 / 5
    print(
        f"45 networks of CPCV(10,2): {step_ms * min(grouped):.1f} ms a model and step in groups of 8, "
        f"{step_ms * min(single):.1f} one by one: {min(single) / min(grouped):.2f}x"
    )


def known_market(n_bars: int = 120_000) -> tuple[TrainingSet, Tensor]:
    """Outcomes that hang on the last 24 bars of one feature, with their true log-odds (n_bars, 2).

    Seven features are noise, seven fade within bars and six within a day. On a signal at single lags of noise the
    engine found nothing in 400 steps and learned 25,500 bars by heart, and so did torch's AdamW on the same crops.
    """
    rng = np.random.default_rng(1)
    x = rng.standard_normal((n_bars, N_FEATURES))
    fading = np.concatenate([np.zeros(7), np.full(7, 0.8), np.full(6, 0.97)])
    for t in range(1, n_bars):
        x[t] = fading * x[t - 1] + np.sqrt(1 - fading**2) * x[t]
    x = x.astype(np.float32)
    signal = 0.6 * np.convolve(x[:, 0], np.full(24, 24**-0.5))[:n_bars]
    odds = np.column_stack([signal, -signal])
    y = (rng.random((n_bars, 2)) < 1 / (1 + np.exp(-odds))).astype(np.float32)
    return checked_late(x, y), torch.from_numpy(odds.astype(np.float32))


def bayes_gain(odds: Tensor, logits: Tensor | None = None) -> float:
    """What forecasts, or None for the truth itself, save of a coin's expected log-loss; in millinats."""
    p = torch.sigmoid(odds)
    coin, ours = (cross_entropy(z, p).mean() for z in (torch.zeros_like(odds), odds if logits is None else logits))
    return 1e3 * float(coin - ours)


type Steps = Callable[[], None]
type Forecasts = Callable[[], Tensor]


def race_to_gain(goal: float = 0.6, longest: float = 12.0) -> None:
    """Seconds of training until held-out forecasts have this share of the Bayes gain; checks are not counted.

    The engine's rate and noise are the best of four settings tried on this market. The windowed model runs at three
    batch sizes; 256 was tried at two rates, the others at one. It is given up after `longest` times the engine's time.
    """
    one, odds = known_market()
    print(f"the truth saves {bayes_gain(odds[-N_HELD_OUT:]):.1f} millinats of {len(odds):,} bars", flush=True)
    dense_s, share = train_until(goal, dense_arm(one), odds, limit_s=60.0)
    if share < goal:
        raise SystemExit(f"the dense engine has {share:.0%} of the gain after {dense_s:.0f} s: no race")
    print(f"dense engine: {share:.0%} of it after {dense_s:.1f} s", flush=True)
    for batch, lr in ((64, 1e-3), (256, 2e-3), (1024, 2e-3)):
        used, share = train_until(goal, windowed_arm(one, batch, lr), odds, limit_s=longest * dense_s)
        ratio = f"{used / dense_s:.1f}x" if share >= goal else f"> {longest:.0f}x"
        print(f"windowed model, batch {batch}: {share:.0%} of it after {used:.1f} s: {ratio}", flush=True)


def train_until(goal: float, arm: tuple[Steps, Forecasts], odds: Tensor, *, limit_s: float) -> tuple[float, float]:
    """Seconds of steps, and the share of the gain, when it is reached or the time is over."""
    (steps, forecasts), held_out = arm, odds[-N_HELD_OUT:]
    used, share = 0.0, 0.0
    with reproducible(torch.device("cpu")):
        while share < goal and used < limit_s:
            used += seconds(steps)
            with torch.no_grad():
                share = bayes_gain(held_out, forecasts()) / bayes_gain(held_out)
    return used, share


def dense_arm(one: TrainingSet) -> tuple[Steps, Forecasts]:
    """Ten steps of the engine, averaging and noise on, and what its average says of the last bars."""
    data, network, recipe = bank(one), BandedTransformer(N_FEATURES), fixed(300, lr=2e-3, noise=0.3)
    schedule = Schedule.of(network, data, [Member(0, 0, recipe)])
    group = Group(network, data, cross_entropy, schedule, network.initial(0)[None])
    x = data.x.values[0, -480 - N_HELD_OUT - network.context : -480].view(1, 1, -1, WINDOW, N_FEATURES)
    known = torch.ones(x.shape[:4], dtype=torch.bool)

    def steps() -> None:
        for _ in range(10):
            group.step()

    return steps, lambda: network.forward(network.unpack(group.state["average"]), x, known).view(-1, 2)


def windowed_arm(one: TrainingSet, batch: int, lr: float) -> tuple[Steps, Forecasts]:
    """About two seconds of steps: fused AdamW, windows gathered from a strided view; an average of the same kind."""
    torch.manual_seed(0)
    network, x, y = WindowedNetwork(), torch.from_numpy(one.x[0]), torch.from_numpy(one.y[0])
    weights = list(network.parameters())
    average = [weight.detach().clone() for weight in weights]
    optimiser = torch.optim.AdamW(weights, lr=lr, betas=(0.9, 0.99), weight_decay=0.05, fused=True)
    warm_up = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda k: min(1.0, (k + 1) / 25))
    view = x.as_strided((len(x) - WINDOW + 1, WINDOW * N_FEATURES), (N_FEATURES, 1))
    n_fit = int(0.85 * len(x)) - WINDOW + 1

    def said(rows: Tensor) -> Tensor:
        return network(view.index_select(0, rows).view(len(rows), WINDOW, N_FEATURES))

    def steps() -> None:
        for _ in range(4096 // batch):
            rows = torch.randint(0, n_fit, (batch,))
            cross_entropy(said(rows), y[rows + WINDOW - 1]).mean().backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            optimiser.zero_grad()
            warm_up.step()
            with torch.no_grad():
                share = 1 - min(0.98, warm_up.last_epoch / (warm_up.last_epoch + 9))
                torch._foreach_lerp_(average, weights, share)

    def forecasts() -> Tensor:
        kept = [weight.clone() for weight in weights]
        torch._foreach_copy_(weights, average)
        logits = torch.cat([said(rows) for rows in torch.arange(len(view) - N_HELD_OUT, len(view)).split(500)])
        torch._foreach_copy_(weights, kept)
        return logits

    return steps, forecasts


def time_folds() -> None:
    """A fold of each usual size at the full budget of steps, 40 features."""
    for n_bars in (3_000, 15_000, 35_000):
        data, network = bank(market(n_bars, n_features=40)), BandedTransformer(40)
        steps = Recipe().budget(int(0.85 * n_bars))
        used = seconds(lambda d=data, n=network, k=steps: train(n, d, cross_entropy, [Member(0, 0, fixed(k))]))
        print(f"fold of {n_bars:6,d} bars: {steps} steps in {used:.1f} s when nothing stops it early")


def peak_bytes() -> int:
    """This process's peak memory so far; what `getrusage` says includes its parent's."""
    status = Path("/proc/self/status").read_text().split("VmHWM:")[1]
    return int(status.split()[0]) * 1024


def measure_memory() -> None:
    """Peak memory beyond the matrix itself while training on 2 M bars, against the window tensor."""
    n_bars = 2_000_000
    before = peak_bytes()
    data = bank(market(n_bars))
    train(BandedTransformer(N_FEATURES), data, cross_entropy, [Member(0, 0, fixed(20, check_every=20))])
    peak = peak_bytes() - before
    matrix, windows = n_bars * N_FEATURES * 4, n_bars * WINDOW * N_FEATURES * 4
    extra = peak - matrix
    print(f"2 M bars: {extra / 1e6:.0f} MB beyond the matrix that is given, {extra / windows:.1%} of all windows")


def measure_groups() -> None:
    """Peak memory that each further model of a group takes, against the plan's estimate of it."""
    data, network = bank(market(10_000)), BandedTransformer(N_FEATURES)
    recipe, peaks = fixed(2), []
    for n_models in (1, 9):
        train(network, data, cross_entropy, [Member(0, seed, recipe) for seed in range(n_models)])
        peaks.append(peak_bytes())
    measured, planned = (peaks[1] - peaks[0]) / 8, model_bytes(network, recipe)
    print(f"a model more in a group: {measured / 1e6:.0f} MB at the peak, planned {planned / 1e6:.0f}")


def race_on_cuda(n_bars: int = 2_000_000) -> None:
    """Labels a second of one model and of groups on the card, against what its memory's bandwidth allows."""
    device, network = best_device(), BandedTransformer(N_FEATURES)
    floor_bytes = 17e3  # a label's traffic in bfloat16 (TRAINING.md): what the layers read and write, forward and back
    bandwidth = copied_bytes_per_second(device)
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}: {bandwidth / 1e12:.2f} TB/s copied")
    print(f"memory-bound floor: {bandwidth / floor_bytes / 1e6:.0f} M labels/s")
    data = bank(market(n_bars), device)
    journal_rate = journal_on(device)
    print(f"journal's set-up, 8 workers: {journal_rate:,.0f} labels/s")
    for n_models, n_crops in ((1, 4), (1, 64), (8, 64), (45, 16)):
        recipe = fixed(200, n_crops=n_crops, check_every=100)
        members = [Member(0, seed, recipe) for seed in range(n_models)]
        train(network, data, cross_entropy, members)
        used = seconds(lambda: train(network, data, cross_entropy, members))  # noqa: B023
        rate = n_models * 200 * n_labels(network, recipe) / used
        share = rate * floor_bytes / bandwidth
        print(
            f"{n_models:2d} models x {n_crops:2d} crops: {rate / 1e6:7.2f} M labels/s with checks and recording, "
            f"{rate / journal_rate:,.0f}x, {share:.1%} of the floor"
        )


def copied_bytes_per_second(device: torch.device) -> float:
    """What the card's memory reads and writes."""
    source = torch.zeros(2**28, device=device)
    target = source.clone()

    def copies() -> None:
        for _ in range(20):
            target.copy_(source)
        torch.cuda.synchronize()

    copies()
    return 20 * 2 * source.nbytes / seconds(copies)


def journal_on(device: torch.device, n_steps: int = 100) -> float:
    """Labels a second of the journal's set-up on a card: bfloat16, pinned batches from 8 workers."""
    one = market(200_000)
    network, loss = JournalNetwork().to(device), FocalLoss(alpha=0.25)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    rows = Windows(torch.from_numpy(one.x[0]), torch.from_numpy(one.y[0][:, 0]))
    batches = iter(DataLoader(rows, BATCH, shuffle=True, num_workers=8, pin_memory=True))

    def steps(n: int) -> None:
        for _ in range(n):
            windows, targets = (part.to(device, non_blocking=True) for part in next(batches))
            with torch.autocast("cuda", torch.bfloat16):
                logits = network(windows)
            loss(logits.float(), targets).backward()
            optimiser.step()
            optimiser.zero_grad()
        torch.cuda.synchronize()

    steps(5)
    return n_steps * BATCH / seconds(lambda: steps(n_steps))


_ARMS = {
    "rates": compare_rates,
    "gain": race_to_gain,
    "groups": compare_groups,
    "folds": time_folds,
    "memory": measure_memory,
    "group-memory": measure_groups,
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    if torch.cuda.is_available():
        race_on_cuda()
    elif len(sys.argv) > 1:
        _ARMS[sys.argv[1]]()
    else:
        for arm in _ARMS:  # a process each: peaks of memory never go down
            subprocess.run([sys.executable, __file__, arm], check=True)
