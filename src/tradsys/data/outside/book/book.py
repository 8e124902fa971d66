"""The best levels of one symbol's order book, state after state, each with the time at which it was received."""

from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Book:
    """States in the order in which they were received; levels run from the best on, NaN where none is known.

    `received` (n_states,) is in ms UTC; prices and sizes (base) have shape (n_states, n_levels). `begins` (n_states,)
    marks states that do not continue the one before: the first, and what follows an end. A state without a best bid and
    ask says that the book ended there; `ends` counts the reasons.
    """

    received: IntArray
    bid_price: FloatArray
    bid_size: FloatArray
    ask_price: FloatArray
    ask_size: FloatArray
    begins: BoolArray
    ends: dict[str, int]

    @property
    def n_levels(self) -> int:
        """Levels a side that a state can tell."""
        return int(self.bid_price.shape[1])

    @property
    def is_known(self) -> BoolArray:
        """States in which there is a book, shape (n_states,)."""
        return np.isfinite(self.bid_price[:, 0]) & np.isfinite(self.ask_price[:, 0])
