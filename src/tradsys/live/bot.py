"""The bot's loop: closed bars become decisions, decisions become orders, and the account is looked at all the time.

Five things go on side by side, and none waits for another: the account is brought to where it should be, closes are
decided on, commands are obeyed, the status is written, and once a minute what the account is worth. Whatever fails in
one of them for good ends the process, and the venue's own stops stay; whatever the venue does not answer is asked
again.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from tradsys.bundle.deployment import Deployment
from tradsys.core.errors import DataError, HaltError
from tradsys.core.time import stamp
from tradsys.live.account.equity_history import keep_history
from tradsys.live.account.folder import AccountFolder
from tradsys.live.account.kept_bars import keep_histories
from tradsys.live.allocation import allocate, load_kernels
from tradsys.live.bars.close import Close
from tradsys.live.bars.feed import BarFeed
from tradsys.live.bot_status import BotStatus
from tradsys.live.clock import Clock
from tradsys.live.control import Command, Control
from tradsys.live.deciding import Decider
from tradsys.live.entry import Entry
from tradsys.live.execution.intent import Trade
from tradsys.live.execution.patience import together
from tradsys.live.executor import OrderExecutor
from tradsys.live.obeying import Obedience, Reload
from tradsys.live.outside.columns import OutsideSources
from tradsys.live.risk.risk import Risk
from tradsys.live.risk.transfers import TransferRecord, look
from tradsys.live.shares import granted_shares, shares_held
from tradsys.live.state import Flags, TradingState
from tradsys.live.venue import AccountState, Hint, MarketRules, Venue, VenueRefused, VenueUnknown
from tradsys.live.weighing import Weigher
from tradsys.predictor.predictor import Decision

CYCLE_S: Final = 4.0
"""Between two looks at the account where nothing hints at news: a look takes a twentieth of what Binance lets one ask
in a minute, and orders must find room beside it."""

SOON_S: Final = 0.25
"""After a look that left something under way, or that failed; doubled while looks go on failing, up to the next."""

LONGEST_S: Final = 2.0
"""After a look that failed: positions are never alone for longer once the venue answers again."""

URGENT_S: Final = 0.5
"""The same while a position was seen without its stop, or a leg without its position: that cannot wait."""

AFTER_MS: Final = 20
"""After a close, before the account is looked at without a hint: what the last moment filled is booked by then."""

AGAIN_S: Final = 5.0
"""Between two attempts to read the first history."""

KEEP_S: Final = 0.2
"""After a look, until what was measured is on disk; an entry's commit takes it along, so that orders wait for one."""

REST_S: Final = 10.0
"""How long a bot that ends still sees to an entry on its way, and to the stop of what it has filled."""


def _nothing() -> None:
    """Nothing is kept back."""


@dataclass(frozen=True, slots=True)
class BotParts:
    """What a bot is made of; all of them are ready, and nothing has been asked of a market yet.

    `rules` are the markets' by symbol, `about` what every status says first, such as whose money it is. `told_late`
    tells what the parts kept back while a close was decided on.
    """

    deployment: Deployment
    venue: Venue
    feed: BarFeed
    decider: Decider | Weigher
    outside: OutsideSources
    executor: OrderExecutor
    risk: Risk
    folder: AccountFolder
    control: Control
    clock: Clock
    rules: Mapping[str, MarketRules]
    about: Mapping[str, Any]
    reload: Reload
    told_late: Callable[[], None] = _nothing


