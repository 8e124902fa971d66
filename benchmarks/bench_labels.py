"""Labels, average uniqueness and simulated trades on 100,000 bars, as ratios to the usual ways, in one run.

python benchmarks/bench_labels.py
"""

from collections.abc import Callable

import numpy as np
import polars as pl
from timing import best_of

from tradsys.backtest.metrics import measure
from tradsys.backtest.simulate import simulate
from tradsys.core.atr import wilder_atr
from tradsys.core.bars import TS, Ohlcv, to_arrays
from tradsys.core.costs import Costs
from tradsys.labels import BarrierSpec, average_uniqueness, triple_barrier

N_BARS, HORIZON, HOUR_MS = 100_000, 24, 3_600_000
YEARS_5 = 43_800


def random_walk(n_bars: int) -> pl.DataFrame:
    """Hourly bars of a random walk."""
    rng = np.random.default_rng(0)
    close = 1e4 * np.exp(np.cumsum(rng.normal(0, 1e-3, n_bars)))
    open_ = np.append(1e4, close[:-1])
    high = np.maximum(open_, close) * (1 + np.abs(rng.normal(0, 4e-4, n_bars)))
    low = np.minimum(open_, close) * (1 - np.abs(rng.normal(0, 4e-4, n_bars)))
    ts = pl.Series(HOUR_MS * np.arange(n_bars)).cast(TS)
    columns = {"ts": ts, "open": open_, "high": high, "low": low, "close": close, "volume": np.ones(n_bars)}
    return pl.DataFrame(columns)


def best_ms(work: Callable[[], object], repeats: int = 15) -> float:
    """Shortest wall time of a few runs after a first one, in milliseconds."""
    return 1e3 * best_of(work, repeats, warm_up=True)


def python_labels(bars: Ohlcv, atr: np.ndarray, n_events: int) -> list[int]:
    """The walk as one writes it down, the first events alone."""
    open_, high, low, pace = (a.tolist() for a in (bars.open, bars.high, bars.low, atr))
    labels = []
    for t in range(13, 13 + n_events):
        target, stop = open_[t + 1] + 1.5 * pace[t], open_[t + 1] - 1.5 * pace[t]
        label = 0
        for j in range(t + 1, t + HORIZON + 1):
            if low[j] <= stop and not (j > t + 1 and open_[j] >= target):
                break
            if high[j] >= target:
                label = 1
                break
        labels.append(label)
    return labels


def numpy_labels(bars: Ohlcv, atr: np.ndarray) -> np.ndarray:
    """All events at once, one step of the horizon after another."""
    n = len(bars.ts) - HORIZON - 13
    entry = bars.open[14 : 14 + n]
    target, stop = entry + 1.5 * atr[13 : 13 + n], entry - 1.5 * atr[13 : 13 + n]
    label, is_open = np.zeros(n, np.int8), np.ones(n, bool)
    for step in range(1, HORIZON + 1):
        now = slice(13 + step, 13 + step + n)
        gaps_up = (bars.open[now] >= target) & (step > 1)
        stops = (bars.low[now] <= stop) & ~gaps_up
        targets = (bars.high[now] >= target) & ~stops
        label[is_open & targets] = 1
        is_open &= ~(stops | targets)
    return label


def loop_uniqueness(first: np.ndarray, after: np.ndarray, n_bars: int) -> np.ndarray:
    """The published snippet: a slice of the bars for every label."""
    alive = np.zeros(n_bars)
    for a, b in zip(first, after, strict=True):
        alive[a:b] += 1
    return np.array([(1 / alive[a:b]).mean() for a, b in zip(first, after, strict=True)])


def report(name: str, ours_ms: float, others: dict[str, float]) -> None:
    """One line a comparison."""
    ratios = ", ".join(f"{ms / ours_ms:,.1f} times faster than {other} ({ms:,.1f} ms)" for other, ms in others.items())
    print(f"{name:<44} {ours_ms:8.2f} ms   {ratios}")


def main() -> None:
    """Check that all agree, then time them."""
    bars = random_walk(N_BARS)
    arrays = to_arrays(bars)
    atr = wilder_atr(arrays.high, arrays.low, arrays.close, 14)
    labels = triple_barrier(bars)
    assert labels["label"].to_list()[:5000] == python_labels(arrays, atr, 5000)
    assert (labels["label"].to_numpy() == numpy_labels(arrays, atr)).all()
    report(
        "triple_barrier, 100k bars, frame to frame",
        best_ms(lambda: triple_barrier(bars)),
        {
            "plain Python": best_ms(lambda: python_labels(arrays, atr, 5000), 3) * len(labels) / 5000,
            "vectorised NumPy, labels alone": best_ms(lambda: numpy_labels(arrays, atr), 5),
        },
    )
    start, end = labels["start"].to_numpy(), labels["end"].to_numpy()
    first, after = labels["index"].to_numpy() + 1, labels["exit_index"].to_numpy() + 1
    expected = loop_uniqueness(first, after, N_BARS)
    assert np.allclose(average_uniqueness(start, end), expected)
    order = np.random.default_rng(1).permutation(len(labels))
    loop_ms = best_ms(lambda: loop_uniqueness(first, after, N_BARS), 2)
    report("average_uniqueness, 100k labels", best_ms(lambda: average_uniqueness(start, end)), {"the snippet": loop_ms})
    report(
        "average_uniqueness, shuffled",
        best_ms(lambda: average_uniqueness(start[order], end[order])),
        {"the snippet": loop_ms},
    )
    years = bars.head(YEARS_5)
    decisions = years.select(
        symbol=pl.lit("A"),
        start=pl.col("ts").dt.offset_by("1h"),
        action=pl.Series(np.random.default_rng(3).choice([-1, 0, 0, 0, 0, 0, 0, 0, 0, 1], YEARS_5).astype(np.int8)),
    )
    spec, costs, end_ms = BarrierSpec(), Costs(), YEARS_5 * HOUR_MS

    def trade() -> object:
        return simulate({"A": years}, decisions, costs=costs, barriers=spec, start=0, end=end_ms)

    simulation = simulate({"A": years}, decisions, costs=costs, barriers=spec, start=0, end=end_ms)
    kernel_ms = best_ms(trade)
    print(f"{'simulate, 43,800 bars, ' + format(simulation.n_trades, ',') + ' trades':<44} {kernel_ms:8.2f} ms")
    print(f"{'measure, all metrics and 1,999 resamples':<44} {best_ms(lambda: measure(simulation, seed=0)):8.2f} ms")


if __name__ == "__main__":
    main()
