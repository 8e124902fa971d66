"""Whether the bot lives: its loop turns, and bars come."""

from typing import Any

from tradsys.live.clock import Clock


class Health:
    """Times of the last turn of the loop and of the last bar's close, against how old they may be, in seconds.

    Until the first bar has come, the start counts as its close.
    """

    def __init__(self, clock: Clock, *, max_bar_age_s: float, max_loop_age_s: float = 30.0) -> None:
        self._clock = clock
        self._max_bar_age_s, self._max_loop_age_s = max_bar_age_s, max_loop_age_s
        self._loop_ms = self._bar_ms = clock.now_ms()

    def beat(self) -> None:
        """The loop has turned."""
        self._loop_ms = self._clock.now_ms()

    def on_bar(self, close_ms: int) -> None:
        """A bar with that close is known."""
        self._bar_ms = max(self._bar_ms, close_ms)

    def problems(self) -> list[str]:
        """What is wrong, in words; empty of a bot that lives."""
        found = []
        ages = self._ages()
        if not self.is_turning:
            found.append(f"the loop last turned {ages['loop_age_s']:.0f} s ago, {self._max_loop_age_s:g} is the limit")
        if ages["bar_age_s"] > self._max_bar_age_s:
            found.append(f"the last bar closed {ages['bar_age_s']:.0f} s ago, {self._max_bar_age_s:g} is the limit")
        return found

    @property
    def is_turning(self) -> bool:
        """Whether the loop turns. A new process cures one that does not, and no venue that sends no bars."""
        return self._ages()["loop_age_s"] <= self._max_loop_age_s

    @property
    def is_healthy(self) -> bool:
        return not self.problems()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for whoever asks."""
        return {"healthy": self.is_healthy, "problems": self.problems(), **self._ages()}

    def _ages(self) -> dict[str, float]:
        now_ms = self._clock.now_ms()
        return {"loop_age_s": (now_ms - self._loop_ms) / 1_000, "bar_age_s": (now_ms - self._bar_ms) / 1_000}
