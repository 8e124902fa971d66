"""Leverage and margin type of an account: set where they differ, and believed only when they are read back."""

import math
from collections.abc import Collection, Iterator

from tradsys.core.errors import ConfigError
from tradsys.live.preflight import refusals_of
from tradsys.live.venue import AccountMode, Venue


async def set_and_read_back(venue: Venue, symbols: Collection[str], leverage: float, margin_type: str) -> AccountMode:
    """The account's mode with these in force; a ConfigError where it is not used as it is, or did not take them.

    Nothing is changed at an account that is refused. A symbol of which the venue knows no leverage has none.
    """
    mode = await venue.mode(symbols)
    if problems := list(refusals_of(mode)):
        raise ConfigError(f"this account is not traded: {'; '.join(problems)}")
    others = [symbol for symbol in symbols if list(_differences(mode, symbol, leverage, margin_type))]
    for symbol in others:
        await venue.set_leverage(symbol, leverage, margin_type)
    if others:
        mode = await venue.mode(symbols)
    if kept := [one for symbol in symbols for one in _differences(mode, symbol, leverage, margin_type)]:
        raise ConfigError(f"{venue.name} was told and has something else: {'; '.join(kept)}; set it there by hand")
    return mode


def _differences(mode: AccountMode, symbol: str, leverage: float, margin_type: str) -> Iterator[str]:
    has, kind = mode.leverage.get(symbol), mode.margin_type.get(symbol)
    if has is not None and not math.isclose(has, leverage):
        yield f"leverage of {symbol} is {has:g}, wanted {leverage:g}"
    if kind is not None and kind != margin_type:
        yield f"margin_type of {symbol} is {kind}, wanted {margin_type}"
