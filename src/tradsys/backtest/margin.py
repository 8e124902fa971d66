"""Maintenance margin: when a venue closes an account's positions, at what price, and what it leaves of the account."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from tradsys.core.bounds import demand_number
from tradsys.core.kernels import njit
from tradsys.core.time import stamp


@dataclass(frozen=True, slots=True)
class MarginSpec:
    """Cross margin, as on perpetual futures: all of the account stands for all of its positions.

    Positions are liquidated where the equity is no more than `maintenance` of their notional, or than their fees for
    leaving if those are higher. The venue then takes `liquidation_fee_bps` of the notional, as far as that much is
    left. 0.5% is the rate of the smallest tier on most venues, and most keep what margin was left: with a fee of as
    much nothing remains.
    """

    maintenance: float = 0.005
    liquidation_fee_bps: float = 50.0

    def __post_init__(self) -> None:
        demand_number(
            "maintenance", self.maintenance, "it is a share of the notional, 0.005 is usual", least=0.0, most=0.5
        )
        demand_number(
            "liquidation_fee_bps",
            self.liquidation_fee_bps,
            "it is in basis points of the notional, 50 is usual",
            least=0.0,
            most=5_000.0,
        )

    @property
    def liquidation_fee(self) -> float:
        """What a liquidation takes as a fraction of the notional."""
        return self.liquidation_fee_bps / 1e4

    @property
    def sentence(self) -> str:
        """The rule in words, as reports state it."""
        return (
            f"Positions are liquidated where a bar's worst prices leave an equity of at most {self.maintenance:.2%} of "
            f"their notional, which takes {self.liquidation_fee_bps:g} bp; an account with nothing left stays closed."
        )


LIQUIDATION: Final = "liquidation"
"""Why a trade ended that the venue closed."""

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