class Bot:
    """Runs until it is told to stop: `run` returns where that was in good order, and is a HaltError where it halted."""

    def __init__(self, parts: BotParts) -> None:
        self._parts = parts
        self.status = BotStatus(parts.about, parts.executor, parts.risk, parts.folder, parts.clock)
        self._wake, self._stop = asyncio.Event(), asyncio.Event()
        self._looking = asyncio.Lock()
        self._transfers = TransferRecord(parts.executor.journal, parts.clock)
        self._account: AccountState | None = None
        self._seen_ms, self._began_ms = 0, 0
        self._failures = list[str]()
        self._n_failed = 0
        self._left = set(parts.deployment.symbols)
        self._obeyed = set[asyncio.Task[None]]()
        self._entering = set[asyncio.Task[dict[str, str]]]()
        self._keeping: asyncio.TimerHandle | None = None
        self._obedience = Obedience(
            parts.control, parts.executor, parts.risk, parts.venue, parts.clock,
            status=self.status.values, reload=parts.reload,
        )  # fmt: skip
        parts.folder.listen(self._hear)

    async def run(self) -> None:
        """Trade until somebody says stop; positions and their stops stay as they are."""
        folder, status = self._parts.folder, self.status
        folder.tell("started", dict(self._parts.about))
        history = keep_history(folder.path, status.equity, folder.tell, pace=folder.pace)
        works = [self._look_again_and_again(), self._trade(), self._obey(), folder.keep(status.values), history]
        tasks = [asyncio.create_task(work) for work in works]
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            self._parts.executor.end_entries()
            await _ended([*tasks, stopped, *self._obeyed])
            try:
                await self._come_to_rest()
            finally:
                for task in tasks:
                    if not task.cancelled():
                        task.result()
        finally:
            await _ended([*tasks, stopped, *self._obeyed, *self._entering])
            if self._keeping is not None:
                self._keeping.cancel()
            self._parts.risk.keep()
            self._parts.told_late()
            folder.write_status({**status.values(), "is_running": False})
            folder.tell("stopped", {"state": self._parts.risk.state.value})
        standing = self._parts.risk.standing
        if standing.state is TradingState.HALTED:
            raise HaltError(
                f"{folder.name} was halted: {standing.reason}; start it again, look, and tradsys trade resume"
            )

    @property
    def flags(self) -> Flags:
        """What of the account survives a restart."""
        return self._parts.executor.journal

    def hint(self, hint: Hint) -> None:
        """Something happened at the venue: look at once. Handed to the feed, whose stream brings the hints."""
        if hint.about == "account" or self._is_close(hint):
            self._wake.set()

    def _is_close(self, hint: Hint) -> bool:
        """Whether a bar has closed for which no look was begun: its account is asked for while bars are confirmed."""
        close_ms = 0 if hint.bar_ms is None else hint.bar_ms + self._parts.deployment.interval_ms
        return self._began_ms < close_ms <= self._parts.clock.now_ms()

    async def command(self, verb: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do what somebody wants who does not come by the account's folder, such as a chat, and say what came of it."""
        answer = await self._obedience.answer(
            Command(verb, str(args.get("argument", "")), by=str(args.get("by", "chat")))
        )
        self._wake.set()
        return answer

    async def _look_again_and_again(self) -> None:
        while True:
            self._wake.clear()
            is_settled = await self._look()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(self._pause_s(is_settled), self._until_due_s())):
                    await self._wake.wait()

    def _pause_s(self, is_settled: bool) -> float:
        """Until the next look; a venue that does not answer is not asked the quicker for it."""
        longest_s = URGENT_S if self._parts.executor.is_urgent else LONGEST_S
        pause_s = CYCLE_S if is_settled else min(SOON_S * 2**self._n_failed, longest_s)
        return pause_s * self._parts.folder.pace

    def _until_due_s(self) -> float:
        """Until just after the next close for which no look was begun: the account is asked for beside the bars.

        Or until an entry that rests has done so for its time, where that is over before.
        """
        now_ms, interval_ms = self._parts.clock.now_ms(), self._parts.deployment.interval_ms
        close_ms = (now_ms - AFTER_MS) // interval_ms * interval_ms + interval_ms
        if self._began_ms >= close_ms:
            close_ms += interval_ms
        lapses = (int(row["rests_until_ms"]) for row in self._parts.executor.resting())
        due_ms = min([close_ms, *(ms for ms in lapses if ms > self._began_ms)])
        return (due_ms + AFTER_MS - now_ms) / 1_000

    async def _look(self) -> bool:
        """Bring every symbol to where it should be, and measure the account against its limits."""
        executor, risk = self._parts.executor, self._parts.risk
        async with self._looking:
            self._began_ms = self._parts.clock.now_ms()
            executor.bar_entries(self._parts.folder.trouble)
            try:
                is_settled = await executor.reconcile_all()
                await self._see()
            except VenueRefused as error:  # such as a key that was taken back: what is open must still be looked after
                is_settled = False
                self._failures.append(str(error))
                self._parts.folder.tell("error", {"what": "account", "reason": str(error)})
            failures, self._failures = self._failures, []
            self._n_failed = min(self._n_failed + 1, 8) if failures or executor.refused else 0
            if failures:
                risk.on_error(failures[0])
            else:
                risk.on_success()
            self._tell_risk_of_exits()
            self._keep_soon()
            if risk.state is TradingState.HALTED and executor.leave_own(risk.standing.reason):
                self._wake.set()
            return is_settled and not failures

    def _keep_soon(self) -> None:
        loop = asyncio.get_running_loop()
        if self._keeping is None or self._keeping.when() <= loop.time():
            self._keeping = loop.call_later(KEEP_S * self._parts.folder.pace, self._parts.risk.keep)

    async def _see(self) -> None:
        """The account as it is after what was done, measured against its limits; asked for once where nothing was."""
        calm, began_ms = self._parts.executor.calm, self._parts.clock.now_ms()
        known, began_ms = (None, began_ms) if calm is None else (calm.account, calm.started_ms)
        try:
            account = await look(self._parts.risk, self._transfers, self._parts.venue, known)
        except VenueUnknown as error:
            self._failures.append(str(error))
            return
        self._account, self._seen_ms = account, began_ms
        self.status.saw(account)

    async def _trade(self) -> None:
        """Read the history, then decide on each close."""
        await self._begin()
        async for close in self._parts.feed.closes():
            await self._on_close(close)
            self._parts.told_late()

    async def _begin(self) -> None:
        """Histories and columns from outside; asked for again and again, since positions are protected meanwhile."""
        parts = self._parts
        while True:
            try:
                histories = await parts.feed.history(parts.decider.n_bars)
                first_ms = min(int(frame["ts"].dt.epoch("ms")[0]) for frame in histories.values())
                await parts.outside.begin(first_ms, parts.clock.now_ms())
                break
            except (VenueUnknown, VenueRefused) as error:  # such as of a market that is gone
                parts.folder.tell("error", {"what": "history", "reason": str(error)})
                await asyncio.sleep(AGAIN_S)
        self._keep_bars(histories)
        parts.decider.warm(histories)
        load_kernels()

    def _keep_bars(self, histories: Mapping[str, pl.DataFrame]) -> None:
        """For a replay; a disk that does not take them keeps nothing from being traded."""
        try:
            keep_histories(self._parts.folder.path, histories)
        except (OSError, DataError) as error:
            self._parts.folder.tell("error", {"what": "bars for a replay were not kept", "reason": str(error)})

    async def _on_close(self, close: Close) -> None:
        """Decide, share the equity, ask the limits, enter."""
        parts, decider = self._parts, self._parts.decider
        assert isinstance(decider, Decider)  # a Weigher has a bot of its own
        decisions = decider.decide(close)
        for symbol in close.bars:
            parts.risk.on_data(symbol, close.close_ms)
            if symbol not in decider.undecided and (values := decider.feature_values(symbol)):
                parts.risk.on_features(symbol, close.close_ms, values)
        for symbol, why in decider.cold.items():
            parts.feed.read_anew(symbol, why)
        self.status.decided(close, decisions, decider.undecided)
        if any(decision.action for decision in decisions) and (account := await self._seen_since(close.close_ms)):
            await self._enter(close, decisions, account)
        if close.histories:
            self._keep_bars(close.histories)

    async def _seen_since(self, close_ms: int) -> AccountState | None:
        """The account as it was after a close; None where the venue does not tell: then nothing is entered on it."""
        if self._seen_ms < close_ms:
            async with self._looking:
                is_seen = self._seen_ms >= close_ms
            if not is_seen:
                await self._look()
        if self._seen_ms < close_ms:
            self._parts.folder.tell(
                "error", {"what": "account", "reason": "it was not seen since the close: nothing is entered on it"}
            )
            return None
        return self._account

    async def _enter(self, close: Close, decisions: list[Decision], account: AccountState) -> None:
        parts = self._parts
        open_trades = parts.executor.journal.trades(is_open=True)
        allocation = allocate(
            decisions,
            account,
            shares_held(granted_shares(open_trades), account),
            parts.rules,
            parts.deployment.portfolio,
            prices={symbol: bar.close for symbol, bar in close.bars.items()},
            interval_ms=parts.deployment.interval_ms,
            no_entry=close.no_entry or parts.folder.trouble or self._expired(close.close_ms),
            enters_until_ms=parts.deployment.expires_ms,
        )
        for decision, reason in allocation.denied:
            parts.folder.tell("denied", {"symbol": decision.symbol, "close_ms": close.close_ms, "reason": reason})
        kept = self._allowed(allocation.entries, account, open_trades)
        if kept:
            try:
                self.status.entered(await self._seen_to(parts.executor.enter(kept)))
            except VenueRefused as error:  # of a question beside the orders, which the next look asks again
                parts.folder.tell("error", {"what": "entering", "reason": str(error)})
            self._wake.set()

    async def _seen_to(self, entering: Coroutine[Any, Any, dict[str, str]]) -> dict[str, str]:
        """Orders that were sent are seen to, also where somebody says stop meanwhile."""
        task = asyncio.create_task(entering)
        self._entering.add(task)
        try:
            return await asyncio.shield(task)
        finally:
            if task.done():
                self._entering.discard(task)

    async def _come_to_rest(self) -> None:
        """Nobody looks any more after this: what was sent comes to its end, and what it filled gets its stop."""
        executor = self._parts.executor
        try:
            async with asyncio.timeout(REST_S * self._parts.folder.pace):
                await together(tuple(self._entering))
                while executor.is_unsure or executor.unprotected:
                    await executor.reconcile_all()
                    await asyncio.sleep(SOON_S * self._parts.folder.pace)
        except (TimeoutError, VenueRefused) as error:
            bare = ", ".join(executor.unprotected) or "none"
            rest = ", ".join(str(row["symbol"]) for row in executor.resting()) or "none"
            reason = (
                f"it ends with orders that were not answered, or without a stop (positions: {bare}; entries that may "
                f"rest still, and be filled without one: {rest}): {error!r}"
            )
            self._parts.folder.tell("error", {"what": "stop", "reason": reason})

    def _expired(self, close_ms: int) -> str | None:
        """Why a bundle whose time is over enters nothing; what is open is seen to its end."""
        expires_ms = self._parts.deployment.expires_ms
        return f"the bundle expired at {stamp(expires_ms)}; deploy a new one" if close_ms >= expires_ms else None

    def _allowed(self, entries: list[Entry], account: AccountState, open_trades: Sequence[Trade]) -> list[Entry]:
        """Those that the limits let pass."""
        worth = {trade.symbol: trade.size_base * trade.reference_price for trade in open_trades}
        kept, _ = self._parts.risk.allow(entries, account, worth) if entries else ([], [])
        return kept

    async def _obey(self) -> None:
        """Commands as they come; one that takes long holds up no other, and stop is done at once."""
        control = self._parts.control
        async for command in control.commands():
            if command.verb == "stop":
                self._parts.executor.end_entries()
                control.reply(command, {"said": "it stops; positions and their stops stay"})
                self._stop.set()
                continue
            task = asyncio.create_task(self._do(command))
            self._obeyed.add(task)
            task.add_done_callback(self._obeyed.discard)

    async def _do(self, command: Command) -> None:
        await self._obedience.obey(command)
        self._wake.set()

    def _hear(self, kind: str, fields: Mapping[str, Any]) -> None:
        """What the parts tell, as far as limits ask for it."""
        if kind == "order_sent":
            self._parts.risk.on_order()
        elif kind == "order_unknown":
            self._failures.append(f"an order for {fields.get('symbol')} was not answered")
        elif kind == "exit" and str(fields.get("why", "")).startswith("over"):
            self._left.add(str(fields["symbol"]))

    def _tell_risk_of_exits(self) -> None:
        """What trades that are over have earned; of every symbol after a start, since the last one may not have."""
        for symbol in sorted(self._left):
            last = self._parts.executor.last_exit(symbol)
            if last is not None:
                self._parts.risk.on_exit(symbol, float(last["result_quote"]), int(last["exit_ms"]))
        self._left.clear()


async def _ended(tasks: list[asyncio.Task[Any]]) -> None:
    """Cancel what still runs, and wait for its end."""
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
