"""Liquidation: at what price a venue closes an account's positions, and what it leaves of the account."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from tradsys.backtest.margin_spec import LIQUIDATION
from tradsys.core.kernels import njit
from tradsys.core.time import stamp

DUST: Final = 1e-9
"""An account of no more than this share of what it began with is worth nothing: no venue takes an order of it."""


@njit(cache=True)
def settle_liquidation(equity: float, gross: float, fee: float) -> tuple[float, float, float]:
    """What is left of an account of this equity whose positions, `gross` in quote, are closed at a price.

    Returns the equity afterwards, the fee as a fraction of the notional, no higher than what there was to take, and the
    quote that the positions lost beyond what there was: somebody else's loss (`closing_price`).

    >>> settle_liquidation(30.0, 1_000.0, 0.005), settle_liquidation(3.0, 1_000.0, 0.005)
    ((25.0, 0.005, 0.0), (0.0, 0.003, 0.0))
    >>> settle_liquidation(-50.0, 1_000.0, 0.005)
    (0.0, 0.0, 50.0)
    """
    if gross <= 0.0:
        return max(equity, 0.0), 0.0, 0.0
    if equity <= 0.0:
        return 0.0, 0.0, -equity
    if equity <= fee * gross:
        return 0.0, equity / gross, 0.0
    return equity - fee * gross, fee, 0.0


@njit(cache=True)
def closing_price(price: float, size: float, loss: float, losses: float, shortfall: float, gross: float) -> float:
    """The price at which a position of `size`, negative where it is short, is liquidated: its bankruptcy price.

    Of the account's shortfall it bears no more of what it lost than its share of all `losses`, so that a position that
    lost nothing earns nothing by it; where carry alone ruined the account, each is spared by its notional.

    >>> closing_price(80.0, 1.0, 20.0, 20.0, 10.0, 180.0), closing_price(100.0, -1.0, 0.0, 20.0, 10.0, 180.0)
    (90.0, 100.0)
    """
    share = max(loss, 0.0) / losses if losses > 0.0 else abs(size) * price / gross
    return max(price + shortfall * share / size, 0.0)


@dataclass(frozen=True, slots=True)
class Ruin:
    """How an account ended: at the close of which bar (`at`, ms) it was worth nothing, and what was liquidated in it.

    `positions` are such as `a long of BTC`, the largest first, and `leverage` is their notional at entry over the
    equity at the close before.
    """

    at: int
    positions: tuple[str, ...]
    leverage: float

    @property
    def sentence(self) -> str:
        """When and by what, in one line."""
        return f"ruined at {stamp(self.at)}: it lost everything with {self.cause}"

    @property
    def cause(self) -> str:
        """What ended it, in words: `a long of BTC at 10.0 times the equity`."""
        if not self.positions:
            return "its costs"
        shown = " and ".join(self.positions[:2])
        more = f" and {len(self.positions) - 2} more" if len(self.positions) > 2 else ""
        return f"{shown}{more}, {self.leverage:.1f} times the equity, liquidated"


def ruin_of(at: int, trades: pl.DataFrame, equity_before: float) -> Ruin:
    """The end of an account at the close `at`, ms, from its trades and its equity at the close before."""
    mine = trades.filter((pl.col("reason") == LIQUIDATION) & (pl.col("exit_ts").cast(pl.Int64) == at))
    largest = mine.sort("notional_quote", descending=True, maintain_order=True)
    positions = tuple(
        f"a {'long' if side > 0 else 'short'} of {symbol}" for symbol, side in largest.select("symbol", "side").rows()
    )
    return Ruin(at, positions, float(mine["notional_quote"].sum()) / equity_before if equity_before > 0 else 0.0)
