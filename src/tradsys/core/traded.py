"""Which bars somebody traded in: one without volume is a price that nobody offered, and fills nothing."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Self

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray

type NoVolume = Literal["lapse", "wait"]
"""What becomes of an entry in whose bar nobody trades: it lapses, or waits for the next bar in which somebody does."""

NO_VOLUME: tuple[NoVolume, ...] = ("lapse", "wait")


def traded_bars(volume: FloatArray) -> BoolArray:
    """True for bars with volume, and for all before the first that has any; shape (n_bars,).

    Where volumes begin late, or never do, nothing tells whether anybody traded, and bars fill as if somebody had. A
    bar is judged by its own volume and by earlier ones alone, so that no later bar changes what was known of it.

    >>> traded_bars(np.array([0.0, 0.0, 3.0, 0.0, 1.0]))
    array([ True,  True,  True, False,  True])
    """
    has_volume = volume > 0.0
    if not has_volume.all() and has_volume.any():
        has_volume[: int(has_volume.argmax())] = True
        return has_volume
    return np.ones(len(volume), bool)


class TradedBars(NamedTuple):
    """One symbol's bars as somebody traded them, each (n_bars,).

    `next` is the first traded row at or after each, n_bars where none is.
    """

    is_traded: BoolArray
    next: IntArray

    @classmethod
    def of(cls, volume: FloatArray) -> Self:
        """From the bars' volume, (n_bars,), by `traded_bars`."""
        is_traded = traded_bars(volume)
        if is_traded.all():
            return cls(is_traded, np.arange(len(volume)))
        rows = np.where(is_traded, np.arange(len(volume)), len(volume))
        return cls(is_traded, np.minimum.accumulate(rows[::-1])[::-1])

    @property
    def n_until_last(self) -> int:
        """Bars up to the last traded one: a symbol's time ends with it, as nobody can leave a position later."""
        return int(np.flatnonzero(self.is_traded)[-1]) + 1 if len(self.is_traded) else 0

    def entries(self, rows: IntArray, horizon: int | IntArray, no_volume: NoVolume) -> IntArray:
        """The row at whose open an entry decided at the close of each row is filled, -1 where nobody trades in time.

        `rows` (n,) have `horizon` more bars after them. An entry that waits does so until its horizon at most.
        """
        if self.is_traded.all():
            return rows + 1
        first = rows + 1 if no_volume == "lapse" else self.next[rows + 1]
        is_filled = self.is_traded[rows + 1] if no_volume == "lapse" else first <= rows + horizon
        return np.where(is_filled, first, -1)


def end_to_end(each: Sequence[TradedBars]) -> TradedBars:
    """Several symbols' rows, one after the other; where no traded bar of its own follows, a row beyond the symbol's."""
    begins = np.cumsum([0, *(len(one.is_traded) for one in each[:-1])])
    nexts = [begin + one.next for begin, one in zip(begins, each, strict=True)]
    return TradedBars(np.concatenate([one.is_traded for one in each]), np.concatenate(nexts))
