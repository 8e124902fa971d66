"""Filtering and fitting regimes, and where hmmlearn is installed the same with it, in one run.

python benchmarks/bench_regimes.py [FILE ...]     (files of bars beside the simulated markets of the likelihoods)

Processor seconds. The project does not bring hmmlearn: `pip install hmmlearn` in an environment of your own.
"""

import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import polars as pl
from timing import best_of

from tradsys.core.errors import TradsysError
from tradsys.data import load_bars
from tradsys.data.simulate import simulate
from tradsys.regimes import RegimeModel, RegimeSpec
from tradsys.regimes.em import Chain, run_em
from tradsys.regimes.fitted import FittedRegimes

N_BARS = 100_000
N_STEP = 24_000
N_FIT = 4_000
KINDS = (
    "noise",
    "sv-martingale",
    "regimes",
    "edge:3",
    "bull",
    "decay:3",
    "bounce:20",
    "spread-regimes",
    "averaged:3",
    "storms",
)
WITH_IT = find_spec("hmmlearn") is not None

quickest: Callable[..., float] = partial(best_of, clock=time.process_time)


def main() -> None:
    """Print the ratios."""
    warnings.simplefilter("ignore", DeprecationWarning)  # hmmlearn 0.3.3 sets shapes in place
    if not WITH_IT:
        print("hmmlearn is not installed: nothing is compared with it")
    filters()
    steps()
    fits()
    if WITH_IT:
        likelihoods()


def observed(bars: pl.DataFrame) -> np.ndarray:
    """What regimes of bars are fitted on, (n, 1)."""
    observation = RegimeSpec().observation.fit([bars])
    return observation.compute(bars)[observation.lookback - 1 :]


def hmmlearns(chain: Chain, n_steps: int, enough: float = -np.inf) -> Any:
    """The same model, from which hmmlearn goes on."""
    from hmmlearn.base import ConvergenceMonitor
    from hmmlearn.hmm import GaussianHMM

    hmm = GaussianHMM(len(chain.initial), covariance_type="full", init_params="", n_iter=n_steps, covars_prior=0.0)
    hmm.monitor_ = ConvergenceMonitor(enough, n_steps, False)
    hmm.startprob_, hmm.transmat_, hmm.means_, hmm.covars_ = map(np.copy, chain)
    return hmm


def chain_of(model: FittedRegimes) -> Chain:
    """A fitted model as arrays."""
    return Chain(*map(np.array, (model.initial, model.transition, model.means, model.covariances)))


def filters() -> None:
    """The filter, over all bars and over windows."""
    bars = simulate("regimes", n_bars=N_BARS)
    returns = bars["close"].log().diff().to_numpy()[1:]
    ranges = (bars["high"] / bars["low"]).log().to_numpy()[1:]
    X = np.column_stack([returns / returns.std(), np.log(ranges / ranges.mean() + 1e-3)])
    model = RegimeModel(n_starts=4).fit(X[:N_FIT])
    ours = quickest(lambda: model.filter(X))
    windows = quickest(lambda: model.filter_windows(X, 160))
    per_bar = f"{ours / len(X) * 1e9:.0f} ns a bar"
    print(f"filter, {len(X):,} bars x 3 states x 2 observations: {ours * 1e3:.1f} ms ({per_bar})")
    print(f"  each value from its last 160 bars alone: {windows * 1e3:.1f} ms, {windows / ours:.1f} x the plain filter")


def steps() -> None:
    """One step of EM on three states."""
    X = observed(simulate("regimes", n_bars=N_STEP + 240))
    chain = chain_of(RegimeModel(n_starts=2, has_units=False, order="mean").fit(X[:2000]))

    def step() -> None:
        run_em(Chain(*map(np.copy, chain)), X, [len(X)], prior=0.0, n_steps=1, enough=0.0)

    ours = quickest(step, 20, warm_up=True)
    beside = f", hmmlearn {quickest(lambda: hmmlearns(chain, 1).fit(X), 5) / ours:.1f} x as long" if WITH_IT else ""
    print(f"a step of EM, {len(X):,} rows x 3 states: {ours * 1e3:.2f} ms{beside}")


def fits() -> None:
    """Regimes of an hourly history, from starts and from an earlier fold."""
    hourly = simulate("regimes", n_bars=35_000)
    cold = quickest(lambda: RegimeSpec().fit([hourly], seed=0), 1, warm_up=False)
    fitted = RegimeSpec().fit([hourly[:30_000]], seed=0)
    warm = quickest(lambda: RegimeSpec().fit([hourly], seed=0, start_from=fitted), 1)
    print(f"regimes of 35,000 bars: {cold:.3f} s, {warm:.3f} s from an earlier fold's")


def likelihoods() -> None:
    """On each market hmmlearn goes to convergence from our start, and from three of its own."""
    markets = {kind: simulate(kind, n_bars=N_FIT, seed=3) for kind in KINDS}
    markets |= {path: load_bars(path, log=lambda line: None).tail(N_FIT) for path in sys.argv[1:]}
    from_start, from_its_own = [], []
    for name, bars in markets.items():
        try:
            X = observed(bars)
            ours = RegimeModel(order="mean", has_units=False).fit(X)
        except TradsysError as error:
            print(f"  {name}: {error}")
            continue
        chain = chain_of(ours)
        chain.transition[:] = 0.7 * chain.transition + 0.1  # off the summit, so that both have to climb
        same = Chain(*map(np.copy, chain))
        limit = {"n_steps": 500, "enough": 1e-5 * len(X)}
        climbed, _ = run_em(same, X, [len(X)], prior=0.0, **limit)
        from_start.append(climbed[-1] - hmmlearns(chain, **limit).fit(X).monitor_.history[-1])
        from_its_own.append(ours.log_likelihood - its_best(X))
    print(f"log-likelihood above hmmlearn's on {len(from_start)} markets, least and most:")
    print(f"  from the same start {min(from_start):+.1e} to {max(from_start):+.1e}")
    print(f"  from three starts of its own {min(from_its_own):+.2f} to {max(from_its_own):+.2f}")


def its_best(X: np.ndarray) -> float:
    """The best log-likelihood of three starts, each run to the end, as hmmlearn's tutorial does it."""
    from hmmlearn.hmm import GaussianHMM

    runs = (
        GaussianHMM(3, covariance_type="full", n_iter=200, tol=1e-5 * len(X), random_state=seed) for seed in range(3)
    )
    return max(run.fit(X).score(X) for run in runs)


if __name__ == "__main__":
    main()
