"""Filtering and fitting regimes against hmmlearn, in one run.

python benchmarks/bench_regimes.py
"""

import warnings

import numpy as np
from hmmlearn.hmm import GaussianHMM
from timing import best_of

from tradsys.data.simulate import simulate
from tradsys.regimes import RegimeModel, RegimeSpec
from tradsys.regimes.fitted import FittedRegimes

N_BARS = 100_000
N_FIT = 12_000


def as_hmmlearn(model: FittedRegimes) -> GaussianHMM:
    """The same model, for hmmlearn's forward-backward (it has no filter of its own)."""
    hmm = GaussianHMM(model.n_states, covariance_type="full", init_params="")
    hmm.startprob_, hmm.transmat_ = np.array(model.initial), np.array(model.transition)
    hmm.means_, hmm.covars_ = np.array(model.means), np.array(model.covariances)
    return hmm


def hmmlearn_starts(X: np.ndarray) -> float:
    """The best log-likelihood of ten starts, each run to the end, as hmmlearn's tutorial does it."""
    runs = (
        GaussianHMM(3, covariance_type="full", n_iter=200, tol=1e-5 * len(X), random_state=seed) for seed in range(10)
    )
    return max(run.fit(X).score(X) for run in runs)


def main() -> None:
    """Print the ratios."""
    warnings.simplefilter("ignore", DeprecationWarning)  # hmmlearn 0.3.3 sets shapes in place
    bars = simulate("regimes", n_bars=N_BARS)
    returns = bars["close"].log().diff().to_numpy()[1:]
    ranges = (bars["high"] / bars["low"]).log().to_numpy()[1:]
    X = np.column_stack([returns / returns.std(), np.log(ranges / ranges.mean() + 1e-3)])

    model = RegimeModel(n_starts=4).fit(X[:N_FIT])
    ours = best_of(lambda: model.filter(X))
    windows = best_of(lambda: model.filter_windows(X, 160))
    theirs = best_of(lambda: as_hmmlearn(model).score_samples(X), 1)
    print(
        f"filter, {len(X):,} bars x 3 states x 2 observations: {ours * 1e3:.1f} ms ({ours / len(X) * 1e9:.0f} ns a bar)"
    )
    print(f"  hmmlearn's forward-backward takes {theirs / ours:.0f} x as long, and looks ahead")
    print(f"  each value from its last 160 bars alone: {windows * 1e3:.1f} ms, {windows / ours:.1f} x the plain filter")

    one = best_of(lambda: RegimeModel().fit(X[:N_FIT]), 1)
    ten = best_of(lambda: hmmlearn_starts(X[:N_FIT]), 1)
    gain = RegimeModel().fit(X[:N_FIT]).log_likelihood - hmmlearn_starts(X[:N_FIT])
    print(f"best of ten starts, {N_FIT:,} bars: {one:.2f} s; each run to the end by hmmlearn {ten / one:.1f} x")
    print(f"  log-likelihood above hmmlearn's best: {gain:+.1f}")

    hourly = bars[:35_000]
    cold = best_of(lambda: RegimeSpec().fit([hourly], seed=0), 1)
    fitted = RegimeSpec().fit([hourly[:30_000]], seed=0)
    warm = best_of(lambda: RegimeSpec().fit([hourly], seed=0, start_from=fitted), 1)
    print(f"regimes of 35,000 bars: {cold:.2f} s, {warm:.2f} s from an earlier fold's")


if __name__ == "__main__":
    main()
