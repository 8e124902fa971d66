"""The bot's loop with entries that rest in the book, over a tape: as in the batch, calm meanwhile, and gone with it."""

import asyncio
from collections import Counter
from contextlib import closing
from dataclasses import replace
from errno import ENOSPC
from itertools import count
from pathlib import Path

import pytest
from tests.live.deployments import deployment
from tests.live.test_bot import HOUR_MS, SYMBOL, Session, play, to_the_end

from tradsys.cli.trade_standing import standing
from tradsys.cli.trade_text import trades_text
from tradsys.core.limit_entry import LimitEntry
from tradsys.core.time import stamp
from tradsys.live.account.folder import JOURNAL
from tradsys.live.account.looked import trades_of, unfilled_of
from tradsys.live.control import Command
from tradsys.live.intents import IntentJournal
from tradsys.live.replay.lived import lived_trades, never_taken, unfilled_orders
from tradsys.live.replay.replaying import AccountReplay, replay
from tradsys.live.venue import OrderRefused, OrderRequest, VenueOrder, VenueUnknown

__all__ = ["play"]

ENTRY = LimitEntry(0.3, 3)


def resting(session: Session) -> None:
    """Entries rest for three bars, three tenths of the way to the stop."""
    session.portfolio = replace(deployment().portfolio, entry=ENTRY)


def ended(folder: Path) -> Counter[str | None]:
    with closing(IntentJournal.reading(folder / JOURNAL)) as journal:
        return Counter(trade.ended for trade in journal.trades(is_open=False))


async def until_one_rests(session: Session) -> None:
    """Some minutes into the life of an entry that rests."""
    while True:
        await asyncio.sleep(60)
        if session.executor.resting() and session.executor.calm is not None:
            return


def replayed(session: Session, bars, predictor) -> AccountReplay:
    frame = bars.drop("symbol", strict=False).head(1_200)
    with closing(IntentJournal.reading(session.folder / JOURNAL)) as journal:
        now_ms = session.clock.now_ms()
        lived, unfilled = lived_trades(journal, now_ms=now_ms), unfilled_orders(journal, now_ms=now_ms)
        untaken = never_taken(journal)
    return replay(
        lived,
        predictor,
        {SYMBOL: frame},
        deployment(symbols=(SYMBOL,), portfolio=session.portfolio, created_ms=1),
        start_ms=session.first_ms + HOUR_MS,
        end_ms=session.tape.end_ms,
        instruments=session.tape._instruments,
        denied=[*((one["symbol"], one["close_ms"]) for one in session.fields("denied")), *untaken],
        unfilled=unfilled,
    )


def test_a_session_takes_the_actions_of_the_batch_and_the_replay_counts_what_was_missed(play, bars, predictor) -> None:
    session = play(to_the_end, spoil=resting)
    found = replayed(session, bars, predictor)
    assert set(found.causes) <= {"same", "time_exit", "gap_exit"}
    assert found.causes["same"] > 0.8 * len(found.trades) > 8
    account, simulation = found.missed
    assert account == simulation > 0
    unfilled = unfilled_of(session.folder)
    assert unfilled == {why: n for why, n in ended(session.folder).items() if why} and unfilled["missed"] >= account
    told = trades_text({"account": "test", "trades": trades_of(session.folder), "unfilled": unfilled})
    assert f"limit entries that nobody filled: {unfilled['missed']} missed" in told.splitlines()[-1]
    assert len(trades_of(session.folder)) == len(session.trades)
    assert f"limit orders that nobody filled: {account} of the account, {account} of the simulation" in "\n".join(
        found.lines
    )
    assert session.trades and all(trade["entry_price"] == trade["reference_price"] for trade in session.trades)


def test_while_an_entry_rests_the_account_is_asked_no_oftener_than_without_one(play) -> None:
    asked, n_in_the_hour = [], []

    async def during(session: Session) -> None:
        await until_one_rests(session)
        n_before, began_ms = len(asked), session.clock.now_ms()
        while session.executor.resting() and session.clock.now_ms() < began_ms + HOUR_MS // 2:
            await asyncio.sleep(30)
        n_in_the_hour.append((len(asked) - n_before) * HOUR_MS / (session.clock.now_ms() - began_ms))
        session.control.push(Command("stop"))

    def spoil(session: Session) -> None:
        resting(session)
        ask = session.venue.open_orders

        async def counted():
            asked.append(session.clock.now_ms())
            return await ask()

        session.venue.open_orders = counted

    play(during, spoil=spoil)
    assert n_in_the_hour[0] <= 24, "every 300 s at this pace, and at the close"


@pytest.mark.parametrize("verb", ["stopentry", "flatten"])
def test_nothing_rests_a_second_after_somebody_said_that_nothing_may_be_entered(play, verb: str) -> None:
    async def during(session: Session) -> None:
        await until_one_rests(session)
        assert [order.kind for order in await session.venue.open_orders()] == ["limit"]
        session.control.push(Command(verb))
        await asyncio.sleep(1.0 * session.pace)
        assert await session.venue.open_orders() == []
        session.control.push(Command("stop"))

    session = play(during, spoil=resting)
    assert ended(session.folder)["withdrawn"] == 1


