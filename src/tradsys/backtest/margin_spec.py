"""Maintenance margin: when a venue closes an account's positions, and what it takes for that."""

from dataclasses import dataclass
from typing import Final

from tradsys.core.bounds import demand_number


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
