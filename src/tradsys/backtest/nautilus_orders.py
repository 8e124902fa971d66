"""What NautilusTrader is given: trades by the rows of their bars, and numbers as its fixed-point types read them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

DECIMALS: Final = 9
"""Of prices and sizes: the most that its fixed-point numbers have in the standard build."""


@dataclass(frozen=True, slots=True)
class WantedTrade:
    """One entry: filled at the open of `first`, a row of its symbol's bars, left by time at the close of `last`."""

    first: int
    last: int
    side: int
    size_base: float
    stop: float
    target: float


def fixed(value: float) -> str:
    """A number as Nautilus' fixed-point numbers read it.

    >>> fixed(0.30000000000000004)
    '0.300000000'
    """
    return f"{value:.{DECIMALS}f}"


def rate(fraction: float) -> Decimal:
    """A fee without binary dust.

    >>> rate(0.0005)
    Decimal('0.0005')
    """
    return Decimal(repr(round(fraction, 12)))
