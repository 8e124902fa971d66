"""The markets that a venue lists, found by the symbols of data, and numbers written in their steps."""

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tradsys.live.venue import MarketRules, OrderRefused, VenueRefused

_ROUNDING = 1e-6
"""How far from a whole number of steps a float may be that was computed as one, in steps."""


@dataclass(frozen=True, slots=True)
class ListedMarket:
    """One market of a venue: its name there, its name here, and its rules as they are written there."""

    market_id: str
    symbol: str
    tick: Decimal
    lot: Decimal
    min_size_base: float
    max_market_size_base: float
    min_notional_quote: float
    price_band: float
    is_trading: bool
    can_short: bool = True
    sells_lock: bool = False
    can_pair: bool = False

    def market(self, symbol: str) -> MarketRules:
        """The rules under the name that was asked for."""
        return MarketRules(
            symbol=symbol,
            tick=float(self.tick),
            lot=float(self.lot),
            min_size_base=self.min_size_base,
            max_market_size_base=self.max_market_size_base,
            min_notional_quote=self.min_notional_quote,
            price_band=self.price_band,
            is_trading=self.is_trading,
            can_short=self.can_short,
            sells_lock=self.sells_lock,
            can_pair=self.can_pair,
        )

    def price_text(self, price: float) -> str:
        return steps_text(price, self.tick, f"a price of {self.symbol}")

    def size_text(self, size_base: float) -> str:
        return steps_text(size_base, self.lot, f"a size of {self.symbol}")


def steps_text(value: float, step: Decimal, what: str) -> str:
    """A whole number of steps in decimals, exactly; OrderRefused of anything else: rounding is the sizer's business.

    >>> steps_text(0.1 + 0.2, Decimal("0.1"), "a price")
    '0.3'
    """
    n_steps = value / float(step)
    if not (
        math.isfinite(value)
        and value > 0
        and abs(n_steps - round(n_steps)) <= max(_ROUNDING, 1e-12 * abs(n_steps))
        and round(n_steps)
    ):
        raise OrderRefused(f"{what} is a positive whole number of steps of {step}, found {value!r}; nothing was sent")
    return f"{round(n_steps) * step:f}"


class ListedMarkets:
    """All markets of a venue; it remembers under which name each was asked for."""

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._by_symbol: Mapping[str, tuple[ListedMarket, ...]] = {}
        self._unread: frozenset[str] = frozenset()
        self._ids: frozenset[str] = frozenset()
        self._asked_as: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._by_symbol)

    def learn(self, rows: Iterable[Any], read: Callable[[Any], ListedMarket]) -> None:
        """What the venue says now, in place of what it said before.

        A market whose rules are written otherwise than `read` expects is not there for us, and keeps no other away.
        """
        found: dict[str, tuple[ListedMarket, ...]] = {}
        unread = []
        for row in rows:
            try:
                listing = read(row)
            except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError):
                unread.append(str(row.get("symbol")) if isinstance(row, dict) else "?")
                continue
            found[listing.symbol] = (*found.get(listing.symbol, ()), listing)
        if not found:
            raise VenueRefused(f"{self._venue} lists no market whose rules can be read, and {len(unread)} others")
        self._by_symbol, self._unread = found, frozenset(unread)
        self._ids = frozenset(one.market_id for same in found.values() for one in same)

    def find(self, symbol: str) -> ListedMarket:
        """The market of exactly that name, ours or the venue's, else the linear perpetual of the same base and quote.

        Bars are often those of the spot market, "BTC/USDT", and traded as "BTC/USDT:USDT".
        """
        base, _, quote = symbol.partition("/")
        for same in (
            self._by_symbol.get(symbol, ()),
            self._of_id(symbol),
            self._by_symbol.get(f"{base}/{quote}:{quote}", ()),
        ):
            listed = tuple(listing for listing in same if listing.is_trading) or same
            if len(listed) > 1:
                ids = ", ".join(listing.market_id for listing in listed)
                raise VenueRefused(f"{symbol} is ambiguous on {self._venue}: {ids} are all called that")
            if listed:
                return self._under(symbol, listed[0])
        if unread := {symbol, f"{base}{quote.partition(':')[0]}"} & self._unread:
            raise VenueRefused(f"{self._venue} writes the rules of {unread.pop()} in a form that is not known here")
        near = difflib.get_close_matches(symbol, self._by_symbol, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "perpetuals are written BTC/USDT:USDT"
        raise VenueRefused(f"{self._venue} has no market {symbol}; {hint}")

    @property
    def asked_ids(self) -> tuple[str, ...]:
        """The venue's names of the markets that were asked for and that it has still."""
        return tuple(market_id for market_id in self._asked_as if market_id in self._ids)

    def name(self, market_id: str) -> str:
        """The name that it was asked for by, else the one that it is listed under, else the venue's own."""
        asked = self._asked_as.get(market_id)
        if asked is not None:
            return asked
        return next((listing.symbol for listing in self._of_id(market_id)), market_id)

    def _of_id(self, market_id: str) -> tuple[ListedMarket, ...]:
        return tuple(one for same in self._by_symbol.values() for one in same if one.market_id == market_id)

    def _under(self, symbol: str, listing: ListedMarket) -> ListedMarket:
        before = self._asked_as.setdefault(listing.market_id, symbol)
        if before != symbol:
            raise VenueRefused(
                f"{before} and {symbol} are the same market of {self._venue}, {listing.market_id}; name it one way"
            )
        return listing
