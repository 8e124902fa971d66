"""Labels trained per second against the journal's set-up, time to fit a fold, and extra memory, in one run, one thread.

python benchmarks/bench_training.py
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from tradsys.models.crops import CropBank
from tradsys.models.losses import FocalLoss
from tradsys.models.training import Recipe, train
from tradsys.models.transformer import BandedTransformer

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


def journal_step(x: Tensor, y: Tensor) -> Callable[[], None]:
    """One optimiser step of the journal's set-up, loader included (without workers: they are no faster)."""
    network, loss = JournalNetwork(), FocalLoss(alpha=0.25)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    batches = iter(DataLoader(Windows(x, y), BATCH, shuffle=True))

    def step() -> None:
        windows, targets = next(batches)
        loss(network(windows), targets).backward()
        optimiser.step()
        optimiser.zero_grad()

    return step


def bank(n_bars: int, n_features: int = N_FEATURES, dtype: type[np.floating] = np.float64) -> CropBank:
    """A market without anything to learn; the last 15% of its bars are for checking."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n_bars, n_features), dtype=np.float32).astype(dtype, copy=False)
    y = (rng.random((n_bars, 2), dtype=np.float32) < 0.5).astype(np.float32)
    late = np.repeat(np.arange(n_bars)[:, None] >= 0.85 * n_bars, 2, axis=1).astype(np.float32)
    return CropBank.build(
        [x], [y], offset=[[np.zeros_like(y)]], fit=[[1 - late]], check=[[late]], margin=480, device=torch.device("cpu")
    )


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Loss of every label."""
    return nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def fit(data: CropBank, steps: int, **recipe: float) -> tuple[float, int]:
    """Seconds to train for `steps`, checks included, and the labels trained on (a bar's two count once)."""
    network = BandedTransformer(data.x.shape[1])
    settings = Recipe(min_steps=steps, max_steps=steps, patience=10**6, **recipe)
    start = time.perf_counter()
    train(network, data, cross_entropy, settings, seeds=[0])
    return time.perf_counter() - start, steps * settings.n_crops * settings.crop_length(network)[1]


def compare_rates(rounds: int = 3) -> None:
    """Both arms in turn in one process; the best round of each."""
    data = bank(30_000)
    journal = journal_step(data.x[480:-480], data.y[480:-480, 0])
    journal()
    journal_s, ours_s = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        journal()
        journal_s.append((time.perf_counter() - start) / BATCH)
        seconds, labels = fit(data, 50)
        ours_s.append(seconds / labels)
    print(f"journal's set-up  {1e6 * min(journal_s):7.1f} us a label")
    print(
        f"dense engine      {1e6 * min(ours_s):7.1f} us a label, checks included: {min(journal_s) / min(ours_s):.0f}x"
    )


def time_folds() -> None:
    """A fold of each usual size at the full budget of steps, 40 features."""
    for n_bars in (3_000, 6_000, 15_000, 35_000):
        data = bank(n_bars, n_features=40)
        steps = Recipe().budget(int(0.85 * n_bars))
        seconds, _ = fit(data, steps)
        print(f"fold of {n_bars:6,d} bars: {steps} steps in {seconds:.1f} s when nothing stops it early")


def peak_bytes() -> int:
    """This process's peak memory so far; what `getrusage` says includes its parent's."""
    status = Path("/proc/self/status").read_text().split("VmHWM:")[1]
    return int(status.split()[0]) * 1024


def measure_memory() -> None:
    """Peak memory beyond the matrix itself while training on 2 M bars, against the window tensor."""
    n_bars = 2_000_000
    before = peak_bytes()
    fit(bank(n_bars, dtype=np.float32), 20, check_every=20)
    peak = peak_bytes() - before
    matrix, windows = n_bars * N_FEATURES * 4, n_bars * WINDOW * N_FEATURES * 4
    extra = peak - matrix
    print(f"2 M bars: {extra / 1e6:.0f} MB beyond the matrix that is given, {extra / windows:.1%} of all windows")


if __name__ == "__main__":
    torch.set_num_threads(1)
    if "--memory" in sys.argv:
        measure_memory()
    else:
        compare_rates()
        time_folds()
        # a process of its own: peaks never go down
        subprocess.run([sys.executable, __file__, "--memory"], check=True)
