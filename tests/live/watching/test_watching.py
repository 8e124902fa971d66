"""Health, metrics, the page on loopback and the dead man's ping."""

import asyncio
import json
import re

import aiohttp
import pytest
from pydantic import SecretStr
from tests.live.canaries import Canary, assert_silent
from tests.live.virtual_time import run_virtual

from tradsys.core.errors import ConfigError
from tradsys.live.watching import DeadMan, Health, Metrics, serve


class HandClock:
    ms = 1_700_000_000_000

    def now_ms(self):
        return self.ms


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def health(clock):
    return Health(clock, max_bar_age_s=90.0, max_loop_age_s=30.0)


class TestHealth:
    def test_a_loop_that_does_not_turn_is_ill_just_beyond_its_limit(self, health, clock):
        clock.ms += 30_000
        assert health.is_healthy
        clock.ms += 1
        assert health.problems() == ["the loop last turned 30 s ago, 30 is the limit"]
        health.beat()
        assert health.is_healthy

    def test_bars_that_stay_away_make_it_ill_though_the_loop_turns(self, health, clock):
        health.on_bar(clock.ms)
        clock.ms += 90_000
        health.beat()
        assert health.is_healthy
        clock.ms += 1
        assert "the last bar closed 90 s ago" in health.problems()[0]
        health.on_bar(clock.ms - 10)
        assert health.is_healthy

    def test_an_older_bar_makes_it_no_older(self, health, clock):
        health.on_bar(clock.ms - 89_000)
        assert health.to_dict()["bar_age_s"] == 0.0


def samples(metrics):
    return dict(re.findall(r"^(tradsys\S+) (\S+)$", metrics.page().decode(), flags=re.M))


class TestMetrics:
    def test_events_are_counted_by_kind_and_unknown_ones_as_other(self, health):
        metrics = Metrics(health)
        for kind in ("fill", "fill", "denied", "who-knows", "and-this"):
            metrics.on_event(kind, {"check": "max_notional"})
        found = samples(metrics)
        assert found['tradsys_events_total{kind="fill"}'] == "2.0"
        assert found['tradsys_events_total{kind="other"}'] == "2.0"
        assert found['tradsys_events_total{kind="halted"}'] == "0.0"
        assert found['tradsys_denied_total{check="max_notional"}'] == "1.0"

    def test_figures_of_the_status_are_shown_and_what_is_no_number_is_not(self, health):
        metrics = Metrics(health)
        metrics.set_figures({"equity_quote": 1_234.5, "drawdown": None, "state": "reducing", "reason": "secret"})
        found = samples(metrics)
        assert found["tradsys_equity_quote"] == "1234.5"
        assert [found[f'tradsys_state{{state="{state}"}}'] for state in ("active", "reducing", "halted")] == [
            "0.0",
            "1.0",
            "0.0",
        ]
        assert "secret" not in metrics.page().decode()
        metrics.on_event("state", {"state": "halted"})
        metrics.on_event("state", {"what": "clock"})
        assert samples(metrics)['tradsys_state{state="halted"}'] == "1.0"

    def test_two_registries_know_nothing_of_each_other(self, health):
        one, other = Metrics(health), Metrics(health)
        one.on_event("fill", {})
        assert samples(other)['tradsys_events_total{kind="fill"}'] == "0.0"


class TestPage:
    def test_health_is_200_or_503_and_metrics_are_text(self, health, clock):
        async def main():
            served = await serve(Metrics(health), health)
            try:
                async with aiohttp.ClientSession(f"http://127.0.0.1:{served.port}") as session:
                    answers = [await read(session, "/healthz"), await read(session, "/metrics")]
                    clock.ms += 31_000
                    return [*answers, await read(session, "/healthz"), await read(session, "/")]
            finally:
                await served.close()

        async def read(session, path):
            async with session.get(path) as answer:
                return answer.status, await answer.text()

        well, metrics, ill, other = asyncio.run(main())
        assert (well[0], json.loads(well[1])["healthy"]) == (200, True)
        assert metrics[0] == 200 and "tradsys_healthy 1.0" in metrics[1]
        assert ill[0] == 503 and "the loop last turned 31 s ago" in ill[1]
        assert other[0] == 404

    def test_it_listens_on_loopback_alone_and_a_taken_port_is_named(self, health):
        async def main():
            served = await serve(Metrics(health), health)
            try:
                with pytest.raises(ConfigError, match=f"metrics want port {served.port} of 127.0.0.1, which .*another"):
                    await serve(Metrics(health), health, served.port)
                with pytest.raises(OSError, match=r"refused|Connect"):
                    await asyncio.open_connection("127.0.0.2", served.port)
            finally:
                await served.close()

        asyncio.run(main())


URL = Canary("dead_man_url")


class TestDeadMan:
    def pings(self, seconds, *, healthy=lambda: True, get=None, told=None):
        """Times of the pings within so many seconds."""
        times = []

        async def main(clock):
            async def note(url):
                assert url == URL.text
                times.append(clock.now_ms() // 1_000 - 1_700_000_000)
                return await get() if get else 200

            tell = lambda kind, fields: told.append((kind, fields))  # noqa: E731
            task = asyncio.ensure_future(DeadMan(SecretStr(URL.text), healthy, tell, every_s=60.0, get=note).run())
            await asyncio.sleep(seconds)
            task.cancel()

        run_virtual(main)
        return times

    def test_it_pings_while_the_bot_is_healthy(self):
        assert self.pings(150) == [0, 60, 120]
        assert self.pings(150, healthy=lambda: False) == []

    @pytest.mark.parametrize("answer", ["raises", "hangs", "500"])
    def test_a_service_that_fails_is_told_once_without_its_address(self, answer):
        async def get():
            if answer == "raises":
                raise OSError(f"cannot reach {URL.text}")
            if answer == "hangs":
                await asyncio.sleep(10_000)
            return 500

        told = []
        times = self.pings(250, get=get, told=told)
        assert len(times) >= 3
        assert [kind for kind, _ in told] == ["error"]
        assert told[0][1]["reason"] in ("OSError", "TimeoutError", "status 500")
        assert_silent([URL], told=repr(told))

    def test_over_http_it_reads_the_status(self):
        from tradsys.live.watching.dead_man import http_get

        async def main():
            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            async with server:
                return await http_get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ping")

        async def answer(reader, writer):
            assert (await reader.readline()).startswith(b"GET /ping ")
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
            writer.close()

        assert asyncio.run(main()) == 204
