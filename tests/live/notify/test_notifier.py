"""Notifications leave by their own thread: thinned, bounded, and never in the way of the bot."""

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pydantic import SecretStr
from tests.live.canaries import Canary, assert_silent

from tradsys.core.errors import ConfigError
from tradsys.live.account.scrub import Scrubber
from tradsys.live.notify import Level, Notifier, message_of, sender_to
from tradsys.live.notify.message import LEVELS, Message
from tradsys.live.notify.thinning import MOST_TOPICS, Thinning
from tradsys.live.watching.metrics import KINDS


class HandTime:
    now_s = 1_000.0

    def __call__(self):
        return self.now_s


class Service:
    """Notes what it is sent; blocks until it is let go, where it is told to."""

    def __init__(self, blocks=False):
        self.texts, self.entered, self.free = [], threading.Event(), threading.Event()
        if not blocks:
            self.free.set()

    def __call__(self, message):
        self.entered.set()
        assert self.free.wait(20)
        if message.text.endswith("breaks"):
            raise ConnectionError("the service is away")
        self.texts.append(message.text)
        return not message.text.endswith("refused")


def sent(*events, **options):
    service = Service()
    notifier = Notifier(service, **options)
    for kind, fields in events:
        notifier.tell(kind, fields)
    assert notifier.close(20)
    return service.texts, notifier.counts()


class TestMessages:
    def test_every_kind_that_is_told_of_is_one_that_happens(self):
        assert set(LEVELS) <= set(KINDS)
        assert [kind for kind in KINDS if message_of(kind, {"state": ""}) is None] == [
            *("bar", "decision", "denied", "order_sent", "order_known", "protected", "cancelled")
        ]

    def test_what_endangers_money_is_critical(self):
        assert {kind for kind, level in LEVELS.items() if level is Level.CRITICAL} == {"unprotected", "halted"}

    def test_a_fill_shows_what_a_person_asks(self):
        fill = {"trade_id": "9", "symbol": "BTC", "side": 1, "size_base": 0.5, "price": 100.0, "fee_quote": 0.02}
        assert message_of("fill", fill).text == "fill BTC: side 1, size_base 0.5, price 100.0, fee_quote 0.02"

    def test_a_clock_that_was_set_is_no_news(self):
        assert message_of("state", {"what": "clock", "moved_ms": 7}) is None
        assert message_of("state", {"state": "halted"}) is not None

    def test_the_same_trouble_in_other_words_is_the_same_news(self):
        topics = [message_of("error", {"what": f"looking: {why}"}).topic for why in ("no answer", "status 502")]
        assert topics[0] == topics[1] != message_of("error", {"what": "cancelling: no answer"}).topic

    def test_a_text_is_cut(self):
        assert len(message_of("error", {"what": "x" * 5_000}).text) == 1_000


class TestThinning:
    def thin(self, **options):
        clock = HandTime()
        return clock, Thinning(clock, **{"repeat_s": 300.0, "per_minute": 3, **options})

    def message(self, *topic, level=Level.INFO):
        return Message(level, topic, "text")

    def test_the_same_news_comes_once_within_its_time_and_then_says_how_often(self):
        clock, thinning = self.thin()
        assert thinning.passed(self.message("fill", "BTC")).text == "text"
        for after_s in (0, 100, 299.9):
            clock.now_s = 1_000.0 + after_s
            assert thinning.passed(self.message("fill", "BTC")) is None
        assert thinning.passed(self.message("fill", "ETH")) is not None
        clock.now_s = 1_300.0
        assert thinning.passed(self.message("fill", "BTC")).text == "text (and 3 more before)"
        assert thinning.n_repeated == 3

    def test_so_many_a_minute_pass_and_critical_ones_always(self):
        clock, thinning = self.thin()
        passed = [thinning.passed(self.message("fill", str(n))) is not None for n in range(4)]
        assert passed == [True, True, True, False]
        assert thinning.passed(self.message("halted", level=Level.CRITICAL)) is not None
        clock.now_s += 59.9
        assert thinning.passed(self.message("fill", "4")) is None
        clock.now_s += 0.1
        assert thinning.passed(self.message("fill", "5")) is not None
        assert thinning.n_over_rate == 2

    def test_it_forgets_the_oldest_topics(self):
        _, thinning = self.thin(per_minute=10 * MOST_TOPICS)
        for n in range(MOST_TOPICS + 1):
            thinning.passed(self.message(str(n)))
        assert thinning.passed(self.message("0")) is not None
        assert thinning.passed(self.message(str(MOST_TOPICS))) is None

    def test_another_state_is_other_news(self):
        texts, _ = sent(*(("state", {"state": state}) for state in ("reducing", "active", "reducing")))
        assert texts == ["state: state reducing", "state: state active"]


