"""Costs of trades by kind: fees, slippage, funding and borrowing."""

from dataclasses import dataclass

import polars as pl

from tradsys.backtest.margin_spec import LIQUIDATION
from tradsys.core.costs import ESTIMATED, Costs


@dataclass(frozen=True, slots=True)
class CostBreakdown:
    """Quote that `n_trades` round trips paid; `traded` is what they bought and sold. Negative funding was received."""

    n_trades: int
    traded: float
    fees: float
    slippage: float
    funding: float
    borrow: float

    @property
    def parts(self) -> dict[str, float]:
        """Quote by kind of cost."""
        return {"fees": self.fees, "slippage": self.slippage, "funding": self.funding, "borrow": self.borrow}

    @property
    def sentence(self) -> str:
        """In one line, with how much of the turnover it was."""
        listed = ", ".join(f"{name} {amount:,.2f}" for name, amount in self.parts.items())
        share = f", {sum(self.parts.values()) / self.traded * 1e4:.2f} bp of what was traded" if self.traded else ""
        return f"{listed} (n = {self.n_trades:,} trades{share})"


def cost_breakdown(trades: pl.DataFrame, costs: Costs, *, has_resting_entries: bool = False) -> CostBreakdown:
    """From a simulation's trades, and what they cost; entries rested in the book where `has_resting_entries`.

    What was traded follows from the fees, since a position may have been resized on the way; a liquidation's fee is
    among them. Trades that name no slippage are of earlier versions, in whose fees a constant one was.
    """
    rate = costs.taker
    if (is_old := trades["slippage_quote"].null_count() > 0) and costs.slippage_bps != ESTIMATED:
        rate += costs.slippage_bps / 1e4
    exits = pl.col("size_base") * pl.col("exit_price")
    is_liquidated = pl.col("reason") == LIQUIDATION
    entering = costs.maker if has_resting_entries else rate
    taken = pl.when(is_liquidated).then(pl.col("fees_quote") - entering * pl.col("notional_quote")).otherwise(0.0)
    resting = pl.when(pl.col("reason") == "target").then(exits).otherwise(0.0)
    if has_resting_entries:
        resting = resting + pl.col("notional_quote")
    fees, slippage, rested, taken_quote, liquidated, ends, funding, borrow = trades.select(
        fees=pl.col("fees_quote").sum(),
        slippage=pl.col("slippage_quote").sum(),
        rested=resting.sum(),
        taken=taken.sum(),
        liquidated=pl.when(is_liquidated).then(exits).otherwise(0.0).sum(),
        ends=(pl.col("notional_quote") + exits).sum(),
        funding=pl.col("funding_quote").sum(),
        borrow=pl.col("borrow_quote").sum(),
    ).row(0)
    charged = fees - costs.maker * rested - taken_quote
    at_market = charged / rate if rate else ends - rested - liquidated
    if is_old:
        slippage = (rate - costs.taker) * at_market
        fees -= slippage
    return CostBreakdown(len(trades), at_market + rested + liquidated, fees, slippage, funding, borrow)
