"""Telegram's bot interface: one call and its answer, without the token in anything that is said about it."""

from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from tradsys.core.errors import ConfigError, SourceError

BASE_URL: Final = "https://api.telegram.org"
LONG_POLL_S: Final = 30
"""Seconds that a question for updates stays open where there are none."""


class TelegramApi(Protocol):
    """One method of the interface called; a SourceError where it does not answer, or answers no."""

    async def call(self, method: str, params: Mapping[str, Any]) -> Any: ...


class HttpTelegram:
    """The interface over HTTP; the token stands in each URL, so that no error may carry one."""

    def __init__(self, token: SecretStr, *, base_url: str = BASE_URL) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1"):
            raise ConfigError(f"Telegram is asked by https, or on this machine alone, found {base_url}; mend the URL")
        self._token, self._base_url = token, base_url.rstrip("/")

    async def call(self, method: str, params: Mapping[str, Any]) -> Any:
        import aiohttp

        url = f"{self._base_url}/bot{self._token.get_secret_value()}/{method}"
        timeout = aiohttp.ClientTimeout(total=LONG_POLL_S + 10)
        problem = ""
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(url, json=dict(params)) as answer,
            ):
                told = await answer.json(content_type=None)
            if isinstance(told, dict) and told.get("ok") is True:
                return told.get("result")
            problem = f"status {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            problem = type(error).__name__
        # outside of the handler: the error that was caught names the URL, and must not be this one's context
        raise SourceError(f"Telegram did not do {method}: {problem}; look at the token and the network")
