"""The best levels of one symbol's order book, state after state, each with the time at which it was received."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Book:
    """States in the order in which they were received; levels run from the best on, NaN where none is known.

    `received` (n_states,) is in ms UTC; prices and sizes (base) have shape (n_states, n_levels). `begins` (n_states,)
    marks states that do not continue the one before: the first, and what follows an end. A state without a best bid and
    ask marks the end of a book; `ends` counts the reasons.
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
        """Levels a side of a state."""
        return int(self.bid_price.shape[1])

    @property
    def is_known(self) -> BoolArray:
        """States in which there is a book, shape (n_states,)."""
        return np.isfinite(self.bid_price[:, 0]) & np.isfinite(self.ask_price[:, 0])

    def __getitem__(self, states: slice) -> "Book":
        """Some of the states, without the reasons why it ended."""
        return Book(
            self.received[states],
            self.bid_price[states],
            self.bid_size[states],
            self.ask_price[states],
            self.ask_size[states],
            self.begins[states],
            {},
        )


def joined(pieces: Sequence[Book]) -> Book:
    """Pieces that follow each other as one book."""
    counts: Counter[str] = Counter()
    for piece in pieces:
        counts.update(piece.ends)
    return Book(
        np.concatenate([piece.received for piece in pieces]),
        np.concatenate([piece.bid_price for piece in pieces]),
        np.concatenate([piece.bid_size for piece in pieces]),
        np.concatenate([piece.ask_price for piece in pieces]),
        np.concatenate([piece.ask_size for piece in pieces]),
        np.concatenate([piece.begins for piece in pieces]),
        dict(counts),
    )
