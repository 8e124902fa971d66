"""How events travel to one client: late, twice, in another order, not at all, until the stream ends or falls silent."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.exchange.model import Exchange
from tests.exchange.records import Event


@dataclass(slots=True, eq=False)
class Wire:
    """One connection: give it to `Exchange.listeners`; `deliver` gets what arrives, `drop` is called when it breaks.

    Bars told early or wrongly are the exchange's doing; this is only the way.
    """

    exchange: Exchange
    deliver: Callable[[Event], None]
    drop: Callable[[], None]
    delay_ms: float = 5.0
    is_silent: bool = False
    is_open: bool = True

    def __call__(self, event: Event) -> None:
        if not self.is_open or self.is_silent:
            return
        if event.kind == "kline" and not event.what["is_closed"]:
            self._send(event, 0.0)  # of a bar under way there is a next one soon
            return
        faults, now = self.exchange.faults, self.exchange.agenda.time_ms
        if faults.hits("drop_stream", now):
            self.close()
            self.drop()
        elif faults.hits("silence", now):
            self.is_silent = True
        elif not faults.hits("lost_event", now):
            self._send(event, faults.between("late_event", 100, 900) if faults.hits("late_event", now) else 0.0)
            if faults.hits("duplicate_event", now):
                self._send(event, faults.between("duplicate_event", 0, 500))

    def _send(self, event: Event, late_ms: float) -> None:
        self.exchange.agenda.after(self.delay_ms + late_ms, lambda: self._arrive(event))

    def _arrive(self, event: Event) -> None:
        if self.is_open and not self.is_silent:
            self.deliver(event)

    def close(self) -> None:
        """No more of it."""
        self.is_open = False
        if self in self.exchange.listeners:
            self.exchange.listeners.remove(self)
