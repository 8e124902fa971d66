"""From a closed bar to log-odds: a network stepped bar by bar, against its batch in ONNX Runtime, features included.

python benchmarks/bench_step.py
"""

import time
from collections.abc import Callable

import numpy as np
import torch

from tradsys.core.time import infer_interval
from tradsys.data import load_bars
from tradsys.features import FeatureSet
from tradsys.features.stream.feature_stream import FeatureStream, bars_of
from tradsys.models.linear.logistic import FittedLinear
from tradsys.models.networks.onnx_forecaster import OnnxForecaster
from tradsys.models.networks.stepper import Stepper
from tradsys.models.training.agents import ResNetAgent, TransformerAgent
from tradsys.regimes.momentum import RegimeMomentum

N_FEATURES, N_BARS = 20, 2000


def microseconds(calls: list[Callable[[], object]]) -> tuple[float, float]:
    """Median and 99th percentile of one call."""
    times = []
    for call in calls:
        begun = time.perf_counter()
        call()
        times.append(1e6 * (time.perf_counter() - begun))
    return float(np.median(times)), float(np.quantile(times, 0.99))


def show(name: str, calls: list[Callable[[], object]]) -> None:
    """One line of the table."""
    middle, late = microseconds(calls)
    print(f"{name:44} p50 {middle:8.1f} µs   p99 {late:8.1f} µs")


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    X = np.random.default_rng(0).standard_normal((N_BARS, N_FEATURES))
    offset = FittedLinear(np.zeros(2), np.zeros((2, N_FEATURES)))
    for agent in (TransformerAgent(), ResNetAgent()):
        network = agent.network(N_FEATURES)
        noise = torch.randn(network.n_parameters, generator=torch.Generator().manual_seed(1))
        theta = (network.initial(0) + 0.05 * noise).numpy()
        model: OnnxForecaster = agent.forecaster(offset, theta, "", {})
        stepper = Stepper(model)
        said = np.array([stepper.step(row) for row in X])
        print(f"{agent.name}: steps and batch differ by at most {np.abs(said - model.logits(X)).max():.1e}")
        show(f"{agent.name}, one step", [lambda row=row, s=stepper: s.step(row) for row in X])
        tails = [X[at - model.memory : at + 1] for at in range(1000, 1400)]
        show(f"{agent.name}, ONNX on its memory", [lambda tail=tail, m=model: m.logits(tail) for tail in tails])
    whole_step()


def whole_step() -> None:
    """From a closed bar to log-odds with the features of a run: features, network and both, against the batch."""
    bars = load_bars("sample", log=lambda _: None).drop("symbol", strict=False)
    features = FeatureSet((*FeatureSet.default().features, RegimeMomentum())).fit([bars.head(1500)], seed=0)
    n_features, lookback = len(features.columns), features.lookback
    agent = TransformerAgent()
    network = agent.network(n_features)
    offset = FittedLinear(np.zeros(2), np.zeros((2, n_features)))
    model = agent.forecaster(offset, network.initial(0).numpy(), "", {})
    stream, stepper = FeatureStream(features, infer_interval(bars)), Stepper(model)
    history, coming = bars[:-1000], bars_of(bars[-1000:])
    print(
        f"features of a run: {n_features} columns, {int(stream.is_fast.sum())} of them fast, lookback {lookback} bars"
    )
    rows = stream.warm(history)
    show("features, one bar", [lambda bar=bar: stream.step(bar, after_gap=True) for bar in coming])
    tails = [bars[at - lookback : at] for at in range(len(bars) - 100, len(bars))]
    show(f"features, {lookback} bars anew", [lambda t=t: features.compute(t) for t in tails])
    rows = stream.warm(history, n_rows=model.memory)
    stepper.warm(rows)
    show("closed bar to log-odds", [lambda b=bar: stepper.step(stream.step(b, after_gap=True)) for bar in coming])
    tails = [bars[at - lookback - model.memory : at] for at in range(len(bars) - 100, len(bars))]
    show("closed bar to log-odds, anew, ONNX", [lambda t=t: model.logits(features.compute(t).values) for t in tails])


if __name__ == "__main__":
    main()
