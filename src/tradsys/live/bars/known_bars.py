"""What was handed out of one symbol, and what an answer of the venue adds to it."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from tradsys.core.errors import DataError
from tradsys.core.time import stamp
from tradsys.features.stream.bar import Bar, check_bar
from tradsys.live.bars.klines import revision

N_WATCHED: Final = 4
"""Bars that are compared again with the venue's at each close."""


class Broken(NamedTuple):
    """Why a symbol's bars do not continue what was handed out: its history must be read anew."""

    reason: str


class KnownBars:
    """The last bars of one symbol that were handed out, at least one."""

    def __init__(self, bars: Iterable[Bar], interval_ms: int) -> None:
        self._bars = deque(bars, maxlen=N_WATCHED)
        self._interval_ms = interval_ms

    @property
    def last_ts(self) -> int:
        """Open of the last bar."""
        return self._bars[-1].ts

    @property
    def ask_from_ms(self) -> int:
        """Where an answer must begin so that the bars handed out can be compared."""
        return self._bars[0].ts

    def next_bars(self, answered: Sequence[Bar], close_ms: int) -> list[Bar] | Broken:
        """The bars that follow up to `close_ms`, in order and without a hole; nothing is taken yet."""
        if why := revision(self._bars, answered):
            return Broken(why)
        wanted = range(self.last_ts + self._interval_ms, close_ms, self._interval_ms)
        found = {bar.ts: bar for bar in answered if self.last_ts < bar.ts < close_ms}
        lacking = [ts for ts in wanted if ts not in found]
        if lacking:
            more = f" and {len(lacking) - 1:,} more" if len(lacking) > 1 else ""
            return Broken(f"the venue has no bar of {stamp(lacking[0])}{more}")
        if odd := sorted(found.keys() - set(wanted)):
            return Broken(f"the venue has a bar of {stamp(odd[0])} between two that were due")
        try:
            for bar in found.values():
                check_bar(bar)
        except DataError as error:
            return Broken(f"the venue's bar cannot be: {error}")
        return [found[ts] for ts in wanted]

    def take(self, bars: Iterable[Bar]) -> None:
        """Bars of `next_bars` were handed out."""
        self._bars.extend(bars)
