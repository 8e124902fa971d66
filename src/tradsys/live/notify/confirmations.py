"""A code that has to be sent back within a minute before something that cannot be undone is done."""

import hmac
import secrets
from typing import Final

from tradsys.live.clock import Clock

VALID_S: Final = 60
MOST_TRIES: Final = 3


class Confirmations:
    """At most one thing waits for its code; a code works once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._verb, self._code, self._until_ms, self._n_tries = "", "", 0, 0

    def ask(self, verb: str) -> str:
        """The code that confirms the verb from now on; what waited before does not any more."""
        self._verb, self._code = verb, f"{secrets.randbelow(1_000_000):06}"
        self._until_ms, self._n_tries = self._clock.now_ms() + VALID_S * 1_000, 0
        return self._code

    def confirmed(self, text: str) -> str | None:
        """The verb that this code confirms; None where nothing waits, time is over, or the code is another."""
        if not self._verb or self._clock.now_ms() > self._until_ms:
            self._verb = ""
            return None
        self._n_tries += 1
        verb, is_right = self._verb, hmac.compare_digest(text.encode(), self._code.encode())
        if is_right or self._n_tries >= MOST_TRIES:
            self._verb = ""
        return verb if is_right else None
