"""The executor trading through ccxt and real sockets, with a fifth of everything going wrong."""

import asyncio
import random
from dataclasses import fields, replace

import pytest
from tests.exchange.building import quiet_exchange, random_exchange
from tests.exchange.faults import FaultRates, rough
from tests.exchange.serving import served
from tests.exchange.spot.books import SpotBooks
from tests.exchange.spot.model import SpotExchange

from tradsys.live.clock import SystemClock
from tradsys.live.entry import Entry
from tradsys.live.execution.aims import Aim
from tradsys.live.execution.sizes import at_tick
from tradsys.live.executor import ExecutionRules, OrderExecutor
from tradsys.live.intents import IntentJournal
from tradsys.live.venue import VenueUnknown
from tradsys.live.venues.catalogue import venue_named

NAMES = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
MET = [spec.name for spec in fields(FaultRates) if spec.name not in ("limited", "banned", "maintenance", "skew_ms")]


def perpetuals(clock):
    return random_exchange(clock, SYMBOLS, seed=3, volatility=3e-4)


def coins(clock):
    exchange = random_exchange(clock, SYMBOLS, seed=3, volatility=3e-4, kind=SpotExchange, books=SpotBooks())
    exchange.give("BTCUSDT", 0.5)  # the owner's, which nobody may touch
    return exchange


def an_entry(draw, symbol, price, rules, now_ms):
    """A trade that ends soon, one way or another."""
    size = round(300 / price / rules.lot) * rules.lot
    away = max(round(price * 8e-4 / rules.tick), 1) * rules.tick
    side = draw.choice((1, -1)) if rules.can_short else 1
    return Entry(symbol, side, size, price, 0.1, now_ms, now_ms + 1_500, away, away, 0.5, 0.0, "test", "bar", "bundle")


def at_rest(draw, entry, rules):
    """The same as a limit order for most of a second, a tick inside the price, or a tick beyond it."""
    price = at_tick(entry.reference_price + draw.choice((1, -1, -1)) * entry.side * -rules.tick, rules.tick)
    return replace(entry, reference_price=price, rests_until_ms=entry.close_ms + 800)


async def trade(venue, markets, executor, clock, seconds, *, rests):
    """Enter on two symbols a second, and look all the time."""
    draw, loop = random.Random(5), asyncio.get_running_loop()
    ends, next_entry = loop.time() + seconds, 0.0
    while loop.time() < ends:
        await executor.reconcile_all()
        if loop.time() > next_entry:
            next_entry = loop.time() + 1.0
            try:
                prices = {name: await venue.mark_price(name) for name in draw.sample(NAMES, 2)}
            except VenueUnknown:
                continue
            now = clock.now_ms()
            entries = [an_entry(draw, name, price, markets[name], now) for name, price in prices.items()]
            await executor.enter([at_rest(draw, one, markets[one.symbol]) for one in entries] if rests else entries)
        await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("rests", [False, True])
@pytest.mark.parametrize(("name", "made"), [("binanceusdm", perpetuals), ("binance-spot", coins)])
def test_nothing_is_sent_twice_or_left_behind_whatever_goes_wrong(name, made, rests):
    async def main():
        clock, told = SystemClock(), []
        exchange = made(clock)
        async with served(exchange) as (url, loopback):
            venue = venue_named(name, api_key="loopback-key", api_secret="loopback-secret", url=url)
            try:
                markets = dict(await venue.markets(NAMES))
                journal, rules = IntentJournal(":memory:"), ExecutionRules("acct")
                executor = OrderExecutor(
                    venue, journal, clock, rules, markets=markets, tell=lambda kind, what: told.append(kind)
                )
                loopback.control({"faults": {name: getattr(rough(0.2), name) for name in MET}})
                await trade(venue, markets, executor, clock, 8.0, rests=rests)
                loopback.control({"faults": dict.fromkeys(MET, 0)})
                await asyncio.sleep(1.0)  # what is late arrives
                is_flat = await executor.flatten()
                return is_flat, loopback.told(), told, {trade.ended for trade in journal.trades()}
            finally:
                await venue.close()

    is_flat, report, told, ended = asyncio.run(main())
    assert told.count("fill") >= 4 and told.count("protected") >= 2 and "order_unknown" in told
    assert not rests or "missed" in ended
    assert sum(report["faults"].values()) > 20
    assert report["duplicates"] == [] and report["orphans"] == []
    assert is_flat and report["open"] == []
    if name == "binance-spot":
        assert report["own"] == {} and report["oversold"] == []
        assert report["positions"]["BTCUSDT"] == pytest.approx(0.5 + report["dust"].get("BTCUSDT", 0.0))
    else:
        assert report["positions"] == {}


