"""Each fault of the schedule happens, when it is asked for and as often; another one moves nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice

import pytest
from tests.exchange.building import BTC, quiet_exchange
from tests.exchange.faults import FAULTS, FaultRates, FaultSchedule, FaultWindow, rough
from tests.exchange.in_process import InProcessVenue
from tests.exchange.model import Exchange
from tests.exchange.records import Event
from tests.exchange.tape import TapeBar, random_walk, walk
from tests.exchange.timers import HandClock
from tests.exchange.wire import Wire
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.live.venue import Hint, OrderRefused, OrderRequest, VenueUnknown

ENTRY = OrderRequest("entry-1", "BTCUSDT", 1, "market", 0.1)
STOP = OrderRequest("stop-1", "BTCUSDT", -1, "stop", 0.1, 59_000.0, True)


def on_quiet(check: Callable[[InProcessVenue, Exchange], Awaitable[None]]) -> None:
    """Run a check on a venue over one symbol that stands still."""

    async def main(clock: LoopClock) -> None:
        exchange = quiet_exchange(clock)
        await check(InProcessVenue(exchange), exchange)

    run_virtual(main)


class TestSchedule:
    def test_a_rate_is_met_in_the_long_run(self):
        faults = FaultSchedule(3, FaultRates(busy=0.2))
        assert sum(faults.hits("busy", 0) for _ in range(5_000)) == pytest.approx(1_000, abs=100)

    def test_equal_seeds_draw_alike_and_other_faults_move_nothing(self):
        def draws(faults: FaultSchedule) -> list[bool]:
            return [(faults.hits("limited", 0), faults.hits("busy", 0))[1] for _ in range(200)]

        one = draws(FaultSchedule(3, FaultRates(busy=0.5)))
        assert one == draws(FaultSchedule(3, FaultRates(busy=0.5, limited=0.5)))
        assert one != draws(FaultSchedule(4, FaultRates(busy=0.5)))

    def test_two_faults_do_not_happen_together(self):
        faults = FaultSchedule(3, FaultRates(busy=0.5, limited=0.5))
        assert len({(faults.hits("limited", 0), faults.hits("busy", 0)) for _ in range(50)}) == 4

    def test_a_window_counts_from_its_start_to_before_its_end(self):
        faults = FaultSchedule(0, windows=[FaultWindow(10, 20, FaultRates(maintenance=1.0))])
        assert [faults.hits("maintenance", now) for now in (9, 10, 19, 20)] == [False, True, True, False]

    def test_once_is_certain_and_then_over(self):
        faults = FaultSchedule()
        faults.once["busy"] = 2
        assert [faults.hits("busy", 0) for _ in range(3)] == [True, True, False]
        assert faults.happened["busy"] == 2

    def test_a_wrong_rate_or_name_is_told(self):
        with pytest.raises(ValueError, match="busy is a probability"):
            FaultRates(busy=1.5)
        with pytest.raises(ValueError, match="no such fault: bussy; there are lose_answer, "):
            FaultSchedule().set({"bussy": 0.1})

    def test_rough_has_faults_on_a_fifth_of_the_submits(self):
        rates = rough(0.2)
        quiet = 1.0
        for name in ("lose_answer", "lose_request", "late_arrival", "busy", "busy_after", "limited"):
            quiet *= 1 - getattr(rates, name)
        assert 1 - quiet >= 0.18
        assert set(FAULTS) >= set(vars(FaultRates)["__slots__"])


class TestCalls:
    """What a client is told, and what the exchange has afterwards."""

    @pytest.mark.parametrize(
        ("fault", "n_orders"),
        [
            ("lose_answer", 1),
            ("hang", 1),
            ("busy_after", 1),
            ("lose_request", 0),
            ("busy", 0),
            ("limited", 0),
            ("banned", 0),
            ("maintenance", 0),
        ],
    )
    def test_an_order_whose_answer_is_no_answer_is_unknown(self, fault, n_orders):
        async def check(venue: InProcessVenue, exchange: Exchange) -> None:
            exchange.faults.once[fault] = 1
            with pytest.raises(VenueUnknown):
                await venue.place(ENTRY)
            assert len(exchange.executions("BTCUSDT")) == n_orders
            assert (await venue.order("BTCUSDT", "entry-1", "market") is not None) == bool(n_orders)
            assert exchange.faults.happened == {fault: 1}

        on_quiet(check)

    def test_a_late_order_arrives_after_the_caller_has_given_up(self):
        async def check(venue: InProcessVenue, exchange: Exchange) -> None:
            exchange.faults.once["late_arrival"] = 1
            with pytest.raises(VenueUnknown):
                await venue.place(ENTRY)
            assert exchange.executions("BTCUSDT") == []
            await asyncio.sleep(0.8)
            assert len(exchange.executions("BTCUSDT")) == 1

        on_quiet(check)

    def test_an_unseen_order_is_shown_a_moment_later(self):
        async def check(venue: InProcessVenue, exchange: Exchange) -> None:
            exchange.faults.once["unseen"] = 1
            await venue.place(STOP)
            assert await venue.order("BTCUSDT", "stop-1", "stop") is None
            assert await venue.open_orders() == []
            await asyncio.sleep(0.7)
            assert [order.client_id for order in await venue.open_orders()] == ["stop-1"]

        on_quiet(check)

    def test_lost_cancels_and_queries_are_unknown_too(self):
        async def check(venue: InProcessVenue, exchange: Exchange) -> None:
            await venue.place(STOP)
            exchange.faults.once["lose_answer"] = 1
            with pytest.raises(VenueUnknown):
                await venue.cancel("BTCUSDT", "stop-1", "stop")
            assert await venue.open_orders() == []
            for ask in (venue.account, venue.open_orders):
                exchange.faults.once["lose_request"] = 1
                with pytest.raises(VenueUnknown):
                    await ask()

        on_quiet(check)

    def test_a_refused_stop_is_a_definite_no(self):
        async def check(venue: InProcessVenue, exchange: Exchange) -> None:
            exchange.faults.once["refuse_stop"] = 1
            with pytest.raises(OrderRefused, match="-4045"):
                await venue.place(STOP)
            await venue.place(STOP)

        on_quiet(check)

    def test_a_skewed_clock_stops_signed_calls_until_it_was_asked_for(self):
        async def check(venue: InProcessVenue, exchange: Exchange) -> None:
            exchange.faults.set({"skew_ms": 5_000})
            with pytest.raises(VenueUnknown, match="-1021"):
                await venue.account()
            assert await venue.server_time_ms() - exchange.clock.now_ms() == pytest.approx(5_000, abs=30)
            await venue.account()

        on_quiet(check)

    def test_maintenance_leaves_what_needs_no_key(self):
        async def check(venue: InProcessVenue, exchange: Exchange) -> None:
            exchange.faults.set({"maintenance": 1.0})
            with pytest.raises(VenueUnknown, match="503"):
                await venue.account()
            assert await venue.mark_price("BTCUSDT") == 60_000.0

        on_quiet(check)

    def test_a_slow_match_rests_before_it_fills(self):
        async def check(venue: InProcessVenue, exchange: Exchange) -> None:
            exchange.faults.once["slow_match"] = 1
            assert (await venue.place(ENTRY)).status == "open"
            await asyncio.sleep(0.6)
            order = await venue.order("BTCUSDT", "entry-1", "market")
            assert order is not None and order.status == "filled"

        on_quiet(check)


async def hints_of(venue: InProcessVenue, seconds: float) -> tuple[list[Hint], bool]:
    """What a stream says in so many seconds, and whether it ended."""
    heard: list[Hint] = []

    async def listen() -> None:
        async for hint in venue.hints(["BTCUSDT"], 60_000):
            heard.append(hint)

    task = asyncio.ensure_future(listen())
    await asyncio.sleep(0.1)
    await venue.place(ENTRY)
    await asyncio.wait([task], timeout=seconds)
    has_ended = task.done()
    task.cancel()
    return heard, has_ended


class TestEvents:
    @pytest.mark.parametrize(
        ("fault", "n_heard", "has_ended"),
        [
            ("", 3, False),
            ("duplicate_event", 4, False),
            ("lost_event", 2, False),
            ("silence", 0, False),
            ("drop_stream", 0, True),
        ],
    )
    def test_hints_come_once_twice_or_not_at_all(self, fault, n_heard, has_ended):
        """An order that is filled tells three things: new, traded, and the account's change."""

        async def check(venue: InProcessVenue, exchange: Exchange) -> None:
            exchange.faults.once[fault] = 1
            heard, ended = await hints_of(venue, 5.0)
            assert (len(heard), ended) == (n_heard, has_ended)

        on_quiet(check)

    def test_a_late_event_is_overtaken(self):
        async def check(venue: InProcessVenue, exchange: Exchange) -> None:
            heard: list[str] = []
            wire = Wire(exchange, lambda event: heard.append(event.what.get("what", "account")), lambda: None)
            exchange.listeners.append(wire)
            exchange.faults.once["late_event"] = 1
            await venue.place(ENTRY)
            await asyncio.sleep(2.0)
            assert heard == ["TRADE", "account", "NEW"]

        on_quiet(check)


