"""Secrets taken out of text before it is written: whole, in part, and as URLs, base64 or hexadecimal have them."""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

WINDOW: Final = 8
"""So many characters of a secret in a row are taken out; a shorter piece tells nobody anything."""

HIDDEN: Final = "***"


class Scrubber:
    """Text without the secrets that it was given.

    >>> Scrubber(["k3y-of-the-account"]).text("GET /order?key=k3y-of-the-account&side=BUY")
    'GET /order?key=***&side=BUY'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = [secret for secret in secrets if secret]
        pieces = {*known, *(form for secret in known for part in _parts(secret) for form in _forms(part))}
        self._lengths = sorted({len(piece) for piece in pieces}, reverse=True)
        self._pieces = pieces
        self._least = self._lengths[-1] if pieces else 0
        self._starts = {piece[: self._least] for piece in pieces}

    def text(self, text: str) -> str:
        """The text with every piece of a secret replaced by `***`."""
        least, n_starts = self._least, len(text) - self._least + 1
        if not least or self._starts.isdisjoint([text[at : at + least] for at in range(n_starts)]):
            return text
        hit = bytearray(len(text))
        for length in self._lengths:
            for start in range(len(text) - length + 1):
                if text[start : start + length] in self._pieces:
                    hit[start : start + length] = b"\1" * length
        if not any(hit):
            return text
        runs = re.finditer(rb"\x00+|\x01+", hit)
        return "".join(HIDDEN if hit[run.start()] else text[run.start() : run.end()] for run in runs)

    def plain(self, value: Any) -> Any:
        """The same of everything that is text in mappings and lists, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.plain(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.plain(one) for one in value]
        return value


def _parts(secret: str) -> list[str]:
    """A secret of which no piece may stand anywhere; of a URL, whose scheme and host are none, what else is long."""
    if "://" not in secret:
        return [secret]
    host = urlsplit(secret).hostname or ""
    parts = re.split(r"[/:@?&=]+", secret.partition("://")[2])
    return [part for part in parts if len(part) >= WINDOW and part.lower() != host]


def _forms(secret: str) -> set[str]:
    """Every piece of the secret as it may stand in a text."""
    raw = secret.encode()
    pieces = _windows(secret, WINDOW)
    escaped = {quote(piece, safe="") for piece in pieces}
    in_hex = _windows(raw.hex(), 2 * WINDOW)
    in_base64 = {piece for offset in range(3) for piece in _windows(_base64(raw, offset), WINDOW * 4 // 3)}
    in_urls = {piece.replace("+", "-").replace("/", "_") for piece in in_base64}
    other = {re.sub("%..", lambda code: code[0].lower(), piece) for piece in escaped}
    return pieces | escaped | other | in_hex | {piece.upper() for piece in in_hex} | in_base64 | in_urls


def _windows(text: str, length: int) -> set[str]:
    return {text[start : start + length] for start in range(max(1, len(text) - length + 1))}


def _base64(raw: bytes, offset: int) -> str:
    """What of the base64 of a longer text, in which the secret begins at such an offset, is the secret's alone."""
    text = base64.b64encode(b"\0" * offset + raw).decode()
    begin, end = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
    return text[begin:end]
