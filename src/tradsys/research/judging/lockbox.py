"""The lock-box: the last part of the history, judged once, for the one profile that is deployed."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from tradsys.backtest.simulate import Simulation
from tradsys.data.market import Market
from tradsys.journal.entries import LockboxOpening
from tradsys.journal.ledger import Ledger
from tradsys.research.judging.trials import Tried, data_of, trial_series
from tradsys.verdict.procedure import judge


def open_lockbox(
    market: Market,
    spec: Tried,
    simulate: Callable[[], Mapping[str, Simulation]],
    ledger: Ledger,
    *,
    guard_bars: int,
    code: str,
) -> dict[str, Any]:
    """Record the opening for good, then simulate the deployed profile inside the lock-box and judge it.

    The profile was chosen before, so it is one trial; every other opening of this data's lock-box counts as one more.
    """
    opening = LockboxOpening(
        data=data_of(market), experiment=spec.digest, profile=spec.deployed, seed=spec.seed, code=code
    )
    entry = ledger.append(opening.content())  # before looking: a look that crashes was a look all the same
    openings = [other for other in ledger.entries_on(market.blocks) if other.kind == opening.kind]
    others = [other for other in openings if other.hash != entry.hash]
    (own,) = trial_series(simulate())
    judgement = judge(
        [own],
        n_counted=len(others) + market.n_design_looks,
        spec=spec.verdict,
        guard_bars=guard_bars,
        seed=spec.seed,
    )
    return {
        "profile": own.key,
        "n_other_openings": len(others),
        "detectable_sharpe": judgement.detectable_sharpe,
        **asdict(judgement.profiles[own.key]),
    }
