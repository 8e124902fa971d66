"""GET with patience: what retrying may cure is tried again, what it cannot is an error at once."""

import email.utils
import http.client
import json
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

from tradsys.core.cache_folder import cache_folder
from tradsys.core.errors import SourceError
from tradsys.core.files import exclusive
from tradsys.data.settings import DataSettings


def _folder() -> Path:
    return cache_folder("pace")


@dataclass(frozen=True, slots=True)
class Pace:
    """One file a host holds the time at which the next request may go out; a lock on it hands out the turns.

    A wait longer than `max_wait_s` is a SourceError rather than a silent pause.
    """

    requests_per_s: float
    max_wait_s: float
    folder: Path = field(default_factory=_folder)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def wait(self, host: str, *, least_s: float = 0.0) -> None:
        """Sleep until this process's turn; the next turn is at least `least_s` later."""
        with exclusive(self.folder / quote(host, safe="")) as descriptor:
            now = self.clock()
            turn = max(now, _read(descriptor))
            if turn - now > self.max_wait_s:
                raise SourceError(
                    f"{host} asked for no requests during the next {turn - now:,.0f} s; come back then, or raise "
                    "data.max_wait_s"
                )
            _write(descriptor, turn + max(1 / self.requests_per_s, least_s))
        if turn > now:
            self.sleep(turn - now)

    def hold(self, host: str, seconds: float) -> None:
        """No request to this host, by any process, for a while: the host asked for it."""
        with exclusive(self.folder / quote(host, safe="")) as descriptor:
            _write(descriptor, max(_read(descriptor), self.clock() + seconds))


def _read(descriptor: int) -> float:
    try:
        return float(os.pread(descriptor, 64, 0) or 0)
    except ValueError:
        return 0.0  # a process was killed while it wrote: the worst is one request early


def _write(descriptor: int, when: float) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, repr(when).encode(), 0)


BUSY = (418, 429)
MAX_BACKOFF_S = 60.0


class Again(Exception):
    """A failure that another attempt may cure, with the seconds that the host asked to wait, and the host if known."""

    def __init__(self, why: str, after_s: float | None = None, host: str | None = None) -> None:
        super().__init__(why)
        self.after_s = after_s
        self.host = host


@dataclass(frozen=True, slots=True)
class Client:
    """Requests to any host, each host at its pace."""

    settings: DataSettings
    pace: Pace
    agent: str = "tradsys"

    @classmethod
    def of(cls, settings: DataSettings, *, agent: str = "tradsys") -> "Client":
        """The client that these settings describe; `agent` is how it calls itself."""
        return cls(settings, Pace(settings.requests_per_s, settings.max_wait_s), agent)

    def get(self, url: str, query: Mapping[str, Any] | None = None) -> bytes | None:
        """The whole body, None where the host says that there is no such thing (404)."""
        whole = f"{url}?{urlencode(query)}" if query else url
        return self.patiently(host_of(url), lambda: self._once(whole))

    def get_json(self, url: str, query: Mapping[str, Any] | None = None) -> Any:
        """The body as JSON; one that was cut off is asked for again."""
        whole = f"{url}?{urlencode(query)}" if query else url

        def once() -> Any:
            body = self._once(whole)
            if body is None:
                raise SourceError(f"{whole} is not there (404); is the symbol right, and the base URL?")
            try:
                return json.loads(body)
            except ValueError as error:
                raise Again(f"the answer is no whole JSON ({error})") from error

        return self.patiently(host_of(url), once)

    def patiently[T](self, host: str, once: Callable[[], T], *, is_paced: bool = False) -> T:
        """What `once` returns, called again after each `Again` until the attempts are used up.

        `is_paced` says that `once` itself waits for its turns.
        """
        n_attempts = self.settings.n_attempts
        for attempt in range(n_attempts):
            if not is_paced:
                self.pace.wait(host)
            try:
                return once()
            except Again as error:
                if attempt == n_attempts - 1:
                    raise SourceError(
                        f"{host} failed {n_attempts} times, the last time: {error}; what was fetched is kept, run the "
                        "same command again to go on"
                    ) from error
                backoff = min(self.settings.backoff_s * 2**attempt, MAX_BACKOFF_S)
                # spread out, so that processes that failed together do not return together
                self.pace.hold(
                    error.host or host, error.after_s if error.after_s is not None else backoff * random.uniform(0.5, 1)
                )
        raise AssertionError("the last attempt returns or raises")

    def _once(self, url: str) -> bytes | None:
        request = Request(url, headers={"User-Agent": self.agent})
        try:
            with urlopen(request, timeout=self.settings.timeout_s) as answer:
                return bytes(answer.read())
        except HTTPError as error:
            if error.code == 404:
                return None
            reason = error.read(300).decode(errors="replace").strip()
            if error.code in BUSY or error.code >= 500:
                after_s = retry_after_s(error.headers.get("Retry-After"))
                raise Again(f"HTTP {error.code} {reason}".strip(), after_s) from error
            raise SourceError(f"{url} was refused with HTTP {error.code} {reason}; retrying would not help") from error
        except (URLError, http.client.HTTPException, OSError) as error:
            raise Again(f"{type(error).__name__}: {error}") from error


def retry_after_s(text: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for, given as a number or as a date.

    >>> retry_after_s("3")
    3.0
    """
    if not text:
        return None
    try:
        return max(float(text), 0.0)
    except ValueError:
        pass
    try:
        when = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((when - (now or datetime.now(UTC))).total_seconds(), 0.0)


def host_of(url: str) -> str:
    """The host and port that requests are counted for."""
    return urlsplit(url).netloc
