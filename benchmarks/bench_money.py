"""What EDGE earns as it is, and what it would earn if it took its forecasts at their word, on the same markets.

python benchmarks/bench_money.py [N_MARKETS] [FILE ...]

Simulated markets of known truth, and files of bars, each with the fast preset's parts. A file of several symbols is a
pool. Every market's equity grows by what its simulated trades earn after costs.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from statistics import mean

import polars as pl

from tradsys.core.time import from_ms
from tradsys.data.market import Market, load_market
from tradsys.predictor.predictor import decisions_frame
from tradsys.profiles.catalogue import EDGE
from tradsys.profiles.profile import Profile
from tradsys.profiles.rules import ExpectedReturnAbove
from tradsys.research.calibration.scenarios import calibration_experiment
from tradsys.research.walk.earning import money_calibration
from tradsys.research.walk.experiment import Walk, simulate_decisions, simulate_profile, walk
from tradsys.research.walk.experiment_spec import Experiment

RECIPES = ("noise", "sv-martingale", "bull", "edge:0", "edge:1", "edge:2", "edge:3")
FIRST_SEED = 3_000_000
AT_ITS_WORD = Profile("AT_ITS_WORD", "every forecast whose own expected return is positive", ExpectedReturnAbove())


def word_decisions(walked: Walk, spec: Experiment) -> Iterator[pl.DataFrame]:
    """What would be decided on each test block if no record were held against the forecasts."""
    for result in walked.results:
        alone = replace(result.predictor, money=None)
        opens, closes = from_ms(result.fold.opens), from_ms(result.fold.closes)
        for symbol, bars in walked.data.frames.items():
            decided = decisions_frame(symbol, alone.forecast(bars), AT_ITS_WORD, spec.barriers)
            yield decided.filter(pl.col("start").is_between(opens, closes, closed="left"))


def tried(market: Market, seed: int) -> tuple[float, int, float, int, dict[str, float] | None]:
    """Profit and trades at its word, profit and trades as it is, and what was expected to pay."""
    spec = calibration_experiment("fast", seed=seed, sides=market.sides)
    spec = replace(spec, portfolio=replace(spec.portfolio, fraction=1 / len(market.symbols)))
    walked = walk(market, spec)
    data, _, results = walked
    decisions = pl.concat(word_decisions(walked, spec)).sort("start", maintain_order=True)
    word = simulate_decisions(data.frames, decisions, spec, start=results[0].fold.opens, end=data.closes)
    now = simulate_profile(data, results, EDGE, spec)
    paying = money_calibration(data, results, horizon=spec.barriers.horizon, seed=seed)["paying"]
    profits = [float(one.equity["equity"][-1] / spec.portfolio.cash_quote - 1) for one in (word, now)]
    return profits[0], len(word.trades), profits[1], len(now.trades), paying


def report(name: str, rows: list[tuple[float, int, float, int, dict[str, float] | None]]) -> None:
    """One line a kind of market."""
    word, n_word, now, n_now = (mean(column) for column in list(zip(*rows, strict=True))[:4])
    paying = [row[4] for row in rows if row[4]]
    n = sum(one["n"] for one in paying)
    said = earned = 0.0
    if n:
        said, earned = (sum(one[key] * one["n"] for one in paying) / n for key in ("expected_bps", "earned_bps"))
    print(
        f"{name:14s} n = {len(rows):3d}  trades {n_word:7.1f} -> {n_now:7.1f}  profit {word:+8.1%} -> {now:+8.1%}  "
        f"expected {said:+5.1f} bp, earned {earned:+5.1f} bp of {n:,.0f} decisions"
    )


def main() -> None:
    """Print trades and profit of both, and what was expected to pay."""
    n_markets, *files = sys.argv[1:] or ["8"]
    for recipe in RECIPES:
        seeds = range(FIRST_SEED, FIRST_SEED + int(n_markets))
        report(recipe, [tried(load_market([f"simulated:{recipe}"], seed=seed), seed) for seed in seeds])
    if files:
        report("files", [tried(load_market([file]), seed) for seed, file in enumerate(files)])


if __name__ == "__main__":
    main()
