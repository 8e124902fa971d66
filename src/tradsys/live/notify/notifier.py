"""Notifications on their way out: a queue with a bound and one thread, so that no service ever delays the bot."""

import threading
import time
from collections.abc import Callable, Mapping
from queue import Empty, Full, Queue
from typing import Any

from tradsys.live.notify.message import Level, Message, message_of
from tradsys.live.notify.thinning import Thinning

type Send = Callable[[Message], bool]
"""Bring a message to its services, however long it takes; whether all of them took it."""


class Notifier:
    """Listens to what is told and sends what people want to know; `tell` neither waits nor raises.

    A message that finds the queue full is dropped, and so is the oldest one where a CRITICAL one comes; `counts` says
    how many. `scrub` takes secrets out of a text before it is queued.
    """

    def __init__(
        self,
        send: Send,
        *,
        least: Level = Level.INFO,
        repeat_s: float = 300.0,
        per_minute: int = 20,
        n_queued: int = 100,
        scrub: Callable[[str], str] = str,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send, self._least, self._scrub = send, least, scrub
        self._thinning = Thinning(now_s, repeat_s=repeat_s, per_minute=per_minute)
        self._queue: Queue[Message | None] = Queue(n_queued)
        self._is_closed = False
        self._n_sent = self._n_failed = self._n_dropped = 0
        self._thread = threading.Thread(target=self._work, name="notifications", daemon=True)
        self._thread.start()

    def tell(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Send what people want to know of this event, some time."""
        message = message_of(kind, fields)
        if message is None or message.level < self._least or self._is_closed:
            return
        passed = self._thinning.passed(message)
        if passed is not None:
            self._put(Message(passed.level, passed.topic, self._scrub(passed.text)))

    def counts(self) -> dict[str, int]:
        """What became of the messages so far."""
        return {
            "n_notifications_sent": self._n_sent,
            "n_notifications_failed": self._n_failed,
            "n_notifications_dropped": self._n_dropped,
            "n_notifications_repeated": self._thinning.n_repeated,
            "n_notifications_over_rate": self._thinning.n_over_rate,
        }

    def close(self, timeout_s: float = 5.0) -> bool:
        """Send what is queued, for so long at most; whether everything left."""
        self._is_closed, until_s = True, time.monotonic() + timeout_s
        try:
            self._queue.put(None, timeout=timeout_s)
        except Full:
            return False
        self._thread.join(max(0.0, until_s - time.monotonic()))
        return not self._thread.is_alive()

    def _put(self, message: Message) -> None:
        try:
            self._queue.put_nowait(message)
            return
        except Full:
            self._n_dropped += 1
        if message.level is not Level.CRITICAL:
            return
        try:
            self._queue.get_nowait()
            self._queue.put_nowait(message)
        except (Empty, Full):  # the thread was quicker, and there is room, or another came first
            return

    def _work(self) -> None:
        while (message := self._queue.get()) is not None:
            try:
                is_sent = self._send(message)
            except Exception:  # noqa: BLE001 - whatever a service does, the next message has its try
                is_sent = False
            if is_sent:
                self._n_sent += 1
            else:
                self._n_failed += 1
