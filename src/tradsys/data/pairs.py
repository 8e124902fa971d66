"""Names of symbols as venues write them: pairs told apart from other names, and two names of one coin known as such."""

import re

QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "EUR", "BTC", "ETH", "BNB", "TRY", "JPY", "GBP")
"""Currencies in which coins are priced, the longer name of two first."""


def split_pair(name: str) -> tuple[str, str] | None:
    """Base and quote of a name that ends with a currency; None where it does not.

    >>> split_pair("1000PEPEUSDT"), split_pair("mybars")
    (('1000PEPE', 'USDT'), None)
    """
    quote = next((quote for quote in QUOTES if name.endswith(quote) and len(name) > len(quote)), None)
    return None if quote is None else (name.removesuffix(quote), quote)


def is_pair(name: str) -> bool:
    """Whether a name is that of a coin and the currency it is priced in, however the two are joined."""
    return split_pair(_letters(name)) is not None


def is_related(one: str, other: str) -> bool:
    """Whether two names may stand for one coin: equal but for what joins them, or one begins with the other.

    >>> is_related("BTC/USDT:USDT", "BTCUSDT"), is_related("BTC", "BTCUSDT"), is_related("ETHUSDT", "BTCUSDT")
    (True, True, False)
    """
    a, b = _letters(one), _letters(other)
    return a.startswith(b) or b.startswith(a)


def _letters(name: str) -> str:
    pair = name.partition(":")[0].upper().removesuffix("-PERP")
    return re.sub(r"[^A-Z0-9]", "", pair)
