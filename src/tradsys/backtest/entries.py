"""What entering by limit orders brought: gross, costs and net of the trades, and what was missed, side by side."""

from collections.abc import Mapping, Sequence

import numpy as np

from tradsys.backtest.block_sums import circular_block_sums, percentile_interval
from tradsys.backtest.metrics import BLOCK_DAYS, N_BOOTSTRAP, Measured
from tradsys.backtest.simulate import Simulation
from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.time import DAY_MS

FILLED = ("gross", "fees", "slippage", "carry", "net")
"""Means of the trades that were entered, fractions of the notional at entry; gross less the others is net."""

MISSED = ("missed_gross", "missed_net")
"""Means of the orders that nobody filled, had they been market orders at the open that they were sent at."""


def entry_outcomes(simulation: Simulation, *, seed: int) -> dict[str, Measured]:
    """The means of `FILLED` and `MISSED`, and `missed_share`, the share of the orders that lapsed: none at the market.

    Intervals are percentiles of a circular block bootstrap of days, in which a trade belongs to
    the day of its exit, and an order that was missed to that of the trade that it would have been.
    """
    trades = simulation.trades
    missed = trades.clear() if simulation.missed is None else simulation.missed
    notional = trades["notional_quote"].to_numpy()
    paid = {
        "gross": trades["gross_return"].to_numpy(),
        "fees": trades["fees_quote"].to_numpy() / notional,
        "slippage": trades["slippage_quote"].to_numpy() / notional,
        "carry": (trades["funding_quote"] + trades["borrow_quote"]).to_numpy() / notional,
        "net": trades["net_return"].to_numpy(),
    }
    lost = {name: missed[name.removeprefix("missed_") + "_return"].to_numpy() for name in MISSED}
    days = [_days(frame["exit_ts"].dt.epoch("ms").to_numpy(), simulation) for frame in (trades, missed)]
    n_days = len(simulation.days)
    sums = np.column_stack(
        [
            *(np.bincount(days[0], weights=one, minlength=n_days) for one in (np.ones(len(trades)), *paid.values())),
            *(np.bincount(days[1], weights=one, minlength=n_days) for one in (np.ones(len(missed)), *lost.values())),
        ]
    )
    drawn = circular_block_sums(sums, block_days=BLOCK_DAYS, n_draws=N_BOOTSTRAP, seed=seed)
    names = ("n", *FILLED, "n_missed", *MISSED)
    total, draws = (dict(zip(names, values.T, strict=True)) for values in (sums.sum(axis=0), drawn))
    found = {name: _mean(total, draws, name, ("n",)) for name in FILLED}
    found |= {name: _mean(total, draws, name, ("n_missed",)) for name in MISSED}
    found["missed_share"] = _mean(total, draws, "n_missed", ("n", "n_missed"))
    return found


def _days(left: IntArray, simulation: Simulation) -> IntArray:
    """The day of each exit, counted from the simulation's first."""
    return np.asarray((left - 1) // DAY_MS - simulation.days[0])


def _mean(
    total: Mapping[str, FloatArray], draws: Mapping[str, FloatArray], value: str, counts: Sequence[str]
) -> Measured:
    """A sum over a count, with its interval; None where there is nothing to count."""
    n = int(sum(total[name] for name in counts))
    if not n:
        return Measured(None, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = draws[value] / np.sum([draws[name] for name in counts], axis=0)
    return Measured(float(total[value]) / n, n, *percentile_interval(drawn))