@pytest.mark.slow
def test_target_weights_are_held_through_sockets_whatever_goes_wrong():
    async def main():
        clock, told, draw = SystemClock(), [], random.Random(7)
        async with served(perpetuals(clock)) as (url, loopback):
            venue = venue_named("binanceusdm", api_key="loopback-key", api_secret="loopback-secret", url=url)
            try:
                markets = dict(await venue.markets(NAMES))
                executor = OrderExecutor(
                    venue, IntentJournal(":memory:"), clock, ExecutionRules("acct"), markets=markets,
                    tell=lambda kind, what: told.append(kind),
                )  # fmt: skip
                loopback.control({"faults": {name: getattr(rough(0.2), name) for name in MET}})
                for weights in ((0.3, -0.3, 0.0), (0.3, 0.0, -0.3), (-0.2, 0.2, -0.2), (0.1, 0.1, 0.0)):
                    await executor.aim(await aims(venue, markets, clock, weights, draw))
                    for _ in range(20):
                        await executor.reconcile_all()
                        await asyncio.sleep(0.05)
                loopback.control({"faults": dict.fromkeys(MET, 0)})
                await asyncio.sleep(1.0)  # what is late arrives
                for _ in range(60):
                    if await executor.reconcile_all():
                        break
                    await asyncio.sleep(0.25)
                wanted = {name: aim.size_base for name, aim in executor.journal.aims().items() if aim.side}
                account = await venue.account()
                held = {one.symbol: one.size_base for one in account.positions}
                return await executor.flatten(), loopback.told(), told, wanted, held
            finally:
                await venue.close()

    is_flat, report, told, wanted, held = asyncio.run(main())
    assert told.count("fill") >= 6 and told.count("protected") >= 4
    assert sum(report["faults"].values()) > 10
    assert (report["duplicates"], report["orphans"]) == ([], [])
    assert held and all(0 < size / wanted[name] <= 1 + 1e-9 for name, size in held.items())
    assert is_flat and report["open"] == [] and report["positions"] == {}


async def aims(venue, markets, clock, weights, draw):
    """Sizes of these shares of ten thousand, chosen now."""
    found, now = [], clock.now_ms()
    for name, weight in zip(NAMES, weights, strict=True):
        price = None
        while price is None:
            try:
                price = await venue.mark_price(name)
            except VenueUnknown:
                await asyncio.sleep(draw.random() / 10)
        lot = markets[name].lot
        size = round(round(weight * 10_000 / price / lot) * lot, 10)
        found.append(Aim(name, now, now, weight, size, price, now + 30_000, 0.2))
    return found


def test_a_stop_that_never_gets_from_triggering_to_triggered_is_left_by_market_after_a_minute():
    async def main():
        clock = SystemClock()
        async with served(quiet_exchange(clock)) as (url, loopback):
            venue = venue_named("binanceusdm", api_key="loopback-key", api_secret="loopback-secret", url=url)
            try:
                markets = dict(await venue.markets(["BTC/USDT"]))
                executor = OrderExecutor(
                    venue, IntentJournal(":memory:"), clock, ExecutionRules("acct"), markets=markets,
                    tell=lambda kind, what: None,
                )  # fmt: skip
                await executor.reconcile_all()
                now = clock.now_ms()
                entry = Entry(
                    "BTC/USDT", 1, 0.01, 60_000.0, 0.1, now, now + 600_000, 600.0, 900.0, 0.5, 0.0, "", "", ""
                )
                await executor.enter([entry])
                loopback.control({"once": {"stuck_trigger": 1}, "price": {"BTCUSDT": 59_000}})
                (stop,) = loopback.exchange.open_orders("BTCUSDT", is_algo=True) or [None]
                await executor.reconcile_all()
                held_before = loopback.exchange.symbols["BTCUSDT"].holding.size
                stop.triggered_ms = stop.updated_ms = now - 61_000
                await executor.reconcile_all()
                return stop.status, held_before, loopback.exchange.symbols["BTCUSDT"].holding.size, executor.trades()
            finally:
                await venue.close()

    status, held_before, held, (row,) = asyncio.run(main())
    assert (status, held_before, held) == ("TRIGGERING", 0.01, 0.0)
    assert row["exit_reason"] == "stop"
