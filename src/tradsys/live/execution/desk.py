"""One symbol's turn: look, plan, act, and look again until nothing is due."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from tradsys.live.execution.actions import (
    Action,
    Adopt,
    CancelOrder,
    EndTrade,
    ForgetWish,
    Grow,
    HaltTrading,
    PlaceLeg,
    PlacePair,
    SendAgain,
)
from tradsys.live.execution.aimed_plan import is_short_of_aim
from tradsys.live.execution.aims import REBALANCED, Aim
from tradsys.live.execution.intent import Intent, Trade
from tradsys.live.execution.known_markets import KnownMarkets
from tradsys.live.execution.ledger import TradeSums, has_all_fills, has_entry_fills, sum_fills
from tradsys.live.execution.looking import Lookout, Sight, Snapshot
from tradsys.live.execution.noticing import Notices
from tradsys.live.execution.opening import found
from tradsys.live.execution.patience import together
from tradsys.live.execution.plan import plan
from tradsys.live.execution.protection import n_missing
from tradsys.live.execution.sending import Sender
from tradsys.live.execution.situation import Situation
from tradsys.live.execution.wishes import EXIT
from tradsys.live.state import TradingState, read_standing
from tradsys.live.venue import Fill, MarketRules, VenueRefused, VenueUnknown


@dataclass(frozen=True, slots=True)
class Desk:
    """Brings symbols to where they should be; the caller sees to it that a symbol has one turn at a time."""

    lookout: Lookout
    sender: Sender
    notices: Notices
    markets: KnownMarkets
    halt: Callable[[str], None]
    why_no_entry: Callable[[], str | None]

    async def turn(self, symbol: str, snapshot: Snapshot | None) -> bool:
        """Whether the symbol is as it should be, and only the market or a person can change anything.

        An answer that is missing ends the turn; not while a position is bare or a leg is left over, which wait for it.
        """
        await self.sender.raise_late()
        for _ in range(self.lookout.rules.n_rounds):
            outcome = await self._round(symbol, snapshot)
            if outcome != "look again":
                if not self.notices.is_urgent(symbol):
                    return outcome == "settled"
                await asyncio.sleep(self.lookout.rules.urgent_wait_ms / 1_000)
            snapshot = None
        return False

    async def _round(self, symbol: str, snapshot: Snapshot | None) -> Literal["look again", "wait", "settled"]:
        """One look, and what is due after it."""
        try:
            situation = await self._situation(symbol, snapshot)
        except VenueUnknown as error:
            self.lookout.tell("error", {"symbol": symbol, "what": f"looking: {error}"})
            self.notices.tell_of_bare(symbol, self.lookout.clock.now_ms())
            return "wait"
        except VenueRefused as error:  # of this symbol alone: the others are looked at all the same
            self.lookout.tell("error", {"symbol": symbol, "what": f"looking was refused: {error}"})
            await self._without_market(symbol)
            return "wait"
        self.notices.unlisted_ms.pop(symbol, None)
        actions = plan(situation)
        if not actions:
            return "settled" if _is_settled(situation) else "wait"
        return "look again" if await self._act(situation, actions) else "wait"

    async def _situation(self, symbol: str, snapshot: Snapshot | None) -> Situation:
        market = await self.markets.of(symbol)
        sight = await self.lookout.look(symbol, self._explained_base(symbol), snapshot, lot=market.lot)
        situation = self._put_together(market, sight)
        return replace(situation, since_ms=self.notices.see(situation))

    def _put_together(self, market: MarketRules, sight: Sight) -> Situation:
        journal, symbol = self.lookout.journal, market.symbol
        trade, aim = journal.open_trade(symbol), journal.aim(symbol)
        intents = [] if trade is None else journal.intents(trade.key)
        fills = [] if trade is None or aim is None else journal.fills(trade.key)
        return Situation(
            now_ms=self.lookout.clock.now_ms(),
            rules=self.lookout.rules,
            market=market,
            position=sight.position,
            orders=sight.orders,
            trade=trade,
            intents=intents,
            unsettled=journal.unsettled(symbol),
            sums=TradeSums() if trade is None else self._sums(trade, intents),
            wish=journal.flag(EXIT + symbol),
            may_enter=self.why_no_entry() is None and not (aim is not None and self.notices.is_making_room),
            is_halted=read_standing(journal).state is TradingState.HALTED,
            since_ms=None,
            spare_base=sight.spare_base,
            aim=aim,
            is_cut=trade is not None and aim is not None and _is_cut(aim, trade, fills, intents),
            has_all_fills=has_all_fills(intents, fills) if fills or aim is not None else True,
        )

    def _explained_base(self, symbol: str) -> float | None:
        """What the fills that are known explain, with its sign; None where some are known to be missing."""
        trade = self.lookout.journal.open_trade(symbol)
        if trade is None:
            return 0.0
        intents = self.lookout.journal.intents(trade.key)
        sums = self._sums(trade, intents)
        is_known = has_entry_fills(intents, sums) and has_all_fills(intents, self.lookout.journal.fills(trade.key))
        return trade.side * sums.open_base if is_known else None

    def _sums(self, trade: Trade, intents: Sequence[Intent]) -> TradeSums:
        known = {intent.client_id: intent for intent in intents}
        rules, journal = self.lookout.rules, self.lookout.journal
        return sum_fills(trade, journal.fills(trade.key), known, rules.liquidation_prefixes)

    async def _act(self, s: Situation, actions: Sequence[Action]) -> bool:
        """Do what is due, cancellations first; whether to look again at once."""
        for action in actions:
            self._write(s, action)
        cancels = [self.sender.cancel(action) for action in actions if isinstance(action, CancelOrder)]
        is_sure = all(await together(cancels))
        for action in actions:
            if isinstance(action, SendAgain):
                is_sure = await self.sender.send_again(action.intent) and is_sure
        for action in actions:
            if isinstance(action, Grow):
                is_sure = await self.sender.grow(s.trade, action, s.market.lot) and is_sure
        legs = [action for action in actions if isinstance(action, PlaceLeg)]
        if legs and s.trade is not None:
            is_sure = await self.sender.place(s.trade, legs, s.market.lot) and is_sure
        pairs = [action for action in actions if isinstance(action, PlacePair)]
        if pairs and s.trade is not None:
            is_sure = await self.sender.place_pairs(s.trade, pairs, s.market.lot) and is_sure
        self.notices.touched_ms[s.market.symbol] = self.lookout.clock.now_ms()
        return is_sure

    def _write(self, s: Situation, action: Action) -> None:
        """Those actions that change the journal alone."""
        journal, symbol = self.lookout.journal, s.market.symbol
        if isinstance(action, EndTrade) and s.trade is not None:
            aim = _given_up(s, action)
            self._marked("trade.end", partial(journal.end_trade, s.trade.key, s.now_ms, action.why, aim=aim))
            self._tell("exit", symbol, f"over: {action.why or 'closed'}")
        elif isinstance(action, Adopt) and s.position is not None:
            trade = found(s.position, self.lookout.rules, s.now_ms, journal.trade)
            self._marked("adopt.commit", lambda: journal.add([], [trade]))
            self._tell("foreign", symbol, f"{trade.side * trade.size_base:g} that no entry of ours explains")
        elif isinstance(action, HaltTrading):
            self._marked("halt", lambda: self.halt(action.reason))
            self._tell("halted", symbol, action.reason)
        elif isinstance(action, ForgetWish):
            self._marked("wish.clear", lambda: journal.set_flag(EXIT + symbol, None))

    def _marked(self, step: str, write: Callable[[], None]) -> None:
        self.lookout.step(f"{step}:before")
        write()
        self.lookout.step(f"{step}:after")

    def _tell(self, kind: str, symbol: str, why: str) -> None:
        self.lookout.tell(kind, {"symbol": symbol, "why": why})

    async def _without_market(self, symbol: str) -> None:
        """The venue knows nothing of the symbol: its trade is over, once that has lasted and nothing is held."""
        lookout = self.lookout
        now_ms, journal = lookout.clock.now_ms(), lookout.journal
        if now_ms < self.notices.unlisted_ms.setdefault(symbol, now_ms) + lookout.rules.settle_ms:
            return
        try:
            await lookout.venue.markets([symbol])
            return  # it is there: something else was refused
        except VenueUnknown:
            return
        except VenueRefused:
            pass
        try:
            account = await lookout.venue.account()
        except (VenueUnknown, VenueRefused):
            return
        if any(position.symbol == symbol for position in account.positions):
            return
        for intent in journal.unsettled(symbol):
            journal.answer(intent.client_id, "expired", now_ms, note="its market is gone")
        if (trade := journal.open_trade(symbol)) is not None:
            self._marked("trade.end", partial(journal.end_trade, trade.key, now_ms, "delisted"))
            self._tell("exit", symbol, "over: delisted")
        journal.set_flag(EXIT + symbol, None)


def _is_settled(s: Situation) -> bool:
    """Whether only the market, or a person, can change anything now; an entry that rests waits for the market."""
    is_waited_for = s.is_decided or (s.rests and s.has_entry_fills)
    is_known = is_waited_for and all(intent.state != "unknown" for intent in s.unsettled)
    is_served = s.is_explained and s.wish is None and n_missing(s) == 0
    return is_known and is_served and not is_short_of_aim(s)


def _is_cut(aim: Aim, trade: Trade, fills: Sequence[Fill], intents: Sequence[Intent]) -> bool:
    """Whether a stop, somebody else or a limit has made the position smaller since the aim was chosen."""
    ours = {intent.client_id for intent in intents if intent.why == REBALANCED}
    later = [one for one in fills if one.side == -trade.side and one.ts_ms >= aim.choice_ms]
    return any(one.client_id not in ours for one in later)


def _given_up(s: Situation, end: EndTrade) -> Aim | None:
    """The aim that a trade leaves behind which did not end for it: nothing more is bought or sold on that choice."""
    if s.trade is None or s.trade.origin != "target" or s.aim is None or s.aim.side != s.trade.side:
        return None
    reason = end.why or s.sums.exit_reason or s.sums.last_reason or "unknown"
    is_for_aim = reason == REBALANCED and not s.is_cut  # a stop may fill before the last order for the aim does
    return None if is_for_aim else s.aim.dropped(f"its position ended: {reason}")