def test_told_to_stop_it_takes_back_what_rests_before_it_ends_in_good_order(play) -> None:
    left: list[object] = []

    async def during(session: Session) -> None:
        await until_one_rests(session)
        session.control.push(Command("stop"))
        while session.told[-1][0] != "stopped":
            await asyncio.sleep(1)
        left.extend(await session.venue.open_orders())

    session = play(during, spoil=resting)
    assert left == [] and ended(session.folder)["withdrawn"] == 1
    assert not session.fields("error") and session.told[-1][0] == "stopped"


def test_nothing_rests_beyond_the_end_of_the_bundle(play) -> None:
    async def during(session: Session) -> None:
        await session.tape._until(session.expires_ms + 600_000)
        assert not session.executor.resting()
        assert all(order.is_reduce_only for order in await session.venue.open_orders())
        session.control.push(Command("stop"))

    def spoil(session: Session) -> None:
        session.portfolio = replace(deployment().portfolio, entry=LimitEntry(0.95, 6))
        session.expires_ms = session.first_ms + 30 * HOUR_MS + HOUR_MS // 2

    session = play(during, spoil=spoil)
    with closing(IntentJournal.reading(session.folder / JOURNAL)) as journal:
        until = [trade.rests_until_ms for trade in journal.trades()]
    assert len(until) > 3 and max(until) == session.expires_ms


def test_it_is_taken_back_within_a_second_of_its_time_though_no_bar_closes_then(play) -> None:
    async def during(session: Session) -> None:
        await session.tape._until(session.expires_ms + 600_000)
        session.control.push(Command("stop"))

    def spoil(session: Session) -> None:
        session.portfolio = replace(deployment().portfolio, entry=LimitEntry(0.95, 6))
        session.expires_ms = session.first_ms + 30 * HOUR_MS + 1_234_567

    session = play(during, spoil=spoil)
    with closing(IntentJournal.reading(session.folder / JOURNAL)) as journal:
        missed = [trade for trade in journal.trades() if trade.ended == "missed"]
    assert any(trade.rests_until_ms == session.expires_ms for trade in missed)
    assert all(trade.closed_ms - trade.rests_until_ms <= 1_000 for trade in missed)


def test_a_bot_that_cannot_take_it_back_says_at_its_end_what_may_rest_still(play) -> None:
    async def during(session: Session) -> None:
        await until_one_rests(session)

        async def mute(*of: object) -> None:
            raise VenueUnknown("no answer in time")

        session.venue.cancel = mute
        session.control.push(Command("stop"))

    (error,) = [one for one in play(during, spoil=resting).fields("error") if one["what"] == "stop"]
    assert f"entries that may rest still, and be filled without one: {SYMBOL})" in error["reason"]


def test_it_is_taken_back_while_the_disk_takes_no_status(play, monkeypatch) -> None:
    async def during(session: Session) -> None:
        await until_one_rests(session)
        with monkeypatch.context() as full:
            full.setattr("tradsys.live.account.folder.write_status", disk_is_full)
            await asyncio.sleep(6 * session.pace)
            assert await session.venue.open_orders() == [] and session.executor.why_no_entry()
        await asyncio.sleep(6 * session.pace)
        assert session.executor.why_no_entry() is None
        session.control.push(Command("stop"))

    def disk_is_full(*of: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    assert ended(play(during, spoil=resting).folder)["withdrawn"] == 1


def test_the_replay_says_of_orders_that_the_venue_refused_that_they_were_not_taken(play, bars, predictor) -> None:
    def spoil(session: Session) -> None:
        resting(session)
        place, n_entries = session.venue.place, count()

        async def refused_now_and_then(order: OrderRequest) -> VenueOrder:
            if not order.is_reduce_only and next(n_entries) % 4 == 1:
                raise OrderRefused("-4024 Limit price can't be lower than it is.")
            return await place(order)

        session.venue.place = refused_now_and_then

    session = play(to_the_end, spoil=spoil)
    causes = replayed(session, bars, predictor).causes
    assert ended(session.folder)["refused"] > 2 and causes["not_entered"] > 2 and not causes["unexplained"]


def test_the_status_says_what_rests_where_and_until_when(play) -> None:
    said: list[str] = []
    rows: list[dict] = []

    async def during(session: Session) -> None:
        await until_one_rests(session)
        rows.extend(session.bot.status.values()["resting"])
        said.extend(standing(session.bot.status.values()))
        session.control.push(Command("stopentry"))
        await asyncio.sleep(session.pace)
        assert "resting" not in session.bot.status.values()
        session.control.push(Command("stop"))

    play(during, spoil=resting)
    (row,) = rows
    assert row["rests_until_ms"] == row["decided_ms"] + 3 * HOUR_MS
    (line,) = [one for one in said if one.startswith("rests: ")]
    assert line.startswith(f"rests: {'buys' if row['side'] > 0 else 'sells'} ")
    assert f" {SYMBOL} at " in line and line.endswith(f"until {stamp(row['rests_until_ms'])}")
