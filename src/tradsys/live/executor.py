"""The executor: reads what the venue says, compares it with what should be, and acts on the difference.

Start, recovery and every cycle are one function, `reconcile`. It may be called at any moment and after any crash, for
several symbols at once; of one symbol there is one at a time. A question that fails ends it, and nothing has changed.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, MutableMapping, Sequence
from typing import Any, Final

from tradsys.core.errors import DiskError
from tradsys.live.client_ids import prefix
from tradsys.live.clock import Clock
from tradsys.live.entry import Entry
from tradsys.live.execution.admission import why_denied, why_no_entry
from tradsys.live.execution.aim_book import AimBook
from tradsys.live.execution.aims import Aim
from tradsys.live.execution.desk import Desk
from tradsys.live.execution.intent import Intent, Trade
from tradsys.live.execution.known_markets import REFUSED_EVERY_MS, KnownMarkets
from tradsys.live.execution.looking import Lookout, Snapshot
from tradsys.live.execution.noticing import Notices
from tradsys.live.execution.opening import opened, trade_key
from tradsys.live.execution.patience import together
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.execution.sending import Sender
from tradsys.live.execution.steps import StepHook, no_step
from tradsys.live.execution.trade_rows import trade_rows
from tradsys.live.execution.wishes import EXIT, FLATTEN
from tradsys.live.intents import IntentJournal
from tradsys.live.state import Standing, TradingState, write_standing
from tradsys.live.telling import Tell
from tradsys.live.venue import MarketRules, Venue, VenueRefused, VenueUnknown

N_LOOKED_THROUGH: Final = 10
"""Trades of a symbol that are looked through for the last one that was filled: entries may have come to nothing."""


class OrderExecutor:
    """Opens, protects and leaves positions on one venue; the journal is all that it needs to remember.

    `markets` are the rules by symbol; those of a position found elsewhere are asked for and added. `halt` is told why
    no more may be entered, where stops are refused. `step` is called before and after every marked step.
    """

    def __init__(
        self,
        venue: Venue,
        journal: IntentJournal,
        clock: Clock,
        rules: ExecutionRules,
        *,
        markets: MutableMapping[str, MarketRules],
        tell: Tell,
        step: StepHook = no_step,
        halt: Callable[[str], None] | None = None,
    ) -> None:
        self.journal, self.clock, self.rules, self.markets = journal, clock, rules, markets
        self.tell, self.step = tell, step
        self._notices, self._aims = Notices(tell), AimBook(journal, tell, step)
        self._lookout = Lookout(venue, journal, clock, rules, tell, step)
        self._sender = Sender(venue, journal, clock, rules, tell, step, clock.now_ms())
        self._book = KnownMarkets(markets, venue, journal, clock, rules, tell)
        self._desk = Desk(
            self._lookout, self._sender, self._notices, self._book, halt or self._write_halt, self.why_no_entry
        )
        self._is_ending, self._barred, self._told_trouble = False, "", ""
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._funding_ms: int | None = None
        self._calm: Snapshot | None = None

    async def enter(self, entries: Sequence[Entry]) -> dict[str, str]:
        """Open these trades: one commit for all, then every order at once. Returns by symbol what became of it.

        "denied: why" is our own no, "refused" the venue's; "unknown" is asked for by every later `reconcile`. What has
        filled by then is protected before this returns.
        """
        kept, outcomes = self._admit(entries)
        if kept:
            self._calm = None
            try:
                self._commit_entries(kept)
            except DiskError as error:
                return outcomes | {
                    trade.symbol: self._deny(trade.symbol, trade.close_ms, str(error)) for trade, _ in kept
                }
        return outcomes | dict(await together([self._open(intent) for _, intent in kept]))

    async def aim(self, aims: Sequence[Aim]) -> None:
        """Hold these quantities from now on: one commit for all, then what shrinks, then what grows into its room.

        What is not there when this returns later cycles go on with, as after a crash. A choice that was aimed at before
        is not aimed at again; on a disk that does not take it, nothing is made larger for it.
        """
        new = self._aims.admitted(aims)
        snapshot = await self._snapshot() if new else None
        held = {} if snapshot is None else {one.symbol: one.size_base for one in snapshot.account.positions}
        self._calm = None
        self._notices.is_making_room = True
        try:
            new = self._aims.commit(new, None if snapshot is None else held)
            smaller = [one for one in new if one.shrinks(held)]
            shrinking = asyncio.create_task(self._aimed(smaller, snapshot))
            shrinking.add_done_callback(_look_at_error)
            try:
                await asyncio.wait([shrinking], timeout=self.rules.entry_patience_ms / 3_000)
                self._notices.is_making_room = False
                await self._aimed([one for one in new if one.grows(held)], None)
                await shrinking
            finally:
                shrinking.cancel()  # whoever ends this is about to close the journal
        finally:
            self._notices.is_making_room = False

    async def _aimed(self, aims: Sequence[Aim], snapshot: Snapshot | None) -> None:
        """One look at the account for all of them; one that is not answered leaves them to later cycles."""
        snapshot = snapshot or (await self._snapshot() if aims else None)
        if snapshot is not None:
            await together([self._reconcile(aim.symbol, snapshot) for aim in aims])

    def _commit_entries(self, kept: Sequence[tuple[Trade, Intent]]) -> None:
        self.journal.keep_room()
        self.step("entry.commit:before")
        self.journal.add([intent for _, intent in kept], [trade for trade, _ in kept])
        self.step("entry.commit:after")

    def _deny(self, symbol: str, close_ms: int, why: str) -> str:
        self.tell("denied", {"symbol": symbol, "close_ms": close_ms, "why": why})
        return f"denied: {why}"

    def end_entries(self) -> None:
        """From now on this executor sends no entry, neither a new one nor one again that was lost: its bot ends."""
        self._is_ending = True

    def bar_entries(self, why: str) -> None:
        """Enter nothing for this reason, and take back what rests, until it is told that there is none ("")."""
        self._barred = why

    async def reconcile(self, symbol: str) -> bool:
        """Look at one symbol and do what is due; whether nothing was left to do that waiting will not do.

        False says that an answer was missing, or that something is under way: call again soon.
        """
        async with self._locks[symbol]:
            return await self._desk.turn(symbol, None)

    async def reconcile_all(self) -> bool:
        """The same for every symbol with a market, trade, order or position, with one look at the account for all.

        While everything is being left, this goes on with it.
        """
        self._calm = None
        self._tell_of_disk()
        try:
            snapshot = await self._snapshot()
        except VenueRefused:
            await self._book.refresh(REFUSED_EVERY_MS)
            raise
        if snapshot is None:
            return False
        if self.journal.flag(FLATTEN) is not None:
            return await self._leave_all(snapshot)
        symbols = sorted(set(self.markets) | self._busy(snapshot))
        settled = await together([self._reconcile(symbol, snapshot) for symbol in symbols])
        await self._read_funding()
        await self._book.refresh()
        self._calm = snapshot if all(settled) else None
        return all(settled)

    @property
    def calm(self) -> Snapshot | None:
        """What the last `reconcile_all` began with, where all was as it should be and nothing was done since.

        None otherwise: then the account is to be asked for again.
        """
        calm = self._calm
        is_calm = calm is not None and all(ms < calm.started_ms for ms in self._notices.touched_ms.values())
        return calm if is_calm else None

    def request_exit(self, symbol: str, why: str) -> None:
        """Leave a symbol: it is on disk when this returns, and done by the next `reconcile`, also after a restart."""
        self.step("wish.commit:before")
        self.journal.set_flags({EXIT + symbol: why, **self._aims.dropped(why, {symbol})})
        self.step("wish.commit:after")
        self.tell("exit", {"symbol": symbol, "why": why})

    def why_no_entry(self) -> str | None:
        """Why nothing may be entered at all, None where it may."""
        if self._is_ending:
            return "the bot ends"
        return self._barred or self.journal.trouble or why_no_entry(self.journal)

    def leave_own(self, why: str) -> bool:
        """Leave every trade that an entry of ours began; whether there was one that is not being left already.

        A position that somebody else opened keeps its stop: what it is for, its owner knows.
        """
        if dropped := self._aims.dropped(why):
            self.journal.set_flags(dropped)
        own = {trade.symbol for trade in self.journal.trades(is_open=True) if trade.origin != "foreign"}
        if self.journal.flag(FLATTEN) is not None or not (left := own - self._wished()):
            return False
        for symbol in sorted(left):
            self.request_exit(symbol, why)
        return True

    async def flatten(self, why: str = "flatten") -> bool:
        """Leave everything, until the venue says that nothing is left; False where the rules allow no more time.

        No entry is made meanwhile, and after a False neither: later cycles go on, also after a restart.
        """
        self.journal.set_flags({FLATTEN: why, **self._aims.dropped(why)})
        deadline_ms = self.clock.now_ms() + self.rules.flatten_ms
        while True:
            snapshot = await self._snapshot()
            if snapshot is not None and await self._leave_all(snapshot):
                return True
            if self.clock.now_ms() >= deadline_ms:
                self.tell("error", {"what": "flatten: something is left; every cycle goes on"})
                return False
            await asyncio.sleep(self.rules.flatten_wait_ms / 1_000)

    async def close(self) -> None:
        """Wait for answers that are still on their way, and write them down; what is open stays as it is."""
        await self._sender.close()

    @property
    def unprotected(self) -> list[str]:
        """Symbols with a position that was last seen with too little of a stop."""
        return sorted(self._notices.bare)

    @property
    def is_urgent(self) -> bool:
        """Whether a symbol was last seen with too little of a stop, or with a leg whose position has gone."""
        return bool(self._notices.bare or self._notices.orphaned)

    @property
    def refused(self) -> list[str]:
        """Symbols of which the venue refused to tell anything when they were last looked at."""
        return sorted(self._notices.unlisted_ms)

    @property
    def is_unsure(self) -> bool:
        """Whether an order is on its way of which nobody knows yet what the venue made of it, or an entry rests."""
        orders = (intent for symbol in self.journal.symbols() for intent in self.journal.unsettled(symbol))
        return any(intent.state == "unknown" or intent.leg == "entry" for intent in orders)

    def trades(self, *, is_open: bool | None = None) -> list[dict[str, Any]]:
        """Trades that had a fill, in order of their beginning; all, or those that are open or over."""
        return self._rows(self.journal.trades(is_open=is_open))

    def resting(self) -> list[dict[str, Any]]:
        """Entries that rest in the book, in order of their beginning: where, until when, and what of each is filled."""
        rows = []
        for trade in self.journal.trades(is_open=True):
            for intent in self.journal.intents(trade.key) if trade.rests_until_ms is not None else ():
                if intent.leg == "entry" and not intent.is_final:
                    rows.append(
                        {
                            "symbol": trade.symbol, "side": trade.side, "price": intent.price,
                            "size_base": intent.size_base, "filled_base": intent.filled_base,
                            "decided_ms": trade.close_ms, "rests_until_ms": trade.rests_until_ms,
                            "state": intent.state,
                        }
                    )  # fmt: skip
        return rows

    def last_exit(self, symbol: str) -> dict[str, Any] | None:
        """The last trade of a symbol that was filled and is over; None where there is none among its last ones."""
        over = self._rows(self.journal.trades(is_open=False, symbol=symbol, n_last=N_LOOKED_THROUGH))
        return max(over, key=lambda row: int(row["exit_ms"]), default=None)

    def _rows(self, trades: Sequence[Trade]) -> list[dict[str, Any]]:
        return trade_rows(self.journal, trades, self.rules.liquidation_prefixes, self.clock.now_ms())

    def _admit(self, entries: Sequence[Entry]) -> tuple[list[tuple[Trade, Intent]], dict[str, str]]:
        now, kept, outcomes = self.clock.now_ms(), dict[str, tuple[Trade, Intent]](), dict[str, str]()
        nothing, busy = self.why_no_entry(), self.journal.symbols()
        for entry in entries:
            why = nothing or self._why_busy(entry, busy, now) or why_denied(entry, self.markets.get(entry.symbol))
            if why is None and entry.symbol in kept:
                why = "another entry on the symbol came first"
            if why is None:
                kept[entry.symbol] = opened(entry, self.rules, now)
            else:
                outcomes[entry.symbol] = self._deny(entry.symbol, entry.close_ms, why)
        return list(kept.values()), {symbol: why for symbol, why in outcomes.items() if symbol not in kept}

    def _tell_of_disk(self) -> None:
        self.journal.heal()
        if self.journal.trouble != self._told_trouble:
            self._told_trouble = self.journal.trouble
            self.tell("error", {"what": self._told_trouble or "the intent journal is on the disk again, whole"})

    def _why_busy(self, entry: Entry, busy: Collection[str], now_ms: int) -> str | None:
        """One trade a symbol at a time, on a symbol that was seen to be empty a moment ago."""
        if self.journal.trade(trade_key(entry.symbol, entry.close_ms)) is not None:
            return "this bar was traded already"
        if entry.symbol in busy:
            return "a trade or an order is open"
        if not self._notices.is_clean(entry.symbol, now_ms, self.rules.max_truth_age_ms):
            return "the venue was not seen to hold nothing of the symbol lately"
        return None

    async def _open(self, intent: Intent) -> tuple[str, str]:
        """Send an entry and protect what it fills. A `reconcile` may run meanwhile: to it the entry is unknown."""
        self._notices.touched_ms[intent.symbol] = self.clock.now_ms()
        await self._sender.send(intent)
        await self.reconcile(intent.symbol)
        known = self.journal.intent(intent.client_id)
        return intent.symbol, intent.state if known is None else known.state

    async def _snapshot(self) -> Snapshot | None:
        try:
            return await self._lookout.snapshot()
        except VenueUnknown as error:
            self.tell("error", {"what": f"looking at the account: {error}"})
            return None

    async def _reconcile(self, symbol: str, snapshot: Snapshot) -> bool:
        async with self._locks[symbol]:
            is_fresh = self._notices.touched_ms.get(symbol, -1) < snapshot.started_ms
            return await self._desk.turn(symbol, snapshot if is_fresh else None)

    async def _leave_all(self, snapshot: Snapshot) -> bool:
        """Leave whatever there is; whether there was nothing, and the wish to leave everything is over."""
        symbols = self._busy(snapshot)
        if not symbols:
            self.journal.set_flag(FLATTEN, None)
            return True
        why = self.journal.flag(FLATTEN) or FLATTEN
        for symbol in sorted(symbols - self._wished()):
            self.request_exit(symbol, why)
        await together([self.reconcile(symbol) for symbol in sorted(symbols)])
        return False

    def _busy(self, snapshot: Snapshot) -> set[str]:
        """Symbols with a position, an order of ours, or something that the journal has not seen the end of."""
        held = {position.symbol for position in snapshot.account.positions}
        ours = {o.symbol for o in snapshot.orders if o.client_id.startswith(prefix(self.rules.account))}
        return held | ours | self.journal.symbols() | self._wished()

    def _wished(self) -> set[str]:
        return {name.removeprefix(EXIT) for name in self.journal.flags(EXIT)}

    async def _read_funding(self) -> None:
        now = self.clock.now_ms()
        if self._funding_ms is not None and now - self._funding_ms < self.rules.funding_every_ms:
            return
        try:
            await self._lookout.read_funding()
            self._funding_ms = now
        except VenueUnknown as error:
            self.tell("error", {"what": f"reading funding: {error}"})

    def _write_halt(self, reason: str) -> None:
        write_standing(self.journal, Standing(TradingState.HALTED, "executor", reason, self.clock.now_ms()))


def _look_at_error(task: asyncio.Task[None]) -> None:
    """Whoever waits for it raises it; where nobody does any more, it is no news."""
    if not task.cancelled():
        task.exception()
