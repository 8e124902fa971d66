"""The training engine against the journal's set-up: labels a second, many models as one, memory.

One thread; ratios come from one run, in processor seconds, which neighbours disturb least. The race against windowed
models is in `bench_gain.py`.

python benchmarks/bench_training.py [rates | gain | groups | folds | memory | group-memory | launches | cuda]

`cuda` needs a card, torch and numpy, and ends within four minutes.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader, Dataset

from tradsys.models.losses import FocalLoss
from tradsys.models.networks.transformer import BandedTransformer
from tradsys.models.training import step_parts
from tradsys.models.training.batches import DeviceBudget, model_bytes, train_many
from tradsys.models.training.compiling import Compiling
from tradsys.models.training.crops import CropBank, TrainingSet
from tradsys.models.training.device import best_device, crops_at_once, product_dtype
from tradsys.models.training.model_batch import ModelBatch
from tradsys.models.training.recipe import Member, TrainingRecipe
from tradsys.models.training.schedule import Schedule
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


_DEADLINE_S = 180.0
"""After which no further shape is begun on a card; the longest takes half a minute."""
_FLOOR_BYTES = 17e3
"""A label's traffic in bfloat16: what the layers read and write, forward and back."""
_SHAPES = ((1, 64, 480), (45, 16, 480), (1, 64, 1920), (1, 4, 480), (8, 64, 480))
"""Models, crops of each, and rows of a crop; what matters most first."""


def race_on_cuda(n_bars: int = 2_000_000) -> None:
    """Labels a second on the card, plain and compiled, against the journal's set-up and the memory's bandwidth."""
    if not torch.cuda.is_available():
        sys.exit(f"bench_training.py cuda needs a CUDA device, torch {torch.__version__} finds none here")
    began, device = time.perf_counter(), best_device()
    bandwidth, journal_rate = copied_bytes_per_second(device), journal_on(device)
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}: {bandwidth / 1e12:.2f} TB/s copied")
    print(f"memory-bound floor: {bandwidth / _FLOOR_BYTES / 1e6:.0f} M labels/s")
    print(f"journal's set-up, 8 workers: {journal_rate:,.0f} labels/s", flush=True)
    print("models x crops x rows  steps     M labels/s    x journal  of the floor  start s  first call s")
    one = market(n_bars)
    for n_models, n_crops, crop in _SHAPES:
        data = CropBank.build([one], margin=crop, device=device)
        for mode in ("off", "on"):
            if time.perf_counter() - began > _DEADLINE_S:
                print(f"{n_models:6d} x {n_crops:5d} x {crop:4d}  left out: {_DEADLINE_S:.0f} s are over")
                continue
            shape = partial(fixed, n_crops=n_crops, crop=crop, check_every=100)
            rate, start_s, first_s = rate_on(data, shape, n_models, Compiling(mode))
            print(
                f"{n_models:6d} x {n_crops:5d} x {crop:4d}  {'compiled' if mode == 'on' else 'plain   '}  "
                f"{rate / 1e6:10.2f}  {rate / journal_rate:11,.0f}  {rate * _FLOOR_BYTES / bandwidth:12.1%}  "
                f"{start_s:7.2f}  {first_s:12.1f}",
                flush=True,
            )
    print(f"all of it in {time.perf_counter() - began:.0f} s")


def rate_on(
    data: CropBank, shape: Callable[[int], TrainingRecipe], n_models: int, compiling: Compiling
) -> tuple[float, float, float]:
    """Labels a second beyond the start, seconds of the start, and of the first call, in which things are compiled.

    Two calls of 100 and 300 steps tell start and steps apart; checks, three and five of them, are in both.
    """
    network = BandedTransformer(N_FEATURES)

    def call(n_steps: int) -> float:
        members = [Member(0, seed, shape(n_steps)) for seed in range(n_models)]
        return seconds(lambda: train(network, data, cross_entropy, members, compiling=compiling))

    first_s, short_s, long_s = call(100), call(100), call(300)
    step_s = max(long_s - short_s, 1e-9) / 200
    return n_models * n_labels(network, shape(1)) / step_s, short_s - 100 * step_s, first_s


class Launches(TorchDispatchMode):
    """Counts operations that compute something: on a card each is a kernel at least, where a view is none."""

    def __init__(self) -> None:
        super().__init__()
        self.n = 0

    def __torch_dispatch__(self, act: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count and go on."""
        self.n += not (act.is_view or act.overloadpacket.__name__ in ("detach", "_unsafe_view", "empty", "lift_fresh"))
        return act(*args, **(kwargs or {}))


def count_launches() -> None:
    """Operations of an uncompiled step and of a check, as a card would be given them, counted on the processor."""
    data, network, card = bank(market(300_000)), BandedTransformer(N_FEATURES), torch.device("cuda")
    one = Schedule.of(network, data, [Member(0, 0, fixed(2))])
    batch = ModelBatch(network, data, cross_entropy, one, network.initial(0)[None])
    with (
        patch.object(step_parts, "product_dtype", lambda _, wanted: product_dtype(card, wanted)),
        patch.object(step_parts, "precision", lambda *_: torch.autocast("cpu", torch.bfloat16, cache_enabled=False)),
        patch.object(step_parts, "crops_at_once", lambda _, n_rows: crops_at_once(card, n_rows)),
        patch.object(torch.compiler, "is_compiling", lambda: True),  # plain attention inputs
    ):
        for name, act in (("step", batch.step), ("check of 45,000 bars", batch.check)):
            with Launches() as launches:
                act()
            print(f"{name}: {launches.n} operations")


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
    "launches": count_launches,
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    if torch.cuda.is_available() or sys.argv[1:] == ["cuda"]:
        race_on_cuda()
    elif len(sys.argv) > 1:
        _ARMS[sys.argv[1]]()
    else:
        for arm in _ARMS:  # a process each: peaks of memory never go down
            subprocess.run([sys.executable, __file__, arm], check=True)
