"""One-time tokens from the terminal, exchanged for sessions that live as long as the server."""

import secrets
from dataclasses import dataclass, field
from typing import Final

N_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """One browser that showed a token; `csrf` must come back with whatever it posts."""

    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(N_BYTES), repr=False)


class Sessions:
    """Tokens that were given out and sessions that came of them, in memory alone; neither is ever written anywhere."""

    def __init__(self) -> None:
        self._tokens: set[str] = set()
        self._sessions: dict[str, BrowserSession] = {}

    def new_token(self) -> str:
        """A token that opens one session, once."""
        token = secrets.token_urlsafe(N_BYTES)
        self._tokens.add(token)
        return token

    def exchange(self, token: str) -> str | None:
        """The cookie's value of a new session, or None for a token that was used or never given out."""
        known = next((one for one in self._tokens if secrets.compare_digest(one.encode(), token.encode())), None)
        if known is None:
            return None
        self._tokens.discard(known)
        cookie = secrets.token_urlsafe(N_BYTES)
        self._sessions[cookie] = BrowserSession()
        return cookie

    def of(self, cookie: str | None) -> BrowserSession | None:
        """The session of a cookie, or None."""
        return None if cookie is None else self._sessions.get(cookie)
