"""Verbs on a bot that holds a position at the exchange's model: what each leaves behind, and what is refused."""

import asyncio

import pytest
from tests.live.execution.world import PRICE, SYMBOL, an_entry, in_world

from tradsys.core.errors import ConfigError
from tradsys.live.control import Command, Control
from tradsys.live.obeying import Obedience
from tradsys.live.risk.limits import RiskLimits
from tradsys.live.risk.risk import Risk
from tradsys.live.state import TradingState
from tradsys.live.venue import VenueUnknown


def obeying(check, folder):
    """Runs the check on a world with an obedient bot."""

    async def main(world):
        risk = Risk(RiskLimits(), world.journal, world.clock, lambda *_: None)
        control = Control(folder, lambda *_: None)

        async def reload():
            return {"said": "nothing changed"}

        bot = Obedience(
            control, world.executor, risk, world.venue, world.clock, status=lambda: {"state": "active"}, reload=reload
        )
        await check(world, bot, risk)

    in_world(main)


async def told(bot, verb, argument=""):
    return await bot.answer(Command(verb, argument))


def test_stopentry_denies_entries_until_resume_and_is_kept(tmp_path):
    async def check(world, bot, risk):
        await told(bot, "stopentry")
        world.anew()
        executor = await world.ready()
        assert (await executor.enter([an_entry(world.clock)]))[SYMBOL] == "denied: stopentry: stopentry by command"
        assert (await told(bot, "resume"))["said"] == "it enters again"
        assert (await executor.enter([an_entry(world.clock)]))[SYMBOL] == "filled"
        assert (await told(bot, "resume"))["said"].startswith("nothing was stopped")

    obeying(check, tmp_path)


@pytest.mark.parametrize("symbol", [SYMBOL, "all"])
def test_forceexit_leaves_the_symbol_and_entries_go_on(tmp_path, symbol):
    async def check(world, bot, risk):
        await world.executor.enter([an_entry(world.clock)])
        assert await told(bot, "forceexit", symbol) == {"symbols": [SYMBOL], "said": f"left: {SYMBOL}"}
        assert world.held() == 0
        assert world.stops() == world.limits() == []
        await asyncio.sleep(1)
        assert (await world.executor.enter([an_entry(world.clock)]))[SYMBOL] == "filled"

    obeying(check, tmp_path)


def test_forceexit_of_what_is_not_held_names_what_is(tmp_path):
    async def check(world, bot, risk):
        with pytest.raises(ConfigError, match="no open trade in ETHUSDT: none is open"):
            await told(bot, "forceexit", "ETHUSDT")
        await world.executor.enter([an_entry(world.clock)])
        with pytest.raises(ConfigError, match=f"no open trade in ETHUSDT: open are {SYMBOL}"):
            await told(bot, "forceexit", "ETHUSDT")
        assert world.held() == 0.01

    obeying(check, tmp_path)


def test_flatten_leaves_nothing_within_ten_seconds_and_stops_entries(tmp_path):
    async def check(world, bot, risk):
        await world.executor.enter([an_entry(world.clock)])
        began = world.clock.now_ms()
        assert (await told(bot, "flatten"))["is_done"] is True
        assert world.clock.now_ms() - began < 10_000
        assert world.held() == 0
        assert world.stops() == world.limits() == []
        assert (await world.executor.enter([an_entry(world.clock)]))[SYMBOL].startswith("denied: stopentry: flatten")

    obeying(check, tmp_path)


def test_kill_flattens_and_halts_and_nothing_resumes_while_the_file_is_there(tmp_path):
    async def check(world, bot, risk):
        await world.executor.enter([an_entry(world.clock)])
        (tmp_path / "KILL").touch()
        assert (await told(bot, "kill"))["is_done"] is True
        assert world.held() == 0
        assert risk.state is TradingState.HALTED
        with pytest.raises(ConfigError, match="the file KILL is in the account's folder"):
            await told(bot, "resume")
        assert risk.state is TradingState.HALTED
        (tmp_path / "KILL").unlink()
        await told(bot, "resume")
        assert risk.state is TradingState.ACTIVE

    obeying(check, tmp_path)


def test_a_flatten_that_is_not_done_is_told_so_and_cannot_be_resumed(tmp_path):
    async def check(world, bot, risk):
        await world.executor.enter([an_entry(world.clock)])

        async def silent():
            raise VenueUnknown("no answer")

        world.venue.account = silent
        answer = await told(bot, "flatten")
        assert answer["is_done"] is False
        assert answer["said"].startswith("something is left still")
        with pytest.raises(ConfigError, match="everything is being left still"):
            await told(bot, "resume")
        del world.venue.account
        await world.run(5)
        assert world.held() == 0
        await told(bot, "resume")

    obeying(check, tmp_path)


def test_what_may_be_asked(tmp_path):
    async def check(world, bot, risk):
        await world.executor.enter([an_entry(world.clock)])
        world.exchange.move(SYMBOL, PRICE + 1_000)
        await world.executor.reconcile(SYMBOL)
        assert await told(bot, "status") == {"state": "active"}
        assert (await told(bot, "profit"))["all"]["n_won"] == 1
        assert (await told(bot, "balance"))["equity_quote"] == pytest.approx(world.exchange.books.wallet)
        assert [row["symbol"] for row in (await told(bot, "trades"))["trades"]] == [SYMBOL]
        assert await told(bot, "reload") == {"said": "nothing changed"}
        with pytest.raises(ConfigError, match=r"a bot knows status, profit.*found 'dance'"):
            await told(bot, "dance")

    obeying(check, tmp_path)


def test_an_error_is_an_answer_and_not_the_end_of_the_bot(tmp_path):
    async def check(world, bot, risk):
        await bot.obey(Command("dance", reply_to="1-a"))

    obeying(check, tmp_path)
    assert "found 'dance'" in (tmp_path / "control" / "1-a.answer").read_text()


@pytest.mark.parametrize("verb", ["stopentry", "forceexit", "flatten", "kill"])
def test_what_only_the_memory_keeps_is_said_to_be_lost_in_a_crash(tmp_path, verb):
    async def check(world, bot, risk):
        await world.executor.enter([an_entry(world.clock)])
        world.journal.trouble = "the disk is full"
        assert "a crash would forget it" in (await told(bot, verb, "all"))["said"]
        assert world.held() == (0.01 if verb == "stopentry" else 0.0)

    obeying(check, tmp_path)