def bar_exchange(clock: HandClock, fault: str = "") -> Exchange:
    """Three bars of a minute from the clock's minute on, the first of which meets a fault."""
    clock.ms = clock.ms // 60_000 * 60_000
    exchange = Exchange(clock)
    exchange.faults.once[fault] = 1
    bars = [TapeBar(clock.ms + k * 60_000, 100.0 + k, 102.0 + k, 99.0 + k, 101.0 + k, 10.0) for k in range(3)]
    exchange.list_symbol(BTC, 100.0, iter(bars))
    return exchange


class TestBars:
    def test_bars_are_told_as_the_tape_has_them(self):
        clock = HandClock()
        exchange = bar_exchange(clock)
        clock.ms += 61_000
        assert [bar.close for bar in exchange.klines("BTCUSDT")] == [101.0, 101.0]
        clock.ms += 30_000
        live = exchange.klines("BTCUSDT", is_last=True, limit=1)[0]
        assert (live.open, live.high, live.low, live.close) == (101.0, 103.0, 100.0, 103.0)

    def test_a_bar_closed_early_is_told_wrongly_and_again_rightly(self):
        clock = HandClock()
        exchange = bar_exchange(clock, "early_close")
        told: list[tuple[int, float]] = []
        begin = clock.ms

        def listen(event: Event) -> None:
            if event.what["is_closed"]:
                told.append((event.ts_ms - begin, event.what["bar"].close))

        exchange.listeners.append(listen)
        clock.ms += 70_000
        exchange.advance()
        (early, wrong), (right_time, right) = told
        assert early < 60_000 and wrong != 101.0
        assert (right_time, right) == (60_000, 101.0)

    def test_a_revised_bar_is_another_at_first(self):
        clock = HandClock()
        exchange = bar_exchange(clock, "revised_bar")
        first = clock.ms
        clock.ms += 60_000
        assert exchange.klines("BTCUSDT", first, limit=1)[0].close == 100.5
        clock.ms += 3_000
        assert exchange.klines("BTCUSDT", first, limit=1)[0].close == 101.0

    def test_a_missing_bar_is_not_there_at_first(self):
        clock = HandClock()
        exchange = bar_exchange(clock, "missing_bar")
        first = clock.ms
        clock.ms += 60_000
        assert [bar.ts_ms - first for bar in exchange.klines("BTCUSDT", first)] == [60_000]
        clock.ms += 3_000
        assert [bar.ts_ms - first for bar in exchange.klines("BTCUSDT", first)] == [0, 60_000]

    def test_a_bar_walks_to_its_nearer_extreme_first(self):
        up, down = TapeBar(0, 100.0, 101.0, 95.0, 97.0, 1.0), TapeBar(0, 100.0, 105.0, 99.0, 97.0, 1.0)
        assert [step.price for step in walk(up, 60_000)] == [100.0, 101.0, 95.0, 97.0]
        assert [step.price for step in walk(down, 60_000)] == [100.0, 99.0, 105.0, 97.0]
        assert [step.ts_ms for step in walk(up, 60_000)] == [0, 15_000, 30_000, 59_999]

    def test_a_random_walk_is_bars_and_equal_seeds_give_equal_ones(self):
        one, other, third = (list(islice(random_walk(seed, 0, 1_000, 50.0, 0.01), 300)) for seed in (1, 1, 2))
        assert one == other != third
        assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in one)
        assert [bar.ts_ms for bar in one] == list(range(0, 300_000, 1_000))
