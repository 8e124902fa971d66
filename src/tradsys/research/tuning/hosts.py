"""Hosts that work on one study: each says every minute that it is alive, so that its trials are left to it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy

_BEAT_S, _DEAD_AFTER_S = 60.0, 600.0
"""How often a host says that it is alive, and the silence after which it is not."""

_PREFIX = "alive:"


@contextmanager
def heartbeat(study: "OptunaStudy", host: str) -> Iterator[None]:
    """Tell other hosts that share the storage that this one is alive while the block lasts."""
    stop = threading.Event()

    def beat() -> None:
        study.set_user_attr(f"{_PREFIX}{host}", time.time())

    def go_on() -> None:
        while not stop.wait(_BEAT_S):
            beat()

    beat()
    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def is_elsewhere(study: "OptunaStudy", owner: str | None, host: str) -> bool:
    """Whether a trial's `owner` is another host that is alive; where it has none yet, whether any other host is."""
    now = time.time()
    beats = {k.removeprefix(_PREFIX): at for k, at in study.user_attrs.items() if k.startswith(_PREFIX)}
    # without a name it was asked for a moment ago, by whichever host is alive
    hosts = list(beats) if owner is None else [owner]
    return any(one != host and now - beats.get(one, 0.0) < _DEAD_AFTER_S for one in hosts)
