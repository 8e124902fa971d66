"""Venues by their names, as a bundle and the settings call them."""

from collections.abc import Callable, Mapping
from typing import Any

from tradsys.core.errors import ConfigError
from tradsys.live.clock import Clock
from tradsys.live.telling import Tell
from tradsys.live.venue import Venue
from tradsys.live.venues.ccxt_venue import TIMEOUT_S, Keys


def _binance_futures(**how: Any) -> Venue:
    from tradsys.live.venues.binance import BinanceFutures

    return BinanceFutures(**how)


def _bybit(**how: Any) -> Venue:
    from tradsys.live.venues.bybit import BybitLinear

    return BybitLinear(**how)


def _binance_spot(**how: Any) -> Venue:
    from tradsys.live.venues.binance_spot import BinanceSpot

    return BinanceSpot(**how)


VENUES: Mapping[str, Callable[..., Venue]] = {
    "binanceusdm": _binance_futures,
    "binance-spot": _binance_spot,
    "bybit": _bybit,
}
ALIASES: Mapping[str, str] = {"binance": "binanceusdm"}
"""Bars are stored by exchange; what is traded of it is its perpetuals, unless its spot market is named."""


def venue_named(
    name: str,
    *,
    api_key: str = "",
    api_secret: str = "",
    url: str | None = None,
    timeout_s: float = TIMEOUT_S,
    clock: Clock | None = None,
    tell: Tell | None = None,
) -> Venue:
    """The venue of that name; without a key it answers public questions alone, and refuses every other.

    `url` asks it at another address. `clock` is what requests are stamped by, this machine's where there is none.
    """
    make = VENUES.get(ALIASES.get(name, name))
    if make is None:
        raise ConfigError(f"there is no venue {name!r} to trade on; there are {', '.join(sorted(VENUES))}")
    if bool(api_key) != bool(api_secret):
        raise ConfigError(f"{name} was given an API {'key' if api_key else 'secret'} alone; it takes both, or neither")
    keys = Keys(api_key, api_secret) if api_key else None
    return make(keys=keys, url=url, timeout_s=timeout_s, clock=clock, tell=tell)
