"""The bot of target weights: at each close the choice that is due becomes aims, and the executor holds them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from tradsys.live.aiming import aims_of, allowed
from tradsys.live.bars.close import Close
from tradsys.live.bot import Bot, BotParts
from tradsys.live.bot_status import weighed
from tradsys.live.entry import Entry
from tradsys.live.execution.aims import Aim
from tradsys.live.risk.risk import Denied
from tradsys.live.venue import AccountState, VenueRefused
from tradsys.live.weighing import LATEST, ChosenWeights, Weigher

TOO_LATE: Final = "the choice was missed by more than a bar: positions only shrink towards it"


class TargetBot(Bot):
    """A bot that holds what a choice says until the next one; all else is as of any bot.

    `stop_fraction` is how far from its average entry price a position has its stop at the venue, a share of it.
    """

    def __init__(self, parts: BotParts, weigher: Weigher, stop_fraction: float) -> None:
        super().__init__(parts)
        self._weigher, self._stop_fraction = weigher, stop_fraction

    async def _on_close(self, close: Close) -> None:
        """Choose where that is due, size it, ask the limits, and have it held."""
        parts = self._parts
        for symbol in close.bars:
            parts.risk.on_data(symbol, close.close_ms)
        found = self._weigher.choice(close, self._known_ms())
        for symbol, why in self._weigher.cold.items():
            parts.feed.read_anew(symbol, why)
        if isinstance(found, ChosenWeights) and (account := await self._seen_since(close.close_ms)):
            await self._hold(close, found, account)
        elif isinstance(found, str):
            self.status.put_off(close, found)
            parts.folder.tell("denied", {"symbol": "all", "close_ms": close.close_ms, "reason": found})
        else:
            self.status.put_off(close, None if found is None else "the account was not seen since the close")
        if close.histories:
            self._keep_bars(close.histories)

    def _known_ms(self) -> int:
        """When the last choice was made that is aimed at."""
        return max((aim.choice_ms for aim in self._parts.executor.journal.aims().values()), default=0)

    async def _hold(self, close: Close, choice: ChosenWeights, account: AccountState) -> None:
        parts = self._parts
        held, foreign = self._held(account)
        prices = {symbol: bar.close for symbol, bar in close.bars.items()}
        aims = aims_of(
            choice,
            self._chosen_among(held),
            held,
            foreign,
            parts.executor.markets,
            prices,
            equity_quote=account.equity_quote,
            close_ms=close.close_ms,
            until_ms=parts.clock.now_ms() + parts.executor.rules.entry_patience_ms,
            stop_fraction=self._stop_fraction,
        )
        aims = allowed(
            aims, held, lambda entries, worth: self._denied(entries, worth, account), self._no_growth(choice)
        )
        for aim in aims:
            parts.folder.tell("decision", {"symbol": aim.symbol, "close_ms": close.close_ms, **weighed(aim)})
            if aim.note:
                parts.folder.tell("denied", {"symbol": aim.symbol, "close_ms": close.close_ms, "reason": aim.note})
        self.status.chosen(close, aims)
        self.status.put_off(close, None)
        try:
            await self._seen_to_aims(aims)
        except VenueRefused as error:  # of a question beside the orders, which the next look asks again
            parts.folder.tell("error", {"what": "aiming", "reason": str(error)})
        self._wake.set()

    async def _seen_to_aims(self, aims: Sequence[Aim]) -> None:
        async def aiming() -> dict[str, str]:
            await self._parts.executor.aim(aims)
            return {}

        await self._seen_to(aiming())

    def _held(self, account: AccountState) -> tuple[dict[str, float], dict[str, float]]:
        """What our own stretches hold by symbol, with its sign, and positions that none of them explains."""
        rows = self._parts.executor.trades(is_open=True)
        own = {row["symbol"]: row["side"] * row["open_base"] for row in rows if row["origin"] == "target"}
        foreign = {one.symbol: one.size_base for one in account.positions if one.symbol not in own}
        return own, foreign

    def _chosen_among(self, held: Collection[str]) -> tuple[str, ...]:
        """The bundle's symbols, and those that only an earlier bundle held or aimed at: they are left."""
        aimed = {symbol for symbol, aim in self._parts.executor.journal.aims().items() if aim.side}
        own = self._parts.deployment.symbols
        return (*own, *sorted({*held, *aimed}.difference(own)))

    def _no_growth(self, choice: ChosenWeights) -> str | None:
        parts = self._parts
        if choice.n_late > LATEST:
            return TOO_LATE
        return parts.executor.why_no_entry() or parts.folder.trouble or self._expired(choice.choice_ms)

    def _denied(self, entries: Sequence[Entry], worth: Mapping[str, float], account: AccountState) -> Sequence[Denied]:
        """Foreign positions stay, and count; ours are brought to what is kept of them first."""
        _, foreign = self._held(account)
        marks = {one.symbol: one.mark_price for one in account.positions}
        others = {symbol: abs(size) * marks[symbol] for symbol, size in foreign.items()}
        return self._parts.risk.allow(entries, account, {**worth, **others}, shrinks=True)[1] if entries else []
