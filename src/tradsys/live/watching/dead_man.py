"""A ping to a service that raises the alarm when it stays away: of a bot that died, or whose machine did."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from pydantic import SecretStr

from tradsys.live.telling import Tell

TIMEOUT_S: Final = 10.0


class DeadMan:
    """Asks the URL every `every_s` seconds while the bot is healthy; `get` asks and says the answer's status.

    The URL is a secret, and whatever an error says may hold it: only the error's kind is told, once until it is over.
    """

    def __init__(
        self,
        url: SecretStr,
        is_healthy: Callable[[], bool],
        tell: Tell,
        *,
        every_s: float = 60.0,
        get: Callable[[str], Awaitable[int]] | None = None,
    ) -> None:
        self._url, self._is_healthy, self._tell, self._every_s = url, is_healthy, tell, every_s
        self._get = get or http_get
        self._has_failed = False

    async def run(self) -> None:
        """For ever."""
        while True:
            if self._is_healthy():
                await self._ping()
            await asyncio.sleep(self._every_s)

    async def _ping(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status = await self._get(self._url.get_secret_value())
            problem = "" if status < 400 else f"status {status}"
        except Exception as error:  # noqa: BLE001 - no fault of a watching service may touch the bot
            problem = type(error).__name__
        if problem and not self._has_failed:
            self._tell("error", {"what": "dead-man ping", "reason": problem})
        self._has_failed = bool(problem)


async def http_get(url: str) -> int:
    """The status that the URL answers with."""
    import aiohttp

    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status
