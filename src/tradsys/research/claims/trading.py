"""The profiles traded on the outer folds, a seed at a time; every seed's four profiles are trials of the ledger."""

from collections.abc import Sequence

import numpy as np

from tradsys.data.market import Market
from tradsys.journal.ledger import Ledger
from tradsys.research.claims.checkpoints import Checkpoints
from tradsys.research.claims.fits import Deadline
from tradsys.research.judging.trials import record_and_judge, trial_series
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.experiment import Progress, run_experiment
from tradsys.research.walk.experiment_spec import experiment_on
from tradsys.runs.provenance import code_digest
from tradsys.settings.config import RunConfig

TRADES = "trades"


def trading_config(config: RunConfig, seed: int) -> RunConfig:
    """The run whose profiles are compared: the linear decision maker alone, which decides wherever nothing beats it."""
    return config.model_copy(update={"seed": seed, "agent": config.agent.model_copy(update={"name": DECIDER})})


def trade_profiles(
    market: Market,
    config: RunConfig,
    checkpoints: Checkpoints,
    ledger: Ledger,
    *,
    seeds: Sequence[int],
    deadline: Deadline,
    progress: Progress,
) -> None:
    """Run the experiment with every seed that has no checkpoint yet, and enter its profiles in the ledger.

    These are the trials of `tradsys run --agent logistic --seed N` with the same settings: such a run finds them there.
    """
    missing = [seed for seed in seeds if not checkpoints.has(TRADES, seed)]
    for done, seed in enumerate(missing):
        if deadline.has_passed:
            progress(f"time is up, {len(missing) - done} simulations are left for the next call", done, len(missing))
            return
        progress(f"trading the profiles with seed {seed}", done, len(missing))
        spec = experiment_on(market, trading_config(config, seed))
        outcome = run_experiment(market, spec)
        own = trial_series(outcome.simulations)
        guard_bars = outcome.guard_bars(spec)
        record_and_judge(own, market, spec, ledger, guard_bars=guard_bars, code=code_digest())
        checkpoints.put(
            {f"{one.key}.{what}": getattr(one, what) for one in own for what in ("days", "daily")}
            | {f"{name}.pnl": one.trades["pnl_quote"].to_numpy() for name, one in outcome.simulations.items()},
            {"code": code_digest(), "profiles": [one.key for one in own]},
            TRADES,
            seed,
        )
    progress("all profiles traded", len(missing), len(missing))


def daily_returns(checkpoints: Checkpoints, profile: str, seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Days (n_days,) and net returns a seed (n_seeds, n_days)."""
    stored = [checkpoints.get(TRADES, seed)[0] for seed in seeds]
    return stored[0][f"{profile}.days"], np.stack([one[f"{profile}.daily"] for one in stored])