class TestNotifier:
    def test_a_service_that_hangs_delays_nothing_and_what_is_too_much_is_counted(self):
        service = Service(blocks=True)
        notifier = Notifier(service, n_queued=2)
        notifier.tell("fill", {"symbol": "S0"})
        assert service.entered.wait(20)
        began_s = time.perf_counter()
        for n in range(1, 11):
            notifier.tell("fill", {"symbol": f"S{n}"})
        assert time.perf_counter() - began_s < 1.0
        assert notifier.counts()["n_notifications_dropped"] == 8
        assert not notifier.close(0.05)
        service.free.set()
        assert notifier.close(20)
        assert service.texts == ["fill S0", "fill S1", "fill S2"]

    def test_a_critical_message_takes_the_place_of_the_oldest(self):
        service = Service(blocks=True)
        notifier = Notifier(service, n_queued=2)
        notifier.tell("fill", {"symbol": "S0"})
        assert service.entered.wait(20)
        for symbol in ("S1", "S2"):
            notifier.tell("fill", {"symbol": symbol})
        notifier.tell("halted", {})
        assert notifier.counts()["n_notifications_dropped"] == 1
        service.free.set()
        assert notifier.close(20)
        assert service.texts == ["fill S0", "fill S2", "halted"]

    def test_a_service_that_fails_costs_its_message_alone(self):
        texts, counts = sent(*(("error", {"what": what}) for what in ("breaks", "refused", "well")))
        assert texts == ["error: what refused", "error: what well"]
        assert (counts["n_notifications_failed"], counts["n_notifications_sent"]) == (2, 1)

    def test_less_urgent_ones_may_be_left_out(self):
        events = [("fill", {}), ("error", {}), ("halted", {})]
        assert sent(*events, least=Level.WARNING)[0] == ["error", "halted"]

    def test_no_secret_leaves(self):
        canary = Canary("api_secret")
        event = ("error", {"what": f"refused key {canary.text}", "reason": canary.text[4:13]})
        texts, _ = sent(event, scrub=Scrubber([canary.text]).text)
        assert_silent([canary], told=repr(texts))
        assert texts == ["error: what refused key ***, reason ***"]

    def test_after_its_end_nothing_is_taken(self):
        service = Service()
        notifier = Notifier(service)
        assert notifier.close(20)
        notifier.tell("halted", {})
        assert service.texts == []


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook():
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        server.bodies, server.status = [], 200
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class TestServices:
    def test_a_web_hook_gets_title_text_and_urgency(self, hook):
        send = sender_to([SecretStr(f"json://127.0.0.1:{hook.server_port}/path")], "tradsys main")
        assert send(Message(Level.CRITICAL, ("halted",), "halted: a limit"))
        assert "tradsys main" in hook.bodies[0] and "halted: a limit" in hook.bodies[0] and "failure" in hook.bodies[0]

    def test_one_that_refuses_is_a_failure(self, hook):
        hook.status = 500
        assert not sender_to([SecretStr(f"json://127.0.0.1:{hook.server_port}")], "t")(Message(Level.INFO, (), "text"))

    def test_a_url_that_is_none_is_named_by_its_place(self):
        canary = Canary("notify")
        urls = [SecretStr("json://127.0.0.1"), SecretStr(f"nothing-like-it://{canary.text}")]
        with pytest.raises(ConfigError, match="URL 2 of 2") as caught:
            sender_to(urls, "t")
        assert_silent([canary], error=str(caught.value))
