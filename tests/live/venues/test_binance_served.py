"""Binance's adapter on the loopback exchange: every fault of the way comes out as what it is, and hints arrive."""

import asyncio

import pytest
from tests.exchange.building import random_exchange
from tests.exchange.serving import eventually, served

from tradsys.live.clock import SystemClock
from tradsys.live.venue import OrderRefused, OrderRequest, VenueUnknown
from tradsys.live.venues.catalogue import venue_named

SYMBOL = "BTC/USDT"
NAMES = (SYMBOL, "ETH/USDT:USDT")
ENTRY = OrderRequest("acct-btcusdt-1700000000-entry-1", SYMBOL, 1, "market", 0.01)
STOP = OrderRequest("acct-btcusdt-1700000000-stop-01", SYMBOL, -1, "stop", 0.01, 50_000.0, is_reduce_only=True)


def on_exchange(check, *, api_key="loopback-key", timeout_s=0.5):
    """Run `check(venue, exchange's controls)` on random walks of two symbols."""

    async def main():
        async with served(random_exchange(SystemClock(), volatility=1e-5)) as (url, loopback):
            secret = "loopback-secret" if api_key else ""
            venue = venue_named("binanceusdm", api_key=api_key, api_secret=secret, url=url, timeout_s=timeout_s)
            try:
                await venue.markets(NAMES)
                if api_key:
                    await venue.account()  # so that the clock is measured
                return await check(venue, loopback)
            finally:
                await venue.close()

    return asyncio.run(main())


@pytest.mark.parametrize("order", [ENTRY, STOP], ids=["entry", "stop"])
@pytest.mark.parametrize(
    ("fault", "is_there"),
    [
        ("lose_answer", True),
        ("lose_request", False),
        ("late_arrival", True),
        ("busy", False),
        ("busy_after", True),
        ("maintenance", False),
    ],
)
def test_an_order_without_an_answer_is_unknown_until_the_venue_was_asked(fault, is_there, order):
    async def check(venue, loopback):
        if order is STOP:
            await venue.place(ENTRY)
            await eventually(lambda: loopback.exchange.symbols["BTCUSDT"].holding.size)
        loopback.control({"once": {fault: 1}})
        with pytest.raises(VenueUnknown):
            await venue.place(order)
        if fault == "late_arrival":
            await asyncio.sleep(0.9)
        found = await venue.order(SYMBOL, order.client_id, order.kind)
        assert (found is not None) == is_there
        report = loopback.told()
        assert report["duplicates"] == []
        made = [one["clientOrderId"] for one in report["orders"]] + [one["clientAlgoId"] for one in report["algos"]]
        assert made.count(order.client_id) == is_there

    on_exchange(check)


@pytest.mark.parametrize("fault", ["limited", "banned"])
def test_an_exchange_that_was_asked_too_often_is_left_alone(fault):
    async def check(venue, loopback):
        loopback.control({"once": {fault: 1}})
        with pytest.raises(VenueUnknown, match="asked too often"):
            await venue.place(ENTRY)
        before = sum(loopback.counts.values())
        for question in (venue.account, venue.open_orders, lambda: venue.place(ENTRY)):
            with pytest.raises(VenueUnknown, match="nothing was sent"):
                await question()
        assert sum(loopback.counts.values()) == before

    on_exchange(check)


def test_a_refused_stop_is_definite():
    async def check(venue, loopback):
        await venue.place(ENTRY)
        await eventually(lambda: loopback.exchange.symbols["BTCUSDT"].holding.size)
        loopback.control({"once": {"refuse_stop": 1}})
        with pytest.raises(OrderRefused, match="-4045"):
            await venue.place(STOP)
        assert await venue.order(SYMBOL, STOP.client_id, "stop") is None

    on_exchange(check)


def test_a_clock_that_jumps_is_measured_again_and_the_order_goes_through():
    async def check(venue, loopback):
        for skew_ms in (-7_000, 9_000):
            loopback.control({"faults": {"skew_ms": skew_ms}})
            placed = await venue.place(OrderRequest(f"acct-btcusdt-skew-{skew_ms}", SYMBOL, 1, "market", 0.01))
            assert placed.status in ("open", "filled")

    on_exchange(check)


def test_the_mode_tells_what_a_bot_must_not_trade_with():
    async def check(venue, loopback):
        first = await venue.mode(NAMES)
        loopback.control({"hedge_mode": True, "multi_asset": True})
        return first, await venue.mode(NAMES)

    first, later = on_exchange(check)
    assert (first.can_withdraw, first.is_hedge_mode, first.is_multi_asset) == (False, False, False)
    assert (later.is_hedge_mode, later.is_multi_asset) == (True, True)
    assert set(first.leverage) == set(NAMES)
    assert on_exchange(lambda venue, loopback: venue.mode(NAMES), api_key="WITHDRAW").can_withdraw


def test_without_a_key_nothing_private_is_asked_and_bars_are_there():
    async def check(venue, loopback):
        bars = await venue.klines(SYMBOL, 60_000, 0, limit=5)
        assert await venue.mark_price(SYMBOL) > 0 and len(bars) == 5
        return loopback.counts

    asked = on_exchange(check, api_key="")
    assert not [name for name in asked if name.split()[1] not in PUBLIC]


PUBLIC = {f"/fapi/v1/{name}" for name in ("exchangeInfo", "klines", "premiumIndex", "time")}


def test_the_end_of_a_connection_and_of_a_listen_key_end_the_hints():
    async def check(venue, loopback):
        for control, expected in (({"drop_streams": True}, None), ({"expire_listen_key": True}, "listen key")):
            hints = venue.hints(NAMES, 60_000)
            first = asyncio.ensure_future(anext(hints))
            await eventually(lambda: len(loopback.streams.wires) == 2)
            await venue.place(OrderRequest(f"acct-{len(str(control))}-hinted", SYMBOL, 1, "market", 0.01))
            assert (await asyncio.wait_for(first, 5)).symbol == SYMBOL
            loopback.control(control)
            ended = None
            try:
                async with asyncio.timeout(5):
                    async for _ in hints:
                        pass
            except VenueUnknown as error:
                ended = str(error)
            assert (ended is None) == (expected is None) and (expected or "") in (ended or "")
            await eventually(lambda: not loopback.streams.wires)

    on_exchange(check, timeout_s=5)


def test_a_closed_bar_is_hinted_at():
    async def check(venue, loopback):
        hints = venue.hints(NAMES, 60_000)
        async with asyncio.timeout(10):
            return [(hint.about, hint.symbol) for hint in (await anext(hints), await anext(hints))]

    async def main():
        async with served(random_exchange(SystemClock(), interval_ms=1_000), "1m") as (url, loopback):
            venue = venue_named("binanceusdm", url=url)
            try:
                return await check(venue, loopback)
            finally:
                await venue.close()

    assert sorted(asyncio.run(main())) == [("bar", name) for name in sorted(NAMES)]
