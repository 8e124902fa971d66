"""The bot's loop on virtual time: a tape through paper fills, and an exchange that fails, halts and is told to stop."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.live.deployments import deployment
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.core.costs import Costs, Instrument
from tradsys.core.errors import HaltError
from tradsys.core.json_text import read_json
from tradsys.core.time import to_ms, ts_ms
from tradsys.live.account.equity_history import read_equity
from tradsys.live.account.folder import AccountFolder
from tradsys.live.bars.feed import BarFeed
from tradsys.live.bot import Bot, BotParts
from tradsys.live.control import Command, Control
from tradsys.live.deciding import Decider
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.executor import OrderExecutor
from tradsys.live.intents import IntentJournal
from tradsys.live.outside.providers import outside_sources
from tradsys.live.risk.limits import RiskLimits
from tradsys.live.risk.risk import Risk
from tradsys.live.venue import AccountState, Hint, OrderRequest, Venue, VenueOrder, VenueRefused, VenueUnknown
from tradsys.live.venues.paper import PaperVenue
from tradsys.live.venues.paper_rules import PaperRules
from tradsys.live.venues.tape import BarTape
from tradsys.predictor import Predictor

HOUR_MS = 3_600_000
N_HOURS = 72
SYMBOL = "A"
PACE = 75.0
"""Seconds of the tape in one of the bot: it looks at an hourly bar a dozen times."""

type During = Callable[["Session"], Awaitable[None]]


class Session:
    """One bot over a tape, from `n_hours` before its end."""

    def __init__(self, folder: Path, bars: pl.DataFrame, predictor: Predictor, clock: LoopClock, limits: RiskLimits):
        self.expires_ms = 1_790_000_000_000
        self.portfolio = deployment().portfolio
        self.first_ms = 0
        self.clock, self.told = clock, list[tuple[str, dict[str, Any]]]()
        self.tape = BarTape({SYMBOL: bars}, clock, instruments=Instrument(tick=0.01, lot=0.001))
        self.venue: Venue = PaperVenue(self.tape, PaperRules(Costs(slippage_bps=1.0)), HOUR_MS)
        self.folder, self.predictor, self.limits, self.pace = folder, predictor, limits, PACE

    async def run(self, during: During) -> None:
        """The bot, until `during` is over and somebody has said stop."""
        deployed = deployment(symbols=(SYMBOL,), created_ms=1, expires_ms=self.expires_ms, portfolio=self.portfolio)
        account = AccountFolder(self.folder, self.clock, money="tape", venue="tape", pace=self.pace)
        with account:
            journal = IntentJournal(account.journal)
            account.listen(lambda kind, fields: self.told.append((kind, dict(fields))))
            tell = account.tell
            self.rules = dict(await self.venue.markets([SYMBOL]))
            self.control = Control(account.path, tell, pace=self.pace)
            self.risk = Risk(self.limits, journal, self.clock, tell)
            self.executor = OrderExecutor(
                self.venue,
                journal,
                self.clock,
                ExecutionRules("test"),
                markets=self.rules,
                tell=tell,
                halt=self.risk.halt,
            )
            outside = outside_sources(deployed, self.venue, tell=tell)
            feed = BarFeed(
                self.venue, [SYMBOL], HOUR_MS, self.clock, tell=tell, on_hint=lambda hint: self.bot.hint(hint)
            )

            async def reload() -> dict[str, Any]:
                return {}

            self.bot = Bot(
                BotParts(
                    deployment=deployed,
                    venue=self.venue,
                    feed=feed,
                    decider=Decider(self.predictor, deployed, "b" * 64, tell=tell, outside=outside),
                    outside=outside,
                    executor=self.executor,
                    risk=self.risk,
                    folder=account,
                    control=self.control,
                    clock=self.clock,
                    rules=self.rules,
                    about={"account": "test"},
                    reload=reload,
                )
            )
            running, other = asyncio.create_task(self.bot.run()), asyncio.create_task(during(self))
            try:
                await asyncio.wait([running, other], return_when=asyncio.FIRST_EXCEPTION)
                for task in (other, running):
                    if task.done():
                        task.result()
            finally:
                for task in (running, other):
                    task.cancel()
                await asyncio.wait([running, other])
                self.trades = self.executor.trades()
                journal.close()

    def fields(self, kind: str) -> list[dict[str, Any]]:
        return [fields for told, fields in self.told if told == kind]

    async def until_close(self, n: int) -> None:
        """Some minutes after the n-th close that the bot lives through."""
        await self.tape._until(self.first_ms + n * HOUR_MS + 120_000)


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory, bars: pl.DataFrame, predictor: Predictor) -> Callable[..., Session]:
    """Runs a session, and gives it back when it is over."""

    def run(during: During, *, limits: RiskLimits = RiskLimits(), spoil: Callable[[Session], None] = lambda _: None):
        frame = bars.drop("symbol", strict=False).head(1_200)
        start_ms = int(ts_ms(frame)[-N_HOURS])
        session: Session

        async def main(clock: LoopClock) -> None:
            nonlocal session
            session = Session(tmp_path_factory.mktemp("live") / "test", frame, predictor, clock, limits)
            session.first_ms = start_ms
            spoil(session)
            await session.run(during)

        try:
            run_virtual(main, epoch_ms=start_ms + 60_000)
        except HaltError as error:
            session.told.append(("ended", {"why": str(error)}))
        return session

    return run


@pytest.fixture(scope="module")
def whole(play) -> Session:
    """A session that nothing disturbed."""
    return play(to_the_end)


async def to_the_end(session: Session) -> None:
    await session.tape.over()
    await asyncio.sleep(60)
    session.control.push(Command("stop"))


def test_it_decides_at_every_close_as_the_batch_does_and_trades_whenever_it_is_free(whole, bars, predictor) -> None:
    session = whole
    rows = predictor.decide_many(bars.drop("symbol", strict=False).head(1_200))
    actions = {to_ms(start): action for start, action in zip(rows["start"], rows["action"], strict=True)}
    decided = {fields["close_ms"]: fields["action"] for fields in session.fields("decision")}
    assert len(decided) == N_HOURS
    assert decided == {close: actions[close] for close in decided}
    assert len(session.trades) > 5
    assert all(trade["side"] == actions[trade["decided_ms"]] for trade in session.trades)
    entered = {trade["decided_ms"] for trade in session.trades}
    denied = {fields["close_ms"] for fields in session.fields("denied")}
    assert {close for close, action in decided.items() if action} == entered | denied


def test_a_trade_ends_at_its_target_its_stop_or_its_time(whole) -> None:
    closed = [trade for trade in whole.trades if not trade["is_open"]]
    assert {trade["exit_reason"] for trade in closed} >= {"target", "stop"}
    for trade in closed:
        assert trade["exit_ms"] <= trade["deadline_ms"] + HOUR_MS
        moved = trade["side"] * (trade["exit_price"] - trade["entry_price"])
        if trade["exit_reason"] == "target":
            assert moved > 0
        if trade["exit_reason"] == "stop":
            assert moved < 0


def test_told_to_stop_it_leaves_position_and_stop_at_the_venue(play) -> None:
    async def during(session: Session) -> None:
        while not (await session.venue.account()).positions:
            await asyncio.sleep(600)
        await asyncio.sleep(30)
        session.control.push(Command("stop"))

    left: list[Any] = []

    async def look(session: Session) -> None:
        await during(session)
        left.extend(await session.venue.open_orders())

    session = play(look)
    assert [order.kind for order in left if order.is_reduce_only].count("stop") == 1
    assert session.trades[-1]["is_open"]
    assert session.told[-1][0] == "stopped"


def test_told_to_stop_while_an_entry_is_on_its_way_it_leaves_no_position_without_a_stop(play) -> None:
    left: list[Any] = []

    async def during(session: Session) -> None:
        while not session.fields("order_sent"):
            await asyncio.sleep(1)
        session.control.push(Command("stop"))
        while session.told[-1][0] != "stopped":
            await asyncio.sleep(1)
        await asyncio.sleep(60)
        left.extend((await session.venue.account()).positions)
        left.extend(order.kind for order in await session.venue.open_orders() if order.is_reduce_only)

    def spoil(session: Session) -> None:
        place = session.venue.place

        async def after_a_while(order: OrderRequest) -> VenueOrder:
            await asyncio.sleep(0 if order.is_reduce_only else 30)
            return await place(order)

        async def on_its_way(order: OrderRequest) -> VenueOrder:
            return await asyncio.shield(asyncio.create_task(after_a_while(order)))

        session.venue.place = on_its_way  # type: ignore[method-assign]

    session = play(during, spoil=spoil)
    assert len(session.trades) == 1
    assert left[0].symbol == SYMBOL
    assert left[1:].count("stop") == 1
    assert not [fields for fields in session.fields("error") if fields.get("what") == "stop"]


def test_told_to_stop_it_sends_no_lost_entry_again(play) -> None:
    sent: list[OrderRequest] = []

    def spoil(session: Session) -> None:
        async def lost(order: OrderRequest) -> VenueOrder:
            sent.append(order)
            if len(sent) == 1:
                session.control.push(Command("stop"))
            raise VenueUnknown("no answer in time")

        session.venue.place = lost  # type: ignore[method-assign]

    async def during(session: Session) -> None:
        while session.told[-1][0] != "stopped":
            await asyncio.sleep(1)

    play(during, spoil=spoil)
    assert len(sent) == 1


def test_a_flatten_leaves_nothing_and_enters_nothing_until_resume(play) -> None:
    async def during(session: Session) -> None:
        await session.until_close(20)
        session.control.push(Command("flatten"))
        await asyncio.sleep(900)
        assert not (await session.venue.account()).positions
        assert not await session.venue.open_orders()
        await session.until_close(40)
        assert not session.executor.trades(is_open=True)
        n_before = len(session.executor.trades())
        session.control.push(Command("resume"))
        await session.until_close(60)
        assert len(session.executor.trades()) > n_before
        session.control.push(Command("stop"))

    play(during)


def test_a_halted_account_is_left_and_the_end_says_so(play) -> None:
    async def during(session: Session) -> None:
        await session.until_close(20)
        session.risk.halt("somebody looked and did not like it")
        await asyncio.sleep(900)
        assert not (await session.venue.account()).positions
        await session.until_close(40)
        assert not session.executor.trades(is_open=True)
        session.control.push(Command("stop"))

    session = play(during)
    assert "halted: somebody looked" in session.told[-1][1]["why"]


def test_a_loss_beyond_its_limit_ends_entries(play, whole) -> None:
    held = play(to_the_end, limits=RiskLimits(daily_loss=0.0005))
    assert {fields["cause"] for fields in held.fields("state") if "cause" in fields} >= {"daily_loss"}
    assert 0 < len(held.trades) < len(whole.trades)
    assert any("check" in fields for fields in held.fields("denied"))


def test_a_loss_whose_rest_a_crash_forgot_is_found_in_the_journal(play) -> None:
    limits, found = RiskLimits(cooldown_s=10 * 3_600.0), dict[str, int]()

    async def during(session: Session) -> None:
        while not (last := session.executor.last_exit(SYMBOL)) or last["result_quote"] >= 0:
            await asyncio.sleep(600)
        session.executor.journal.set_flag("risk.cooldown", None)
        risk = Risk(limits, session.executor.journal, session.clock, lambda *_: None)
        assert risk._cooldowns.until_ms == {}
        Bot(replace(session.bot._parts, risk=risk))._tell_risk_of_exits()
        found.update(risk._cooldowns.until_ms, exit_ms=last["exit_ms"])
        session.control.push(Command("stop"))

    play(during)
    assert found[SYMBOL] == found["exit_ms"] + 10 * HOUR_MS


@pytest.mark.parametrize("error", [VenueUnknown("nobody answers"), VenueRefused("the key was taken back")])
def test_without_an_answer_about_the_account_nothing_is_entered_until_there_is_one(play, error) -> None:
    def spoil(session: Session) -> None:
        account = session.venue.account

        async def silent() -> AccountState:
            if 20 * HOUR_MS < session.clock.now_ms() - session.first_ms < 40 * HOUR_MS:
                raise error
            return await account()

        session.venue.account = silent

    session = play(to_the_end, spoil=spoil)
    dark = [trade for trade in session.trades if 20 * HOUR_MS < trade["decided_ms"] - session.first_ms < 40 * HOUR_MS]
    assert not dark
    assert any(fields.get("what") == "account" for fields in session.fields("error"))
    assert any(trade["decided_ms"] - session.first_ms > 40 * HOUR_MS for trade in session.trades)


def test_a_bundle_that_expires_on_the_way_enters_nothing_more_and_sees_to_what_is_open(play) -> None:
    def spoil(session: Session) -> None:
        session.expires_ms = session.first_ms + 30 * HOUR_MS

    session = play(to_the_end, spoil=spoil)
    assert session.trades
    assert all(trade["decided_ms"] < session.expires_ms and not trade["is_open"] for trade in session.trades)
    assert any("expired" in str(fields.get("reason")) for fields in session.fields("denied"))


def test_the_account_is_asked_for_once_a_look_and_beside_the_bars_of_a_close(play) -> None:
    asked: dict[str, list[int]] = {"account": [], "open_orders": []}

    def spoil(session: Session) -> None:
        for name, times in asked.items():
            ask = getattr(session.venue, name)

            async def told(ask: Any = ask, times: list[int] = times) -> Any:
                times.append(session.clock.now_ms())
                return await ask()

            setattr(session.venue, name, told)

    session = play(to_the_end, spoil=spoil)
    n_acted = sum(kind in ("order_sent", "cancelled", "exit") for kind, _ in session.told)
    assert len(session.trades) > 5
    assert len(asked["account"]) <= len(asked["open_orders"]) + n_acted
    closes = [session.first_ms + n * HOUR_MS for n in range(1, N_HOURS)]
    began = [min(at for at in asked["open_orders"] if at >= close) - close for close in closes]
    assert set(began) == {0}, "the stream's hint begins it, and not the timer after it"
    timed = [sum(0 < at - close < 60_000 for at in asked["open_orders"]) for close in closes]
    assert timed.count(0) > N_HOURS // 2, "and the timer begins no second one"


def test_a_hint_of_a_closed_bar_begins_one_look_and_one_that_comes_early_none(play) -> None:
    woke: list[bool] = []

    async def during(session: Session) -> None:
        await session.until_close(5)
        close_ms = session.first_ms + 5 * HOUR_MS
        for began_ms, bar_ms in (
            (close_ms, close_ms - HOUR_MS),
            (close_ms, close_ms),
            (close_ms - 1, close_ms - HOUR_MS),
        ):
            session.bot._wake.clear()
            session.bot._began_ms = began_ms
            session.bot.hint(Hint("bar", SYMBOL, bar_ms))
            woke.append(session.bot._wake.is_set())
        session.control.push(Command("stop"))

    play(during)
    assert woke == [False, False, True], "looked at already; not over yet; closed since the last look"


def test_an_order_without_an_answer_counts_as_an_error_once(play) -> None:
    errors: list[str] = []

    async def during(session: Session) -> None:
        session.risk.on_error = errors.append
        session.bot._hear("order_unknown", {"symbol": SYMBOL})
        await session.until_close(2)
        session.control.push(Command("stop"))

    play(during)
    assert errors == [f"an order for {SYMBOL} was not answered"]


@pytest.mark.parametrize(("is_left_over", "longest_ms"), [(False, 2_000), (True, 500)])
def test_while_calls_fail_looks_come_ever_later_but_a_leg_left_over_is_not_kept_waiting(
    play, is_left_over, longest_ms
) -> None:
    began = list[int]()

    def spoil(session: Session) -> None:
        session.pace = 1.0

    async def during(session: Session) -> None:
        async def silent() -> AccountState:
            began.append(session.clock.now_ms())
            raise VenueUnknown("nobody answers")

        await asyncio.sleep(60)
        session.venue.account = silent  # type: ignore[method-assign]
        if is_left_over:
            session.executor._notices.orphaned.add("elsewhere")
        session.bot._wake.set()
        await asyncio.sleep(60)
        session.control.push(Command("stop"))

    play(during, spoil=spoil)
    assert max(after - before for before, after in itertools.pairwise(began)) == longest_ms


def test_its_status_is_whole_and_says_when_it_ended(whole) -> None:
    session = whole
    status = read_json((session.folder / "status.json").read_bytes())
    assert status["is_running"] is False
    assert status["account"] == "test"
    assert status["last_close_ms"] == session.first_ms + N_HOURS * HOUR_MS
    assert status["account_state"]["equity_quote"] > 0
    assert SYMBOL in status["decisions"]
    assert status["risk"]["n_unprotected"] == 0
    assert status["risk"]["limits"]["max_drawdown"] == RiskLimits().max_drawdown


def test_what_it_was_worth_is_kept_over_time(whole) -> None:
    points = read_equity(whole.folder)
    assert len(points) > N_HOURS
    assert points[-1].at_ms <= whole.first_ms + N_HOURS * HOUR_MS + 120_000
    assert len({point.equity_quote for point in points}) > 10


def test_kept_bars_that_cannot_be_read_keep_nothing_from_being_traded(play) -> None:
    def spoil(session: Session) -> None:
        session.folder.mkdir()
        (session.folder / "bars.parquet").write_bytes(b"PAR1 and then a crash")

    async def until_stopped(session: Session) -> None:
        await session.until_close(2)
        session.control.push(Command("stop"))

    session = play(until_stopped, spoil=spoil)
    (told,) = [fields for fields in session.fields("error") if "bars for a replay" in str(fields["what"])]
    assert "bars.parquet cannot be read" in told["reason"] and session.fields("decision")
