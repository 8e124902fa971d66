"""What each profile's trades paid: fees, slippage, funding and borrowing, each on its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tradsys.backtest.cost_breakdown import cost_breakdown
from tradsys.core.costs import Costs
from tradsys.report.folder import RunFiles, section
from tradsys.report.numbers import count, number


@dataclass(frozen=True, slots=True)
class CostRow:
    """One profile's costs in quote, each with its share of what was traded, in basis points."""

    profile: str
    n: str
    cells: tuple[tuple[str, str], ...]


def cost_rows(run: RunFiles, names: Sequence[str]) -> list[CostRow]:
    """Fees, slippage, funding and borrowing of each profile that traded; none of a run that did not write its costs."""
    settings = section(run.manifest, "config", "costs")
    if not settings or run.trades["fees_quote"].null_count():
        return []
    costs, found = Costs(**settings), []
    for name in names:
        mine = run.trades.filter(pl.col("profile") == name)
        if len(mine):
            one = cost_breakdown(mine, costs)
            cells = tuple((number(x), f"{number(x / one.traded * 1e4)} bp") for x in one.parts.values())
            found.append(CostRow(name, count(one.n_trades), cells))
    return found
