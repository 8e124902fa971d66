"""systemd told that the bot is ready, lives, and stops: datagrams to the socket that it names (sd_notify(3))."""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from typing import Final

from tradsys.core.errors import ConfigError

QUICK_S: Final = 1.0
"""A loop that hung is looked at again so soon; it may turn before systemd loses patience."""


class Watchdog:
    """Speaks to systemd where it started this process; elsewhere it does nothing."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self._address = environ.get("NOTIFY_SOCKET", "")
        own = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        try:
            self.limit_s = int(environ.get("WATCHDOG_USEC", "0")) / 1e6 if own else 0.0
        except ValueError:
            raise ConfigError(
                f"WATCHDOG_USEC must be microseconds, as systemd sets it, found {environ['WATCHDOG_USEC']!r}; unset it"
            ) from None

    def ready(self) -> bool:
        """The bot trades: whatever waits for it may start. Whether somebody was told."""
        return self._send("READY=1")

    def stopping(self) -> bool:
        """The bot ends in good order."""
        return self._send("STOPPING=1")

    def alive(self) -> bool:
        """The bot lives; systemd kills and restarts it where it does not hear that for `limit_s`."""
        return self._send("WATCHDOG=1")

    async def run(self, is_turning: Callable[[], bool]) -> None:
        """Say so three times within the limit, as long as it is true; for ever, or not at all without a limit.

        It is for what a new process cures: a bot whose venue is away is not to be killed again and again.
        """
        while self.limit_s > 0:
            if is_turning():
                self.alive()
                await asyncio.sleep(self.limit_s / 3)
            else:
                await asyncio.sleep(min(QUICK_S, self.limit_s / 3))

    def _send(self, text: str) -> bool:
        if not self._address:
            return False
        # a name that begins with @ is of the abstract namespace
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)  # a supervisor that does not read must not hold up trading
            try:
                sender.sendto(text.encode(), address)
            except OSError:
                return False
        return True
