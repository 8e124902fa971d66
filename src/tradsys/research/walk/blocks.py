"""What an account made in each test block: the change of its equity, and the trades that were decided there."""

from typing import Any

import numpy as np

from tradsys.backtest.simulate import Simulation


def block_result(simulation: Simulation, opens: int, closes: int) -> dict[str, Any]:
    """Trades that were decided in [opens, closes) ms, and what the equity gained from the one time to the other.

    The returns of blocks that follow each other compound to that of the whole: positions that are open at a border are
    marked there. After a ruin there is none.
    """
    decided = simulation.trades["decided"].dt.epoch("ms")
    before, after = (_worth(simulation, time) for time in (opens, closes))
    return {
        "n_trades": int(((decided >= opens) & (decided < closes)).sum()),
        "equity_return": after / before - 1.0 if before > 0 else None,
    }


def _worth(simulation: Simulation, time: int) -> float:
    """Equity at the last close by then, the capital before any."""
    row = int(np.searchsorted(simulation.grid + simulation.bar_ms, time, side="right")) - 1
    return float(simulation.equity["equity"][row]) if row >= 0 else simulation.cash_quote
