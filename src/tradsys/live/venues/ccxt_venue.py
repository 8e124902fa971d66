"""What all venues through ccxt share: ccxt names, signs and addresses a request; what its answer means is decided here.

Of ccxt's own judgement nothing is taken: an answer that was cut off is "definite" there, and its messages hold URLs and
bodies. Here an answer is definite only where the venue itself said yes or no in JSON; everything else is unknown.
"""

import asyncio
import hashlib
import hmac
import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict

from tradsys.data.sources.exchange import moved
from tradsys.data.sources.http import retry_after_s
from tradsys.live.account.scrub import Scrubber
from tradsys.live.clock import Clock, SystemClock
from tradsys.live.telling import Tell
from tradsys.live.venue import MarketRules, NotSent, VenueRefused, VenueUnknown
from tradsys.live.venues.ccxt_import import exchange_class
from tradsys.live.venues.listing import ListedMarket, ListedMarkets
from tradsys.live.venues.restraint import Restraint
from tradsys.live.venues.transport import HttpTransport, Reply, Transport, checked_url

TIMEOUT_S = 4.0
"""Nobody knows whether a stop is in place as long as its answer is waited for; a position is bare for 5 s at most."""
ACCEPTED_WITHIN_MS = 5_000
"""A signed request that arrives later than this after its time is refused by the venue: none wakes up long after."""
BANNED_S = 60.0
"""The least that a venue is left alone after it banned the address (418)."""
QUICK_S, AGAIN_S = 1.0, 0.1
"""A question that failed within the one is asked again after the other."""
_TOLD = 200


class Refusal(Exception):
    """The venue said no, in its own code and words; callers make an OrderRefused or a VenueRefused of it."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code
        self.words = words


@dataclass(frozen=True, slots=True)
class Said:
    """What a reply comes to: `code` is the venue's own, "" where it is a plain yes.

    `is_definite` is false where nobody knows what happened; `is_clock` where our clock was refused, and nothing else;
    `is_too_often` where the venue is to be left alone for a while.
    """

    code: str = ""
    words: str = ""
    is_definite: bool = True
    is_clock: bool = False
    is_too_often: bool = False


YES = Said()


class VenueWording(Protocol):
    """How one venue words its answers."""

    @property
    def time_endpoint(self) -> str:
        """The public question for the venue's clock."""
        ...

    def server_ms(self, body: Any) -> int: ...

    def said(self, reply: Reply) -> Said:
        """Of a reply in JSON below HTTP 500: yes, no, or not clear."""
        ...

    def used_share(self, reply: Reply) -> float | None:
        """How much of the minute's limit is used by now, None where the reply does not tell."""
        ...

    def share_of(self, endpoint: str, params: Mapping[str, Any]) -> float:
        """The share of the minute's limit that a question takes."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """An API key and its secret; never shown."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "Keys(hidden)"


class ApiOptions(TypedDict, total=False):
    """How an exchange is reached and by whom; what is left out is as `CcxtApi` has it."""

    keys: Keys | None
    url: str | None
    transport: Transport | None
    timeout_s: float
    clock: Clock | None


