"""What goes along with a bot comes as the settings want it, and touches nothing where it fails."""

import asyncio
import json
import socket

import aiohttp
import pytest
from aiohttp import web
from tests.live.canaries import Canary, assert_silent
from tests.live.risk.accounts import KeptFlags

from tradsys.core.errors import ConfigError
from tradsys.live.account.scrub import Scrubber
from tradsys.live.clock import SystemClock
from tradsys.live.companions import BotSides, accompanied, figures_of
from tradsys.settings.trade import TradeSettings

TOKEN, URL = Canary("telegram_token"), Canary("dead_man_url")
STATUS = {
    "risk": {"state": "active", "equity_quote": 900.0},
    "open_trades": [{}, {}],
    "account_state": {"positions": [{"size_base": -2.0, "mark_price": 10.0}, {"size_base": 1.0, "mark_price": 5.0}]},
}


class StandInBot:
    """Tells, listens and obeys as a bot does."""

    def __init__(self, **settings):
        self.listeners, self.told, self.done = [], [], []
        self.settings = TradeSettings(**settings)
        self.status = dict(STATUS)

    def tell(self, kind, fields):
        self.told.append((kind, dict(fields)))
        for listener in self.listeners:
            listener(kind, fields)

    async def command(self, verb, args):
        self.done.append(verb)
        return {"said": "so"}

    def sides(self, **options):
        return BotSides(
            account="main",
            settings=self.settings,
            interval_ms=60_000,
            flags=KeptFlags(),
            clock=SystemClock(),
            tell=self.tell,
            listen=self.listeners.append,
            status=lambda: self.status,
            command=self.command,
            scrub=Scrubber(self.settings.secrets).text,
            **options,
        )


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


async def until(what):
    async with asyncio.timeout(20):
        while not what():
            await asyncio.sleep(0.01)


async def served(*routes):
    runner = web.AppRunner(app := web.Application())
    app.add_routes(routes)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


def test_without_settings_nothing_is_asked_of_anybody_and_a_bar_is_heard():
    async def main():
        bot = StandInBot()
        async with accompanied(bot.sides()) as health:
            bot.tell("bar", {"symbol": "BTC", "close": 1.0, "close_ms": SystemClock().now_ms() + 9_000})
            assert health.is_healthy and health.to_dict()["bar_age_s"] < 0
            assert len(bot.listeners) == 1
        assert [kind for kind, _ in bot.told] == ["bar"]

    asyncio.run(main())


def test_the_page_shows_the_figures_of_the_status():
    port = free_port()

    async def main():
        bot = StandInBot(metrics_port=port)
        async with accompanied(bot.sides()), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            bot.tell("fill", {})
            await asyncio.sleep(0)
            async with session.get("/metrics") as answer:
                text = await answer.text()
            async with session.get("/healthz") as answer:
                assert answer.status == 200
        assert "tradsys_equity_quote 900.0" in text and "tradsys_notional_quote 25.0" in text
        assert "tradsys_n_open_trades 2.0" in text and 'tradsys_events_total{kind="fill"} 1.0' in text
        with pytest.raises(OSError, match=str(port)):
            await asyncio.open_connection("127.0.0.1", port)

    asyncio.run(main())


def test_a_status_that_fails_is_told_of_and_ends_nothing():
    async def main():
        bot = StandInBot(metrics_port=free_port())
        bot.status = {"account_state": {"positions": [{}]}}
        async with accompanied(bot.sides()) as health:
            await until(lambda: bot.told)
            assert health.is_healthy
        assert bot.told == [("error", {"what": "metrics", "reason": "KeyError; it begins again in 60 s"})]

    asyncio.run(main())


def test_services_chat_and_ping_reach_those_that_they_should_without_a_secret_elsewhere():
    async def main():
        heard, asked, sent, over = [], [], [], asyncio.Event()

        async def hook(request):
            heard.append(await request.text())
            return web.Response()

        async def telegram(request):
            body = await request.json()
            if request.match_info["method"] == "sendMessage":
                sent.append(body["text"])
                return web.json_response({"ok": True, "result": {}})
            if body["offset"]:
                await over.wait()
            now_s = SystemClock().now_ms() // 1_000
            update = {"update_id": 1, "message": {"chat": {"id": 7}, "text": "/profit", "date": now_s}}
            return web.json_response({"ok": True, "result": [update]})

        async def ping(request):
            asked.append(request.match_info["name"])
            return web.Response()

        runner, url = await served(
            web.post("/hook", hook), web.post("/bot{token}/{method}", telegram), web.get("/ping/{name}", ping)
        )
        name, token = (canary.text.replace("/", "-").replace("&", "-") for canary in (URL, TOKEN))
        bot = StandInBot(
            notify=(f"json{url.removeprefix('http')}/hook",),
            telegram_token=token,
            telegram_chat="7",
            dead_man_url=f"{url}/ping/{name}",
        )
        try:
            async with accompanied(bot.sides(telegram_url=url)):
                bot.tell("halted", {"reason": f"a limit, {token}"})
                await until(lambda: heard and asked and sent)
        finally:
            over.set()
            await runner.cleanup()
        assert bot.done == ["profit"] and sent == ["profit:\nsaid: so"] and asked == [name]
        assert "tradsys main" in heard[0] and "halted: reason a limit, ***" in heard[0]
        told = [event for event in bot.told if event[0] != "halted"]
        assert_silent([TOKEN, URL], heard="".join(heard), sent="".join(sent), told=json.dumps(told))

    asyncio.run(main())


def test_a_token_without_a_chat_is_refused():
    async def main():
        async with accompanied(StandInBot(telegram_token=TOKEN.text).sides()):
            pass

    with pytest.raises(ConfigError, match=r"trade\.telegram_chat"):
        asyncio.run(main())


def test_systemd_hears_of_the_start_and_the_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFY_SOCKET", "notify")
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")

    async def main():
        bot = StandInBot()
        async with accompanied(bot.sides()):
            await asyncio.sleep(0)
            bot.tell("started", {})
            bot.tell("stopped", {})

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("notify")
        asyncio.run(main())
        listener.setblocking(False)
        assert [listener.recv(100) for _ in range(3)] == [b"WATCHDOG=1", b"READY=1", b"STOPPING=1"]


def test_figures_of_a_status_that_knows_nothing_yet():
    assert figures_of({}, None) == {"n_open_trades": 0, "notional_quote": 0}
