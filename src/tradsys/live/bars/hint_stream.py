"""The venue's stream of hints, opened again whenever it ends or falls silent: it only makes things quicker."""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from tradsys.live.telling import Tell
from tradsys.live.venue import Hint, MarketData, VenueRefused, VenueUnknown

LEAST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0
"""Between two attempts, doubled after each that brought no hint."""

LEAST_SILENCE_S: Final = 60.0


class HintStream:
    """Hands every hint to `heard` for as long as `run` runs; silent for three intervals, it is opened anew."""

    def __init__(
        self,
        data: MarketData,
        symbols: Collection[str],
        interval_ms: int,
        heard: Callable[[Hint], None],
        *,
        tell: Tell,
    ) -> None:
        self._data, self._symbols, self._interval_ms, self._heard = data, symbols, interval_ms, heard
        self._tell = tell
        self._silence_s = max(3 * interval_ms / 1_000, LEAST_SILENCE_S)

    async def run(self) -> None:
        """Until it is cancelled, or the venue refuses the stream for good: the timer goes on without."""
        wait_s = LEAST_WAIT_S
        while True:
            n_heard, why = 0, "it ended"
            hints = aiter(self._data.hints(self._symbols, self._interval_ms))
            try:
                while True:
                    async with asyncio.timeout(self._silence_s):
                        hint = await anext(hints)
                    n_heard += 1
                    self._heard(hint)
            except StopAsyncIteration:
                pass
            except TimeoutError:
                why = f"it was silent for {self._silence_s:g} s"
            except VenueUnknown as error:
                why = str(error)
            except VenueRefused as error:
                self._tell("error", {"what": "stream", "reason": f"refused: {error}", "again_in_s": None})
                return
            wait_s = LEAST_WAIT_S if n_heard else min(2 * wait_s, LONGEST_WAIT_S)
            self._tell("error", {"what": "stream", "reason": why, "again_in_s": wait_s})
            await asyncio.sleep(wait_s)
