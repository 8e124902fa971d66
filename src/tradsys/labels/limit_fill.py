"""Which bar fills a limit order, and what of that bar its trade has lived through.

Labels, simulated trades and paper accounts call the same functions, so that one rule fills all of them.
"""

from tradsys.core.arrays import FloatArray
from tradsys.core.kernels import njit


@njit(cache=True)
def trades_through(side: int, high: float, low: float, price: float) -> bool:
    """Whether a bar fills a limit order to buy (1) or to sell (-1): it traded beyond the price; a touch is no fill.

    >>> trades_through(1, 101.0, 99.0, 99.0), trades_through(1, 101.0, 98.9, 99.0), trades_through(-1, 99.5, 98.0, 99.0)
    (False, True, True)
    """
    return low < price if side > 0 else high > price


@njit(cache=True)
def filled_row(high: FloatArray, low: FloatArray, first: int, last: int, side: int, price: float) -> int:
    """The first row from `first` to `last` that trades through the price, -1 where none does."""
    for row in range(first, last + 1):
        if trades_through(side, high[row], low[row], price):
            return row
    return -1


@njit(cache=True)
def since_fill(
    side: int, is_gap: bool, opened: float, high: float, low: float, close: float, price: float
) -> tuple[float, float, float]:
    """Open, high and low of what certainly came after the fill, in the bar that filled an order at this price.

    The price moved against the trade to fill it, so that the adverse extreme came with the fill or after it. What it
    moved for the trade may have come before, all but the close, and the worse is taken. With `is_gap` the bar had
    opened beyond the price: the order was filled on the way there, and the whole bar came after.

    >>> since_fill(1, False, 100.0, 103.0, 98.0, 99.5, 99.0), since_fill(1, True, 98.5, 103.0, 98.0, 99.5, 99.0)
    ((99.0, 99.5, 98.0), (98.5, 103.0, 98.0))
    """
    if is_gap:
        return opened, high, low
    if side > 0:
        return price, max(price, close), low
    return price, high, min(price, close)
