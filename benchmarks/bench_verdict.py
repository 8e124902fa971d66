"""Verdict, splits and overfitting at full size, each beside the usual way of doing it, in one run.

python benchmarks/bench_verdict.py
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import combinations, islice

import numpy as np
from arch.bootstrap import SPA
from timing import best_of

from tradsys.journal import TrialSeries
from tradsys.splits import CombinatorialPurgedCV
from tradsys.verdict import judge, probability_of_backtest_overfitting, superior_predictive_ability

HOUR_MS = 3_600_000
N_BARS, N_TRIALS = 26_280, 100


def fastest(call: Callable[[], object], n: int = 5) -> float:
    """Seconds of the fastest of n calls after a first that compiles."""
    return best_of(call, n, warm_up=True)


def trials() -> list[TrialSeries]:
    """A hundred random records of about 400 trades over three hourly years."""
    rng = np.random.default_rng(0)
    returns = np.append(rng.normal(0, 0.006, N_BARS - 1), 0.0)
    opens = 100 * np.cumprod(np.concatenate([[1.0], 1 + returns[:-1]]))[None]
    grid = np.arange(N_BARS) * HOUR_MS
    records = []
    for k in range(N_TRIALS):
        held = np.repeat(rng.choice([-1, 0, 0, 0, 1], N_BARS // 24), 24)
        paid = np.where(np.diff(held, prepend=0) != 0, 0.0007, 0.0)
        daily = (held * returns - paid).reshape(-1, 24).sum(axis=1)
        position = held[None].astype(np.float32)
        days = np.arange(N_BARS // 24)
        records.append(TrialSeries(f"P{k}", days, daily, grid, position, opens, ("BTC",), 400))
    return records


def naive_shifts(records: list[TrialSeries], n_shifts: int) -> None:
    """The statistic of some shifts by rolling every position."""
    returns = np.append(records[0].opens[0, 1:] / records[0].opens[0, :-1] - 1, 0.0)
    for record in records:
        for j in range(n_shifts):
            moved = np.roll(record.position[0], j)
            moved @ returns / np.sqrt(moved**2 @ returns**2)


def naive_purge(start: np.ndarray, end: np.ndarray, n_splits: int) -> None:
    """Some splits of CPCV(10, 2) with a loop over test labels, as the snippet in print does it."""
    group = np.arange(len(start)) * 10 // len(start)
    for tested in islice(combinations(range(10), 2), n_splits):
        is_test = np.isin(group, tested)
        keep = ~is_test
        for i in np.flatnonzero(is_test):
            keep &= (end <= start[i]) | (start >= end[i])


def naive_overfitting(returns: np.ndarray, n_halves: int) -> None:
    """Some halves of CSCV from the rows themselves."""
    blocks = np.split(returns[len(returns) % 16 :], 16)
    for half in islice(combinations(range(16), 8), n_halves):
        a = np.concatenate([blocks[i] for i in half])
        b = np.concatenate([blocks[i] for i in range(16) if i not in half])
        best = (a.mean(axis=0) / a.std(axis=0, ddof=1)).argmax()
        np.sort(b.mean(axis=0) / b.std(axis=0, ddof=1)).searchsorted(best)


def line(what: str, seconds: float, limit: float, usual: float, name: str) -> None:
    """One result: ours, what it must stay below, and the ratio."""
    print(f"{what:<48}{seconds * 1e3:8.1f} ms  limit {limit * 1e3:5.0f} ms  {usual / seconds:8.0f}x faster than {name}")


def main() -> None:
    """Time everything and print a line each."""
    records = trials()
    seconds = fastest(lambda: judge(records[:4], records[4:], guard_bars=24 + 240, seed=0))
    usual = fastest(lambda: naive_shifts(records[:4], 20), 1) * N_TRIALS / 4 * N_BARS / 20
    line("judge, K = 100, 3 hourly years", seconds, 0.2, usual, "rolling positions (timing alone)")

    start = np.arange(100_000) * HOUR_MS
    end = start + np.random.default_rng(0).integers(1, 48, len(start)) * HOUR_MS
    cv = CombinatorialPurgedCV(10, 2, timedelta(hours=48))
    seconds = fastest(lambda: sum(1 for _ in cv.split(start, intervals=(start, end))))
    usual = fastest(lambda: naive_purge(start[::50], end[::50], 1), 1) * 45 * 50**2
    line("CPCV(10, 2), 100,000 labels, 45 splits", seconds, 0.2, usual, "a loop over test labels")

    returns = np.random.default_rng(0).normal(size=(1000, 50))
    seconds = fastest(lambda: probability_of_backtest_overfitting(returns))
    usual = fastest(lambda: naive_overfitting(returns, 200), 1) * 12_870 / 200
    line("PBO, 16 blocks, 50 strategies, 1,000 rows", seconds, 0.3, usual, "a loop over halves")

    losses, benchmark = returns[:500, :30], np.zeros(500)
    seconds = fastest(lambda: superior_predictive_ability(benchmark, losses, block_length=10, n_bootstrap=1000))
    usual = fastest(lambda: SPA(benchmark, losses, block_size=10, reps=1000, seed=0).compute(), 2)
    line("SPA, 30 models, 500 rows, 1,000 draws", seconds, 0.1, usual, "arch (not studentised)")


if __name__ == "__main__":
    main()
