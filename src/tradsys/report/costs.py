"""What each profile's trades paid: fees, slippage, funding and borrowing, each on its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tradsys.backtest.cost_breakdown import cost_breakdown
from tradsys.report.numbers import count, number
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import TRADES


@dataclass(frozen=True, slots=True)
class CostRow:
    """One profile's costs in quote, each with its share of what was traded, in basis points."""

    profile: str
    n: str
    cells: tuple[tuple[str, str], ...]


def cost_rows(run: StoredRun, names: Sequence[str]) -> list[CostRow]:
    """Fees, slippage, funding and borrowing of each profile that traded."""
    costs, trades, found = run.manifest.costs, run.table(TRADES), []
    for name in names:
        mine = trades.filter(pl.col("profile") == name)
        one = cost_breakdown(mine, costs)
        if one.traded:
            cells = tuple((number(x), f"{number(x / one.traded * 1e4)} bp") for x in one.parts.values())
            found.append(CostRow(name, count(one.n_trades), cells))
    return found
