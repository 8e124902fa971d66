"""Commands from a chat: who may give them, what they do, and what a failing Telegram costs."""

import asyncio
import re
from dataclasses import asdict

import pytest
from aiohttp import web
from pydantic import SecretStr
from tests.live.canaries import Canary, assert_silent
from tests.live.risk.accounts import KeptFlags
from tests.live.virtual_time import run_virtual

from tradsys.core.errors import ConfigError, SourceError
from tradsys.live.account.scrub import Scrubber
from tradsys.live.notify import HttpTelegram, TelegramChat
from tradsys.live.venue import AccountState, CoinBalance, Position, SpotBalances

CHAT = "4711"


class Telegram:
    """Telegram without a network: updates wait until they are asked for, as on the real one."""

    def __init__(self, clock):
        self.clock, self.updates, self.sent, self.n_asked, self.fails = clock, [], [], 0, []

    def say(self, text, chat=CHAT, age_s=0):
        message = {"chat": {"id": int(chat)}, "text": text, "date": self.clock.now_ms() // 1_000 - age_s}
        self.updates.append({"update_id": 100 + len(self.updates), "message": message})

    async def call(self, method, params):
        if method == "sendMessage":
            if self.fails:
                raise self.fails.pop(0)
            self.sent.append((params["chat_id"], params["text"]))
            return {}
        self.n_asked += 1
        if self.fails:
            raise self.fails.pop(0)
        for _ in range(params["timeout"] * 10):
            if found := [update for update in self.updates if update["update_id"] >= params["offset"]]:
                return found
            await asyncio.sleep(0.1)
        return []


class Stage:
    """A chat with everything around it, on virtual time."""

    def __init__(self, clock, flags, command=None, **options):
        self.clock, self.telegram, self.flags = clock, Telegram(clock), flags
        self.done, self.told, self.commands = [], [], []
        tell = lambda kind, fields: (self.told if kind == "error" else self.commands).append(dict(fields))  # noqa: E731
        self.command = command or self.answer
        run = TelegramChat(self.telegram, CHAT, self.command, flags=flags, clock=clock, tell=tell, **options).run()
        self.task = asyncio.ensure_future(run)

    async def answer(self, verb, args):
        self.done.append((verb, args["by"]))
        return {"state": "active", "equity_quote": 1_234.5, "risk": {"n_errors": 0}}

    async def hear(self, text, wait_s=1.0, **options):
        """What the bot answers."""
        before = len(self.telegram.sent)
        self.telegram.say(text, **options)
        await asyncio.sleep(wait_s)
        return [text for _, text in self.telegram.sent[before:]]


def on_stage(play, flags=None, **options):
    async def main(clock):
        stage = Stage(clock, KeptFlags() if flags is None else flags, **options)
        try:
            return await play(stage)
        finally:
            stage.task.cancel()

    return run_virtual(main)


def test_each_verb_does_what_the_control_verb_does_and_is_answered():
    async def play(stage):
        answers = [await stage.hear(f"/{verb}") for verb in ("status", "profit", "balance", "stopentry", "resume")]
        assert [verb for verb, _ in stage.done] == ["status", "profit", "balance", "stopentry", "resume"]
        assert {by for _, by in stage.done} == {"telegram"}
        assert answers[0] == ["status:\nstate: active\nequity_quote: 1234.5\nrisk.n_errors: 0"]
        assert {chat for chat, _ in stage.telegram.sent} == {CHAT}

    on_stage(play)


def test_coins_of_a_spot_account_and_positions_stand_a_line_each_and_what_a_market_has_not_is_left_out():
    spot = SpotBalances(1_000.0, (CoinBalance("BTC/USDT", 0.02, 50_000.0), CoinBalance("ETH/USDT", 0.0, 3_000.0)))
    position = Position("BTC/USDT", 0.01, 49_000.0, 50_000.0, 10.0)
    account = AccountState(1_490.0, 10.0, 1_000.0, (position,), spot, unearned_quote=1_400.0)

    async def balance(verb, args):
        return asdict(account)

    async def play(stage):
        (answer,) = await stage.hear("/balance")
        lines = answer.splitlines()
        assert "spot.coins: symbol BTC/USDT, size_base 0.02, mark_price 50000" in lines
        assert "spot.coins: symbol ETH/USDT, size_base 0, mark_price 3000" in lines
        assert any(line.startswith("positions: symbol BTC/USDT, size_base 0.01, entry_price 49000") for line in lines)
        assert "{" not in answer

    on_stage(play, command=balance)

    async def positions_alone(stage):
        (answer,) = await stage.hear("/balance")
        assert "spot" not in answer and "None" not in answer

    async def of_positions(verb, args):
        return asdict(AccountState(1_000.0, 0.0, 1_000.0, (position,)))

    on_stage(positions_alone, command=of_positions)


@pytest.mark.parametrize("text", ["status", "STATUS", "/status@my_bot", " /status now"])
def test_a_verb_is_read_as_people_type_it(text):
    async def play(stage):
        await stage.hear(text)
        assert stage.done == [("status", "telegram")]

    on_stage(play)


@pytest.mark.parametrize("text", ["/start", "hello", "", "/reload", "/forceexit BTC"])
def test_other_words_do_nothing_and_are_answered_with_what_there_is(text):
    async def play(stage):
        assert await stage.hear(text) == ["commands: /status, /profit, /balance, /stopentry, /resume, /flatten"]
        assert stage.done == []

    on_stage(play)


class TestConfirmation:
    async def code(self, stage):
        (answer,) = await stage.hear("/flatten")
        assert stage.done == []
        return re.fullmatch(r"send (\d{6}) within 60 s to flatten", answer)[1]

    def test_flatten_is_done_when_its_code_comes_back_and_once(self):
        async def play(stage):
            code = await self.code(stage)
            assert (await stage.hear(code))[0].startswith("flatten:")
            assert await stage.hear(code) == ["nothing waits for this code"]
            assert stage.done == [("flatten", "telegram")]
            assert stage.commands == [{"verb": "flatten", "argument": "", "by": "telegram"}]

        on_stage(play)

    @pytest.mark.parametrize(("wait_s", "is_done"), [(58, True), (61, False)])
    def test_within_a_minute(self, wait_s, is_done):
        async def play(stage):
            code = await self.code(stage)
            await asyncio.sleep(wait_s)
            await stage.hear(code)
            assert bool(stage.done) is is_done

        on_stage(play)

    def test_three_wrong_codes_end_it(self):
        async def play(stage):
            code = await self.code(stage)
            for _ in range(3):
                assert await stage.hear(f"{(int(code) + 1) % 1_000_000:06}") == ["nothing waits for this code"]
            assert await stage.hear(code) == ["nothing waits for this code"]
            assert stage.done == []

        on_stage(play)

    def test_another_chat_cannot_confirm(self):
        async def play(stage):
            code = await self.code(stage)
            assert await stage.hear(code, chat="13") == []
            assert stage.done == []

        on_stage(play)

    def test_a_code_does_not_outlive_the_bot(self):
        flags = KeptFlags()
        code = on_stage(lambda stage: self.code(stage), flags)

        async def play(stage):
            stage.telegram.updates = [{"update_id": 100}]
            assert await stage.hear(code) == ["nothing waits for this code"]

        on_stage(play, flags)


def test_another_chat_is_ignored_and_told_of_once():
    async def play(stage):
        for _ in range(3):
            assert await stage.hear("/flatten", chat="13") == []
        assert await stage.hear("/status", chat="-14") == []
        assert stage.done == [] and stage.telegram.sent == []
        assert [told["reason"] for told in stage.told] == [
            "chat 13 is not allowed and was ignored",
            "chat -14 is not allowed and was ignored",
        ]

    on_stage(play)


def test_an_update_that_is_no_text_is_passed_over():
    async def play(stage):
        photo = {"chat": {"id": int(CHAT)}, "photo": [], "date": 0}
        stage.telegram.updates += [{"update_id": 100, "edited_message": {}}, {"update_id": 101, "message": photo}]
        assert (await stage.hear("/status"))[0].startswith("status:")

    on_stage(play)


def test_a_command_of_the_time_before_is_not_done():
    async def play(stage):
        assert await stage.hear("/stopentry", age_s=62) == [
            "stopentry was sent 62 s ago and was not done; send it again"
        ]
        assert stage.done == []
        await stage.hear("/stopentry", age_s=58)
        assert stage.done == [("stopentry", "telegram")]

    on_stage(play)


def test_a_command_is_not_done_again_after_a_restart():
    flags = KeptFlags()

    async def play(stage):
        await stage.hear("/resume")
        return stage.telegram.updates, stage.done

    updates, done = on_stage(play, flags)
    assert done == [("resume", "telegram")]

    async def again(stage):
        stage.telegram.updates = updates
        await asyncio.sleep(5)
        return stage.done

    assert on_stage(again, flags) == []


def test_a_command_that_fails_is_answered_and_the_chat_goes_on():
    async def fails(verb, args):
        if verb == "profit":
            raise ConfigError("no profit without trades")
        if verb == "balance":
            raise ValueError("something with a key in it")
        return {"state": "active"}

    async def play(stage):
        assert await stage.hear("profit") == ["not done: no profit without trades"]
        assert await stage.hear("balance") == ["failed: ValueError"]
        assert await stage.hear("status") == ["status:\nstate: active"]
        assert [told["reason"] for told in stage.told] == ["balance failed: ValueError"]

    on_stage(play, command=fails)


def test_a_long_command_holds_up_no_other():
    async def slow(verb, args):
        await asyncio.sleep(600 if verb == "profit" else 0)
        return {}

    async def play(stage):
        assert await stage.hear("profit") == []
        assert await stage.hear("status") == ["status:"]

    on_stage(play, command=slow)


def test_a_telegram_that_fails_is_asked_less_and_less_often_and_told_of_once():
    async def play(stage):
        stage.telegram.fails = [SourceError("Telegram did not do getUpdates: status 502")] * 20
        await asyncio.sleep(1_000)
        n_asked = stage.telegram.n_asked
        stage.telegram.fails.clear()
        await asyncio.sleep(61)
        assert (await stage.hear("/status"))[0].startswith("status:")
        return n_asked, stage.told

    n_asked, told = on_stage(play)
    assert 15 <= n_asked <= 25
    assert [one["reason"] for one in told] == ["Telegram did not do getUpdates: status 502"]


@pytest.mark.parametrize("answer", [None, 5, [{}], [{"update_id": "x"}], [{"update_id": 1, "message": {"text": "a"}}]])
def test_an_answer_that_is_no_list_of_updates_is_told_and_asked_for_again(answer):
    async def play(stage):
        asked = stage.telegram.call
        stage.telegram.call = lambda method, params: asyncio.sleep(0.1, answer)
        await asyncio.sleep(40)
        stage.telegram.call = asked
        await asyncio.sleep(61)
        assert (await stage.hear("/status"))[0].startswith("status:")
        assert "no list of updates" in stage.told[0]["reason"]

    on_stage(play)


def test_a_disk_that_is_full_ends_neither_the_chat_nor_does_it_do_commands_twice():
    flags = KeptFlags()

    async def play(stage):
        await asyncio.sleep(1)
        flags.is_full = True
        assert await stage.hear("/stopentry", wait_s=40) == []
        assert stage.done == [] and [told["reason"] for told in stage.told] == ["OSError"]

    on_stage(play, flags)


def test_answers_hold_no_secret():
    canary = Canary("api_secret")

    async def leaks(verb, args):
        return {"key": canary.text}

    async def play(stage):
        assert await stage.hear("status") == ["status:\nkey: ***"]

    on_stage(play, command=leaks, scrub=Scrubber([canary.text]).text)


TOKEN = Canary("telegram_token")


class TestHttp:
    def asked(self, handler, *, token=TOKEN.text.replace("/", "-")):
        """What one call gives on a server on loopback."""

        async def main():
            app = web.Application()
            app.add_routes([web.post("/bot{token}/{method}", handler)])
            runner = web.AppRunner(app)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            try:
                return await HttpTelegram(SecretStr(token), base_url=url).call("getUpdates", {"offset": 7})
            finally:
                await runner.cleanup()

        return asyncio.run(main())

    def test_a_call_gives_its_result(self):
        async def handler(request):
            result = [request.match_info["method"], (await request.json())["offset"]]
            return web.json_response({"ok": True, "result": result})

        assert self.asked(handler) == ["getUpdates", 7]

    @pytest.mark.parametrize(
        ("status", "body", "said"),
        [(401, '{"ok": false}', "status 401"), (502, "<html>", "JSONDecodeError"), (200, "[]", "status 200")],
    )
    def test_a_refusal_is_an_error_without_the_token(self, status, body, said):
        async def handler(request):
            return web.Response(status=status, text=body)

        with pytest.raises(SourceError, match=f"did not do getUpdates: {said}") as caught:
            self.asked(handler)
        assert caught.value.__cause__ is caught.value.__context__ is None
        assert_silent([TOKEN], error=repr(caught.value))

    def test_a_host_that_is_away_is_an_error_without_the_token(self):
        api = HttpTelegram(SecretStr(TOKEN.text), base_url="http://127.0.0.1:9")
        with pytest.raises(SourceError, match="ClientConnectorError") as caught:
            asyncio.run(api.call("getUpdates", {}))
        assert caught.value.__context__ is None
        assert_silent([TOKEN], error=repr(caught.value))

    def test_a_token_goes_over_the_network_by_https_alone(self):
        with pytest.raises(ConfigError, match="asked by https"):
            HttpTelegram(SecretStr(TOKEN.text), base_url="http://example.com")
