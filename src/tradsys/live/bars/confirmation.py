"""When a bar counts as closed: by what the venue answers, since a stream may close one early and REST may lag."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tradsys.core.errors import DataError
from tradsys.features.stream.bar import Bar, check_bar

SETTLED_MS: Final = 1_000
"""Two equal answers at least this far apart, both asked for after the end, confirm a bar that has no successor yet."""


ABSENT_MS: Final = 5_000
"""A bar that is absent for so long while its successor is there does not exist: REST shows some a moment late."""


@dataclass(slots=True)
class Confirmation:
    """Looks at one answer after the other until one confirms the close of the bar that opens at `ts_ms`.

    A successor in the same answer settles it at once: whoever wrote it down has passed the bar's end. Without one,
    which is usual where little is traded, the bar must be the same in two answers, the first of them asked for after
    its end by the venue's time (`doubt_ms` is how well that is known), the second a moment later. A successor without
    the bar settles after a while that there is none.
    """

    ts_ms: int
    interval_ms: int
    doubt_ms: float
    why: str = "no answer came"
    _first: tuple[int, Bar] | None = None
    _absent_ms: int | None = None

    def confirms(self, answered: Sequence[Bar], asked_ms: int) -> bool:
        """Whether this answer, asked for at `asked_ms`, does; if not, `why` says what was wrong with it."""
        bar = next((one for one in answered if one.ts == self.ts_ms), None)
        if bar is not None and (wrong := _why_impossible(bar)):
            self.why = wrong
            return False
        if any(one.ts > self.ts_ms for one in answered):
            return bar is not None or self._is_absent(asked_ms)
        self.why = "the venue does not have it yet" if bar is None else "its close was not confirmed"
        if bar is None or asked_ms - self.doubt_ms < self.ts_ms + self.interval_ms:
            self._first = None
        elif self._first is None or self._first[1] != bar:
            self._first = asked_ms, bar
        else:
            return asked_ms - self._first[0] >= SETTLED_MS
        return False

    def _is_absent(self, asked_ms: int) -> bool:
        self.why = "the venue has the next bar and not this one"
        self._absent_ms = self._absent_ms or asked_ms
        return asked_ms - self._absent_ms >= ABSENT_MS


def _why_impossible(bar: Bar) -> str | None:
    try:
        check_bar(bar)
    except DataError as error:
        return f"the venue's bar cannot be: {error}"
    return None
