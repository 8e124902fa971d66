"""Rules of markets while a bot runs: ticks, lots and whether they trade may change, and a market may go."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from tradsys.live.clock import Clock
from tradsys.live.execution.patience import within
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.intents import IntentJournal
from tradsys.live.telling import Tell
from tradsys.live.venue import MarketRules, Venue, VenueRefused, VenueUnknown

EVERY_MS: Final = 3_600_000

REFUSED_EVERY_MS: Final = 60_000
"""While the venue refuses to tell of the account: where it is asked for market by market, one may be gone."""


@dataclass(slots=True)
class KnownMarkets:
    """Rules by symbol, kept in `known`; those that are not known yet are asked for, and all of them once an hour.

    Where the venue has refused an order since they were read they are read again: it may have been for them.
    """

    known: MutableMapping[str, MarketRules]
    venue: Venue
    journal: IntentJournal
    clock: Clock
    rules: ExecutionRules
    tell: Tell
    read_ms: dict[str, int] = field(default_factory=dict)
    all_read_ms: int | None = None

    async def of(self, symbol: str) -> MarketRules:
        """The rules of one symbol now; a VenueRefused where the venue does not have it, and nobody knew it before."""
        known = self.known.get(symbol)
        if known is None:
            self.known[symbol] = (await self.venue.markets([symbol]))[symbol]
            self.read_ms[symbol] = self.clock.now_ms()
        elif self._was_refused(symbol):
            await self._read(symbol)
        return self.known[symbol]

    async def refresh(self, every_ms: int = EVERY_MS) -> None:
        """Read all of them again where that is due."""
        now = self.clock.now_ms()
        if self.all_read_ms is None:
            self.all_read_ms = now
        if now - self.all_read_ms >= every_ms:
            self.all_read_ms = now
            try:
                self._take(await self.venue.markets(list(self.known)))
            except VenueUnknown as error:
                self.tell("error", {"what": f"reading the markets' rules: {error}"})
            except VenueRefused:  # one of them is gone
                for symbol in list(self.known):
                    await self._read(symbol)

    async def _read(self, symbol: str) -> None:
        """As long as the venue does not answer the old ones hold; a market that is gone does not trade."""
        self.read_ms[symbol] = self.clock.now_ms()
        try:
            self._take(await within(self.rules.ask_timeout_ms, partial(self.venue.markets, [symbol])))
        except VenueRefused as error:
            self._take({symbol: replace(self.known[symbol], is_trading=False)})
            self.tell("error", {"symbol": symbol, "what": f"its market is gone: {error}"})
        except VenueUnknown as error:
            self.tell("error", {"symbol": symbol, "what": f"reading its market's rules: {error}"})

    def _take(self, found: Mapping[str, MarketRules]) -> None:
        changed = [symbol for symbol, rules in found.items() if self.known[symbol] != rules]
        self.known.update(found)
        for symbol in changed:
            self.tell("state", {"what": f"the rules of {symbol} have changed", "symbol": symbol})

    def _was_refused(self, symbol: str) -> bool:
        trade = self.journal.open_trade(symbol)
        if trade is None:
            return False
        refused = [one for one in self.journal.intents(trade.key) if one.state == "refused"]
        read_ms = self.read_ms.get(symbol, 0)
        return any((one.answered_ms or one.sent_ms) > read_ms for one in refused)
