"""Sizes in whole lots and prices on ticks: integers compare, sums of floats do not."""

import math

import numpy as np

from tradsys.core.orders import LOT_SLACK, to_tick

DECIMALS = 10
"""What a size is rounded to, to lose the dust of binary fractions: 3 * 0.1 is 0.30000000000000004."""

_ROUNDING = 1e-15
"""What a product and a quotient of floats may be off by, as a share: of millions of lots more than a fixed slack."""


def in_lots(size_base: float, lot: float) -> int:
    """How many whole lots a size of either sign holds; less than one is none.

    >>> in_lots(0.3, 0.1), in_lots(-0.25, 0.1), in_lots(0.05, 0.1), in_lots(261.86218199999996, 1e-6)
    (3, -2, 0, 261862182)
    """
    lots = abs(size_base) / lot
    lots = math.floor(lots + max(LOT_SLACK, _ROUNDING * lots))
    return lots if size_base > 0 else -lots


def of_lots(lots: int, lot: float) -> float:
    """The size of so many lots.

    >>> of_lots(3, 0.1)
    0.3
    """
    return round(lots * lot, DECIMALS)


def at_tick(price: float, tick: float) -> float:
    """A price at the nearest tick, rounded as the backtest rounds it.

    >>> at_tick(10.3, 0.25)
    10.25
    """
    return round(float(to_tick(np.array([price]), np.array([tick]))[0]), DECIMALS)


def in_parts(lots: int, most: int) -> list[int]:
    """A number of lots in as few parts as a largest order allows.

    >>> in_parts(7, 3)
    [3, 3, 1]
    """
    return [min(most, lots - done) for done in range(0, lots, most)]