class CcxtApi:
    """One exchange of ccxt by its raw endpoints, every one of which is answered, refused, or unknown.

    `url` moves everything to another base, such as a loopback exchange. Without keys only public questions are asked.
    """

    def __init__(
        self,
        exchange: str,
        reading: VenueWording,
        *,
        keys: Keys | None = None,
        url: str | None = None,
        transport: Transport | None = None,
        timeout_s: float = TIMEOUT_S,
        clock: Clock | None = None,
    ) -> None:
        self.name = exchange
        self.url = None if url is None else checked_url(url)
        self.transport = transport or HttpTransport(timeout_s)
        self.restraint = Restraint(exchange)
        self._reading = reading
        self._keys = keys
        self._clock = clock or SystemClock()
        self._api = _signer(exchange, keys, self.transport, self._clock, self.url)
        self._clock_asked: asyncio.Future[None] | None = None
        self._is_clock_set = False

    def __repr__(self) -> str:
        return f"CcxtApi({self.name})"

    @property
    def has_keys(self) -> bool:
        return self._keys is not None

    async def public(self, endpoint: str, **params: Any) -> Any:
        """The answer to a question that needs no key, by ccxt's name of the endpoint."""
        return await self._ask(endpoint, params, is_order=False)

    async def signed(self, endpoint: str, *, is_order: bool = False, **params: Any) -> Any:
        """The answer to a signed question; a refused clock is set right and the question asked once more."""
        if not self.has_keys:
            raise VenueRefused(f"{self.name}: {endpoint} needs an API key, and this venue was opened without one")
        await self._set_clock(again=False)
        try:
            return await self._ask(endpoint, params, is_order=is_order)
        except _ClockRefused:
            pass
        await self._set_clock(again=True)
        try:
            return await self._ask(endpoint, params, is_order=is_order)
        except _ClockRefused:
            pass
        raise VenueUnknown(f"{self.name} refused the time of {endpoint} twice: is this machine's clock steady?")

    async def server_time_ms(self) -> int:
        """The venue's clock."""
        body = await self.public(self._reading.time_endpoint)
        with readable(self.name, "the time"):
            return self._reading.server_ms(body)

    async def now_ms(self) -> int:
        """The venue's time, by our clock and what was last measured of the difference."""
        await self._set_clock(again=False)
        return self._clock.now_ms() - int(self._api.options["timeDifference"])

    def hide(self, text: str) -> str:
        """The venue's words without what is secret, on one short line."""
        keys = (self._keys.key, self._keys.secret) if self._keys else ()
        return Scrubber(keys).text("".join(c if c.isprintable() else " " for c in text)[:_TOLD])

    def signature(self, text: str) -> str:
        """The secret's signature of a text, for streams that are opened with one."""
        keys = self._keys or Keys("", "")
        return hmac.new(keys.secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    @property
    def key(self) -> str:
        """The API key, for streams that are opened with it."""
        return self._keys.key if self._keys else ""

    async def close(self) -> None:
        await self.transport.close()

    async def _ask(self, endpoint: str, params: Mapping[str, Any], *, is_order: bool) -> Any:
        """The answer; a question that failed at once is asked once more, an order never is."""
        now = asyncio.get_running_loop().time
        began_s = now()
        try:
            return await self._ask_once(endpoint, params, is_order=is_order)
        except _Unanswered:
            if is_order or now() - began_s > QUICK_S:
                raise
        await asyncio.sleep(AGAIN_S)
        return await self._ask_once(endpoint, params, is_order=is_order)

    async def _ask_once(self, endpoint: str, params: Mapping[str, Any], *, is_order: bool) -> Any:
        if not is_order:
            await self.restraint.question(self._reading.share_of(endpoint, params))
        self.restraint.check()
        reply = await self._send(endpoint, params)
        if (share := self._reading.used_share(reply)) is not None:
            difference_ms = int(self._api.options["timeDifference"])
            self.restraint.used(share, 60 - (self._clock.now_ms() - difference_ms) / 1_000 % 60)
        if reply.status in (418, 429):
            raise self._too_often(reply, endpoint)
        if reply.status >= 500 or reply.status in (403, 408) or not reply.is_json or 300 <= reply.status < 400:
            raise _Unanswered(f"{self.name}: HTTP {reply.status} of {endpoint} is no definite answer")
        said = self._reading.said(reply)
        if said is YES:
            self.restraint.answered()
            return reply.body
        if said.is_clock:
            raise _ClockRefused
        if said.is_too_often:
            raise self._too_often(reply, endpoint)
        if said.is_definite:
            raise Refusal(said.code, self.hide(said.words))
        raise _Unanswered(f"{self.name}: {endpoint} was not clearly answered ({said.code}: {self.hide(said.words)})")

    def _too_often(self, reply: Reply, endpoint: str) -> NotSent:
        asked_s = retry_after_s(reply.headers.get("retry-after"))
        wait_s = self.restraint.too_often(asked_s, BANNED_S if reply.status == 418 and asked_s is None else 0.0)
        said = f"{self.name}: asked too often (HTTP {reply.status} of {endpoint}), quiet for {wait_s:g} s"
        return NotSent(said, wait_s)

    async def _send(self, endpoint: str, params: Mapping[str, Any]) -> Reply:
        trouble = ""
        try:
            reply: Reply = await getattr(self._api, endpoint)(dict(params))
            return reply
        except VenueUnknown as error:
            trouble = str(error)
        except sys.modules["ccxt.base.errors"].BaseError as error:
            raise Refusal("unsigned", f"ccxt would not sign it ({type(error).__name__}), nothing was sent") from None
        raise _Unanswered(f"{self.name}: {endpoint}: {trouble}")

    async def _set_clock(self, *, again: bool) -> None:
        """Measure once how far our clock is from the venue's; who comes meanwhile waits for the same measurement."""
        if self._is_clock_set and not again:
            return
        if self._clock_asked is None:
            self._clock_asked = asyncio.ensure_future(self._measure_clock())
            self._clock_asked.add_done_callback(self._clock_done)
        await asyncio.shield(self._clock_asked)

    async def _measure_clock(self) -> None:
        before_ms = self._clock.now_ms()
        server_ms = await self.server_time_ms()
        self._api.options["timeDifference"] = round((before_ms + self._clock.now_ms()) / 2 - server_ms)
        self._is_clock_set = True

    def _clock_done(self, asked: asyncio.Future[None]) -> None:
        self._clock_asked = None
        if not asked.cancelled():
            asked.exception()  # who waits for it raises it; nobody may be left


class CcxtVenue(ABC):
    """The part of a venue that no venue does differently: its rules, looked up by the symbols of data."""

    def __init__(self, name: str, api: CcxtApi, tell: Tell | None = None) -> None:
        self.name = name
        self.api = api
        self.listings = ListedMarkets(name)
        self._tell = tell
        self._was_told: set[str] = set()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    async def markets(self, symbols: Collection[str]) -> Mapping[str, MarketRules]:
        self.listings.learn(await self._listed(), self._listing)
        return {symbol: self.listings.find(symbol).market(symbol) for symbol in symbols}

    async def listing(self, symbol: str) -> ListedMarket:
        """The market of that symbol; the venue is asked for its list the first time."""
        if not self.listings:
            self.listings.learn(await self._listed(), self._listing)
        return self.listings.find(symbol)

    async def close(self) -> None:
        await self.api.close()

    def tell_once(self, what: str, reason: str) -> None:
        """Tell of something that was not as it should be, once as long as this venue is open."""
        if self._tell is not None and what not in self._was_told:
            self._tell("error", {"what": what, "reason": reason})
        self._was_told.add(what)

    async def ask_public(self, endpoint: str, **params: Any) -> Any:
        """A public question whose refusal is a VenueRefused."""
        return await self._answer(self.api.public(endpoint, **params), endpoint)

    async def ask_signed(self, endpoint: str, **params: Any) -> Any:
        """A signed question whose refusal is a VenueRefused."""
        return await self._answer(self.api.signed(endpoint, **params), endpoint)

    @abstractmethod
    async def _listed(self) -> Collection[Any]:
        """Every market as the venue writes it, and `_listing` what that means."""

    @abstractmethod
    def _listing(self, row: Any) -> ListedMarket: ...

    async def _answer(self, asked: Awaitable[Any], endpoint: str) -> Any:
        try:
            return await asked
        except Refusal as error:
            said = error
        raise VenueRefused(f"{self.name} refused {endpoint} ({said})")


@contextmanager
def readable(venue: str, what: str) -> Iterator[None]:
    """Make a VenueUnknown of an answer that is not made as expected: it proves nothing."""
    trouble = ""
    try:
        yield
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, StopIteration) as error:
        trouble = type(error).__name__
    if trouble:
        raise VenueUnknown(f"{venue} answered {what} in a form that is not known here ({trouble})")


class _Unanswered(VenueUnknown):
    """No definite answer; where it was a question, another attempt may cure it."""


class _ClockRefused(Exception):
    """The venue refused our time, and therefore the request."""


def _signer(exchange: str, keys: Keys | None, transport: Transport, clock: Clock, url: str | None) -> Any:
    """ccxt's class of that exchange, of which nothing is used but its endpoints, URLs and signatures."""

    class Signer(exchange_class(exchange)):  # type: ignore[misc]
        async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Reply:
            return await transport.send(method, url, headers or {}, body)

        def milliseconds(self) -> int:
            return clock.now_ms()

        def set_last_request(self, request: Any) -> None:
            """Keep nothing of what was sent."""

    named = {"apiKey": keys.key, "secret": keys.secret} if keys else {}
    api = Signer({**named, "enableRateLimit": False, "options": {"recvWindow": ACCEPTED_WITHIN_MS}})
    if url is not None:
        api.urls["api"] = moved(api.urls["api"], url)
    return api
