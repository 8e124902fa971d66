"""What a trade costs, and the steps in which a venue quotes prices and sizes."""

from dataclasses import dataclass

from tradsys.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Costs:
    """Fees a leg, slippage of a market order, funding and borrowing of a held position, in basis points of notional.

    Entries, stops and time exits pay the taker fee and the slippage; targets rest in the book and pay the maker fee.
    Funding is what a long pays (a short receives) every eight hours, unless the bars carry what was settled; borrowing
    is what a short pays a year, by the time it is held.
    """

    taker_bps: float = 5.0
    maker_bps: float = 2.0
    slippage_bps: float = 0.0
    funding_bps_per_8h: float = 0.0
    borrow_bps_per_year: float = 0.0

    def __post_init__(self) -> None:
        if self.slippage_bps < 0:
            raise ConfigError(f"slippage_bps must not be negative, was {self.slippage_bps}; 0 means none")
        if self.borrow_bps_per_year < 0:
            raise ConfigError(
                f"borrow_bps_per_year must not be negative, was {self.borrow_bps_per_year}; 0 means that shorts borrow "
                "for nothing"
            )

    @property
    def taker(self) -> float:
        """Cost of a market leg as a fraction of its notional, slippage included."""
        return (self.taker_bps + self.slippage_bps) / 1e4

    @property
    def maker(self) -> float:
        """Cost of a resting leg as a fraction of its notional."""
        return self.maker_bps / 1e4


@dataclass(frozen=True, slots=True)
class Instrument:
    """Price step, size step and smallest order (`min_notional`, in quote) of a symbol; 0 leaves all as they are."""

    tick: float = 0.0
    lot: float = 0.0
    min_notional: float = 0.0

    def __post_init__(self) -> None:
        if self.tick < 0 or self.lot < 0 or self.min_notional < 0:
            raise ConfigError(
                f"tick, lot and min_notional must not be negative, were {self.tick}, {self.lot} and "
                f"{self.min_notional}; 0 means no rounding and no minimum"
            )
