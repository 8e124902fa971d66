"""The training engine against the journal's set-up: labels a second, many models as one, memory.

One thread; ratios come from one run, in processor seconds, which neighbours disturb least. The race against windowed
models is in `bench_gain.py`.

python benchmarks/bench_training.py [rates | gain | groups | folds | memory | group-memory]
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

from tradsys.models.losses import FocalLoss
from tradsys.models.networks.transformer import BandedTransformer
from tradsys.models.training.batches import DeviceBudget, model_bytes, train_many
from tradsys.models.training.crops import CropBank, TrainingSet
from tradsys.models.training.device import best_device
from tradsys.models.training.recipe import Member, TrainingRecipe
from tradsys.models.training.training_loop import train

N_FEATURES, WINDOW, BATCH = 20, 60, 1024


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


def fixed(steps: int, **recipe: float) -> TrainingRecipe:
    """A recipe of so many steps, whatever the checks say."""
    return TrainingRecipe(min_steps=steps, max_steps=steps, patience=10**6, **recipe)


def n_labels(network: BandedTransformer, recipe: TrainingRecipe) -> int:
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
    groups, alone = (DeviceBudget(torch.device("cpu"), max_models=n) for n in (8, 1))
    grouped, single = [], []
    for _ in range(rounds):
        grouped.append(seconds(lambda: train_many(network, sets, cross_entropy, members, budget=groups)))
        single.append(seconds(lambda: train_many(network, sets, cross_entropy, members, budget=alone)))
    step_ms = 1e3 / 45 / 5
    print(
        f"45 networks of CPCV(10,2): {step_ms * min(grouped):.1f} ms a model and step in groups of 8, "
        f"{step_ms * min(single):.1f} one by one: {min(single) / min(grouped):.2f}x"
    )


def race_to_gain() -> None:
    """The race against windowed models."""
    subprocess.run([sys.executable, Path(__file__).with_name("bench_gain.py")], check=True)


def time_folds() -> None:
    """A fold of each usual size at the full budget of steps, 40 features."""
    for n_bars in (3_000, 15_000, 35_000):
        data, network = bank(market(n_bars, n_features=40)), BandedTransformer(40)
        steps = TrainingRecipe().budget(int(0.85 * n_bars))
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
    floor_bytes = 17e3  # a label's traffic in bfloat16: what the layers read and write, forward and back
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
