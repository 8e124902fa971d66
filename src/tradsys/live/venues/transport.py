"""How a signed request leaves and what comes back: over aiohttp, or over what a test puts in its place."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tradsys.core.errors import ConfigError
from tradsys.live.venue import VenueUnknown
from tradsys.settings.trade import venue_url

KEPT_S = 90.0
"""Idle connections stay open this long: ten orders at a bar's close find theirs there."""
WHOLE = 6
"""A long answer, such as the list of all markets, may take this many time-outs while something of it comes in each."""
HEARTBEAT_S = 20.0
"""A stream whose other end does not answer a ping within half of this is dead."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer over HTTP: `body` is the JSON, `is_json` whether it was that; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any
    is_json: bool


@dataclass(frozen=True, slots=True)
class Talk:
    """What a stream is told: `first` at its beginning, `ping` every HEARTBEAT_S; silence of `silent_s` ends it."""

    first: tuple[str, ...] = ()
    ping: str | None = None
    silent_s: float | None = None


class Transport(Protocol):
    """Sends requests and opens streams; what fails on the way is a VenueUnknown that shows nothing of the request."""

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> Reply: ...

    def messages(self, url: str, talk: Talk) -> AsyncIterator[Any]:
        """JSON messages until the stream ends."""
        ...

    async def close(self) -> None: ...


def reply_of(status: int, headers: Mapping[str, str], text: str) -> Reply:
    """The answer with its body read as JSON where it is that."""
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        return Reply(status, lower, json.loads(text), is_json=True)
    except ValueError:
        return Reply(status, lower, None, is_json=False)


class HttpTransport:
    """One pool of connections for everything that is asked of one venue; silence of `timeout_s` is no answer."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._session: Any = None
        self._is_closed = False

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> Reply:
        import aiohttp
        from aiohttp.client import URL  # type: ignore[attr-defined]  # yarl's, which comes with aiohttp

        trouble = ""
        try:
            async with self._open().request(
                method, URL(url, encoded=True), data=body, headers=headers, allow_redirects=False
            ) as answer:
                return reply_of(answer.status, answer.headers, await answer.text(errors="replace"))
        except TimeoutError:
            trouble = f"no answer within {self._timeout_s:g} s"
        except (aiohttp.ClientError, OSError) as error:
            trouble = f"the connection failed ({type(error).__name__})"
        # raised here, so that the error does not carry the request along as its context
        raise VenueUnknown(trouble)

    async def messages(self, url: str, talk: Talk) -> AsyncIterator[Any]:
        import aiohttp

        trouble = ""
        try:
            async with self._open().ws_connect(url, heartbeat=HEARTBEAT_S, max_msg_size=1 << 22) as stream:
                for text in talk.first:
                    await stream.send_str(text)
                pinging = asyncio.create_task(_ping(stream, talk.ping))
                try:
                    while (message := await stream.receive(timeout=talk.silent_s)).type is aiohttp.WSMsgType.TEXT:
                        yield json.loads(message.data)
                finally:
                    pinging.cancel()
                return
        except TimeoutError:
            trouble = "the stream was silent for too long"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            trouble = f"the stream failed ({type(error).__name__})"
        raise VenueUnknown(trouble)

    async def close(self) -> None:
        """For good: a question that is asked all the same, beside one that failed, opens nothing more."""
        self._is_closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> Any:
        import aiohttp

        if self._is_closed:
            raise VenueUnknown("the connection was closed on this side")
        if self._session is None:
            limits = aiohttp.ClientTimeout(
                total=WHOLE * self._timeout_s, sock_connect=self._timeout_s, sock_read=self._timeout_s
            )
            connector = aiohttp.TCPConnector(limit=64, keepalive_timeout=KEPT_S)
            self._session = aiohttp.ClientSession(connector=connector, timeout=limits)
        return self._session


async def _ping(stream: Any, text: str | None) -> None:
    while text is not None and not stream.closed:
        await asyncio.sleep(HEARTBEAT_S)
        await stream.send_str(text)


def checked_url(url: str) -> str:
    """A venue's base URL as it may be set: over TLS, or over plain HTTP on this machine alone.

    >>> checked_url("http://127.0.0.1:8080/")
    'http://127.0.0.1:8080'
    """
    try:
        return venue_url(url).rstrip("/")
    except ValueError as error:
        raise ConfigError(str(error)) from None
