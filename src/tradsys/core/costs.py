"""What a trade costs, and the steps in which a venue quotes prices and sizes."""

from dataclasses import dataclass
from typing import Final, Literal

from tradsys.core.bounds import demand_number

MOST_BPS: Final = 1_000.0
"""A tenth of the notional a leg, or every eight hours: beyond what any venue takes, and so a slip of units."""

LARGEST_REBATE_BPS: Final = 5.0
"""What a venue pays at most for an order that rested in its book."""

MOST_BORROW_BPS_PER_YEAR: Final = 1e6
"""A hundred times the notional a year."""


MOST_SLIPPAGE: Final = 0.5
"""A share of the price: half of a step that is as large as the price."""

type Estimated = Literal["estimated"]
ESTIMATED: Final = "estimated"
"""Slippage that `core.slippage` estimates from the bars, instead of a number of basis points."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Fees a leg, slippage of a market order, funding and borrowing of a held position, in basis points of notional.

    Entries, stops and time exits pay the taker fee and the slippage, which `core.slippage` estimates from the bars
    unless it is a number; targets rest in the book and pay the maker fee, or earn a rebate where it is negative.
    Funding is what a long pays (a short receives) every eight hours, unless the bars carry what was settled; borrowing
    is what a short pays a year, by the time it is held. `tick` is the venue's price step in quote, where it is known
    (0: as the prices show): slippage that is estimated is at least half of it. A ConfigError names what is not finite
    or out of bounds.
    """

    taker_bps: float = 5.0
    maker_bps: float = 2.0
    slippage_bps: float | Estimated = ESTIMATED
    funding_bps_per_8h: float = 0.0
    borrow_bps_per_year: float = 0.0
    tick: float = 0.0

    def __post_init__(self) -> None:
        demand_number("taker_bps", self.taker_bps, "no venue pays for taking; 5 is usual", least=0.0, most=MOST_BPS)
        demand_number(
            "maker_bps",
            self.maker_bps,
            f"a rebate is negative and at most {LARGEST_REBATE_BPS:g}; 2 is usual",
            least=-LARGEST_REBATE_BPS,
            most=MOST_BPS,
        )
        if self.slippage_bps != ESTIMATED:
            why = f"0 means none, and {ESTIMATED!r} takes what the bars say"
            demand_number("slippage_bps", self.slippage_bps, why, least=0.0, most=MOST_BPS)
        demand_number(
            "funding_bps_per_8h",
            self.funding_bps_per_8h,
            "a long pays it, and receives it where it is negative; 1 is usual",
            least=-MOST_BPS,
            most=MOST_BPS,
        )
        demand_number(
            "borrow_bps_per_year",
            self.borrow_bps_per_year,
            "0 means that shorts borrow for nothing",
            least=0.0,
            most=MOST_BORROW_BPS_PER_YEAR,
        )
        demand_number("tick", self.tick, "0 takes the step that the prices show", least=0.0)

    @property
    def taker(self) -> float:
        """Fee of a market leg as a fraction of its notional; its slippage comes on top, bar by bar."""
        return self.taker_bps / 1e4

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
        for name in ("tick", "lot", "min_notional"):
            demand_number(name, getattr(self, name), "0 rounds and demands nothing", least=0.0)
