"""Fewer messages: the same news once within a time, and so many a minute."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tradsys.live.notify.message import Level, Message

MOST_TOPICS: Final = 1_000
"""Topics that are remembered; the oldest are forgotten first."""


class Thinning:
    """What of the messages goes out. The same topic again within `repeat_s` is held back and counted in its next one.

    Of what is left at most `per_minute` pass within any 60 s, but CRITICAL ones always. `now_s` is a steady clock.
    """

    def __init__(self, now_s: Callable[[], float], *, repeat_s: float, per_minute: int) -> None:
        self._now_s, self._repeat_s, self._per_minute = now_s, repeat_s, per_minute
        self._last_s: dict[tuple[str, ...], float] = {}
        self._held: dict[tuple[str, ...], int] = {}
        self._passed_s: deque[float] = deque()
        self.n_repeated = 0
        self.n_over_rate = 0

    def passed(self, message: Message) -> Message | None:
        """The message as it goes out, None where it does not."""
        now_s = self._now_s()
        last_s = self._last_s.get(message.topic)
        if last_s is not None and now_s - last_s < self._repeat_s:
            self._held[message.topic] = self._held.get(message.topic, 0) + 1
            self.n_repeated += 1
            return None
        if message.level < Level.CRITICAL and self._is_over_rate(now_s):
            self.n_over_rate += 1
            return None
        self._passed_s.append(now_s)
        self._remember(message.topic, now_s)
        n_held = self._held.pop(message.topic, 0)
        return replace(message, text=f"{message.text} (and {n_held} more before)") if n_held else message

    def _is_over_rate(self, now_s: float) -> bool:
        while self._passed_s and self._passed_s[0] <= now_s - 60.0:
            self._passed_s.popleft()
        return len(self._passed_s) >= self._per_minute

    def _remember(self, topic: tuple[str, ...], now_s: float) -> None:
        self._last_s.pop(topic, None)
        self._last_s[topic] = now_s
        if len(self._last_s) > MOST_TOPICS:
            oldest = next(iter(self._last_s))
            self._last_s.pop(oldest)
            self._held.pop(oldest, None)
