"""Order arithmetic: how large an order may be and at what price, in the steps and above the minimum of its venue.

The simulation's kernels and whatever places real orders call the same functions, so that both round alike.
"""

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.kernels import njit

LOT_SLACK = 1e-9
"""A size this little below a whole number of lots is one: 0.3 / 0.1 is 2.9999999999999996 in binary."""

UNREACHED, TAKEN, IN_POSITION, NO_ROOM, TOO_SMALL, LAPSED = 0, 1, 2, 3, 4, 5
"""What may become of an order: never looked at, how it fared when it was sized, or that nobody filled it in time."""

ROOM_SLACK = 1e-12
"""A share of the equity that is left by rounding alone."""


@njit(cache=True)
def size_for_share(share: float, equity: float, price: float) -> float:
    """Base units that a share of the equity buys at a price, with the share's sign; none of an equity that is gone.

    >>> size_for_share(0.5, 10_000.0, 40.0)
    125.0
    """
    return share * equity / price if equity > 0.0 else 0.0


@njit(cache=True)
def scale_to_room(wanted: float, room: float) -> float:
    """What orders that want a share of equity together are multiplied by, so that they fit into the room that is left.

    Room that is left by rounding alone is none: 1 - 0.7 - 0.2 - 0.1 is 2.8e-17.

    >>> scale_to_room(1.5, 0.75), scale_to_room(0.5, 0.75), scale_to_room(0.5, -0.1), scale_to_room(0.5, 2.8e-17)
    (0.5, 1.0, 0.0, 0.0)
    """
    return min(1.0, room / wanted) if wanted > 0.0 and room > ROOM_SLACK else 0.0


@njit(cache=True)
def whole_lots(size: float, lot: float) -> float:
    """A size of either sign cut towards zero to a whole number of lots; a lot of 0 leaves it as it is.

    >>> whole_lots(0.37, 0.125), whole_lots(-0.37, 0.125), whole_lots(0.37, 0.0)
    (0.25, -0.25, 0.37)
    """
    cut: float = np.sign(size) * np.floor(abs(size) / lot + LOT_SLACK) * lot if lot > 0.0 else size
    return cut


@njit(cache=True)
def is_large_enough(size: float, price: float, min_notional: float) -> bool:
    """Whether a venue takes an order of this size: one of something, worth no less than its minimum in quote.

    >>> is_large_enough(0.25, 40.0, 10.0), is_large_enough(0.25, 39.0, 10.0), is_large_enough(0.0, 40.0, 0.0)
    (True, False, False)
    """
    return abs(size) > 0.0 and abs(size) * price >= min_notional


@njit(cache=True)
def shared_scale(asked: FloatArray, granted: FloatArray, cap: float) -> float:
    """What the shares of equity that are asked for together are multiplied by: all shrink alike, to the room left.

    Both are (n_symbols,), 0 for a symbol that asks for nothing or holds nothing; open trades leave `cap` less what was
    granted to them.

    >>> shared_scale(np.array([0.0, 0.5, 0.25]), np.array([0.625, 0.0, 0.0]), 1.0)
    0.5
    """
    wanted, room = 0.0, cap
    for s in range(asked.size):
        room -= granted[s]
        wanted += asked[s]
    return scale_to_room(wanted, room)


@njit(cache=True)
def sized_order(
    share: float, scale: float, equity: float, price: float, lot: float, min_notional: float
) -> tuple[int, float]:
    """What becomes of an order for a share of the equity, TAKEN, NO_ROOM or TOO_SMALL, and its size in base units.

    There was no room where it would have been large enough alone.

    >>> sized_order(0.5, 1.0, 10_000.0, 40.0, 10.0, 5.0), sized_order(0.5, 0.001, 10_000.0, 40.0, 1.0, 5.0)
    ((1, 120.0), (3, 0.0))
    """
    size = whole_lots(size_for_share(share * scale, equity, price), lot)
    if is_large_enough(size, price, min_notional):
        return TAKEN, size
    alone = whole_lots(size_for_share(share, equity, price), lot)
    return (NO_ROOM if is_large_enough(alone, price, min_notional) else TOO_SMALL), 0.0


def to_tick(price: FloatArray, tick: FloatArray) -> FloatArray:
    """Prices at the nearest tick, half of one to the even one; a tick of 0 leaves them as they are.

    >>> to_tick(np.array([10.3, 10.625, 10.3]), np.array([0.25, 0.25, 0.0]))
    array([10.25, 10.5 , 10.3 ])
    """
    step = np.where(tick > 0, tick, 1.0)
    return np.where(tick > 0, np.round(price / step) * step, price)


_TICK_SLACK = 1e-6
"""A distance this little below a tick is one: prices on a grid of ticks are off it in binary."""


def has_barriers(
    entry: FloatArray | float, side: IntArray | int, target: FloatArray, stop: FloatArray, tick: FloatArray | float
) -> BoolArray:
    """Whether target and stop, rounded to ticks, lie on their sides of the entry, a tick from it at least.

    >>> has_barriers(100.0, 1, np.array([101.0, 101.0]), np.array([99.0, 99.75]), 0.5)
    array([ True, False])
    """
    nearest = np.minimum(side * (target - entry), side * (entry - stop))
    return np.asarray((nearest > 0) & (nearest >= tick * (1.0 - _TICK_SLACK)))
