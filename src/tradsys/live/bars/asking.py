"""One symbol's bar of one close, asked for again and again until the venue's answer confirms it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from tradsys.features.stream.bar import Bar
from tradsys.live.bars.confirmation import Confirmation
from tradsys.live.clock import Clock
from tradsys.live.venue import Hint, VenueRefused, VenueUnknown

GRACE_MS: Final = 50
"""After the end of a bar, before it is asked for without a hint."""

FIRST_AGAIN_S: Final = 0.25
LAST_AGAIN_S: Final = 2.0
LONGEST_NAP_S: Final = 30.0
"""A clock that is set right, or a machine that was asleep, is noticed after this at the latest."""


async def sleep_until(clock: Clock, when_ms: int) -> None:
    """Until the clock says so, however it is set meanwhile."""
    while (left_ms := when_ms - clock.now_ms()) > 0:
        await asyncio.sleep(min(left_ms / 1_000, LONGEST_NAP_S))


class Wakes:
    """What hints said last of each symbol: its bar that is said to have closed."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self._hinted = dict.fromkeys(symbols, 0)
        self._events = {symbol: asyncio.Event() for symbol in symbols}

    def hear(self, hint: Hint) -> None:
        """Remember a bar's hint; whatever is about no symbol or no bar of ours is left alone."""
        if hint.about == "bar" and hint.bar_ms is not None and hint.symbol in self._events:
            self._hinted[hint.symbol] = hint.bar_ms
            self._events[hint.symbol].set()

    async def hinted_or(self, clock: Clock, when_ms: int, symbol: str, bar_ms: int) -> None:
        """Until a hint says that this bar has closed, or the clock comes to `when_ms`."""
        event = self._events[symbol]
        while self._hinted[symbol] != bar_ms and (left_ms := when_ms - clock.now_ms()) > 0:
            event.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left_ms / 1_000, LONGEST_NAP_S)):
                    await event.wait()


async def ask_until_confirmed(
    ask: Callable[[], Awaitable[list[Bar]]], confirmation: Confirmation, clock: Clock, *, answer_s: float
) -> list[Bar] | None:
    """The answer that confirms the bar; None where the venue refuses for good, as `confirmation.why` then says.

    An answer that does not come within `answer_s` is asked for again. Before the bar's end there is one attempt: a
    stream may have closed it early.
    """
    end_ms = confirmation.ts_ms + confirmation.interval_ms
    again_s = FIRST_AGAIN_S
    while True:
        asked_ms = clock.now_ms()
        try:
            async with asyncio.timeout(answer_s):
                answered = await ask()
        except TimeoutError:
            confirmation.why = f"the venue did not answer within {answer_s:g} s"
        except VenueUnknown as error:
            confirmation.why = f"the venue gave no answer: {error}"
        except VenueRefused as error:
            confirmation.why = f"the venue refused: {error}"
            return None
        else:
            if confirmation.confirms(answered, asked_ms):
                return answered
        if clock.now_ms() < end_ms + GRACE_MS:
            await sleep_until(clock, end_ms + GRACE_MS)
        else:
            await asyncio.sleep(again_s)
            again_s = min(again_s * 1.5, LAST_AGAIN_S)
