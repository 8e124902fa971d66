"""The exchange over sockets, driven by ccxt as it is: an independent client, through each fault."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from tests.exchange.app import LoopbackExchange
from tests.exchange.building import quiet_exchange, random_exchange
from tests.exchange.scaled import Scale
from tests.exchange.serving import ccxt_on, eventually, served
from tests.exchange.timers import HandClock

pytestmark = pytest.mark.slow
SYMBOL = "BTC/USDT:USDT"

type Check = Callable[[Any, LoopbackExchange], Awaitable[None]]


@contextlib.asynccontextmanager
async def opened(base: str, **options: Any) -> AsyncIterator[Any]:
    """A client of ccxt that knows the markets, closed afterwards."""
    client = ccxt_on(base, **options)
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()
        await asyncio.sleep(0)


def on_server(check: Check, **options: Any) -> None:
    """Run a check with ccxt on an exchange whose price moves by hand."""

    async def main() -> None:
        async with served(quiet_exchange(Scale())) as (base, loopback), opened(base, **options) as client:
            await check(client, loopback)

    asyncio.run(main())


async def buy(client: Any, client_id: str = "entry-1") -> Any:
    return await client.create_order(SYMBOL, "market", "buy", 0.01, params={"clientOrderId": client_id})


def n_orders(loopback: LoopbackExchange, client_id: str = "entry-1") -> int:
    return sum(order["clientOrderId"] == client_id for order in loopback.told()["orders"])


def test_ccxt_trades_a_round_trip():
    async def check(client: Any, loopback: LoopbackExchange) -> None:
        order = await buy(client)
        assert (order["status"], order["average"], order["filled"]) == ("closed", 60_000.0, 0.01)
        (position,) = await client.fetch_positions([SYMBOL])
        assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 0.01, 60_000.0)
        loopback.control({"price": {"BTCUSDT": 61_000.0}})
        await client.create_order(SYMBOL, "market", "sell", 0.01, params={"reduceOnly": True})
        assert await client.fetch_positions([SYMBOL]) == []
        trades = await client.fetch_my_trades(SYMBOL)
        assert [(trade["side"], trade["price"]) for trade in trades] == [("buy", 60_000.0), ("sell", 61_000.0)]
        balance = await client.fetch_balance()
        assert balance["USDT"]["total"] == pytest.approx(10_000 + 10 - 0.3 - 0.305)
        assert [name for name in loopback.told()["counts"] if name.startswith("unknown")] == []

    on_server(check)


def test_ccxt_protects_a_position_by_the_algo_endpoints():
    async def check(client: Any, loopback: LoopbackExchange) -> None:
        await buy(client)
        how = {"stopLossPrice": 59_000, "reduceOnly": True, "clientOrderId": "stop-1"}
        await client.create_order(SYMBOL, "market", "sell", 0.01, None, how)
        assert await client.fetch_open_orders(SYMBOL) == []
        (stop,) = await client.fetch_open_orders(SYMBOL, params={"stop": True})
        assert (stop["clientOrderId"], stop["triggerPrice"]) == ("stop-1", 59_000.0)
        loopback.control({"price": {"BTCUSDT": 58_000.0}})
        assert (await client.fetch_my_trades(SYMBOL))[-1]["price"] == 59_000.0
        (algo,) = await client.fapiPrivateGetAllAlgoOrders({"symbol": "BTCUSDT"})
        became = await client.fapiPrivateGetOrder({"symbol": "BTCUSDT", "orderId": algo["actualOrderId"]})
        assert (algo["algoStatus"], became["status"], became["executedQty"]) == ("FINISHED", "FILLED", "0.010")

    on_server(check)


UNKNOWN = {"lose_answer": 1, "busy_after": 1, "lose_request": 0, "busy": 0, "limited": 0, "banned": 0}


@pytest.mark.parametrize("fault", UNKNOWN)
def test_an_answer_that_is_none_is_an_operation_that_failed(fault):
    import ccxt

    async def check(client: Any, loopback: LoopbackExchange) -> None:
        loopback.control({"once": {fault: 1}})
        with pytest.raises(ccxt.OperationFailed):
            await buy(client)
        assert n_orders(loopback) == UNKNOWN[fault]
        assert loopback.told()["faults"] == {fault: 1}

    on_server(check)


def test_an_answer_that_never_comes_is_a_timeout_of_the_client():
    import ccxt

    async def check(client: Any, loopback: LoopbackExchange) -> None:
        loopback.control({"once": {"hang": 1}})
        client.timeout = 300
        began = time.monotonic()
        with pytest.raises(ccxt.RequestTimeout):
            await buy(client)
        assert time.monotonic() - began >= 0.29
        assert n_orders(loopback) == 1

    on_server(check)


def test_a_late_order_arrives_after_the_connection_broke():
    import ccxt

    async def check(client: Any, loopback: LoopbackExchange) -> None:
        loopback.control({"once": {"late_arrival": 1}})
        with pytest.raises(ccxt.OperationFailed):
            await buy(client)
        assert n_orders(loopback) == 0
        await eventually(lambda: n_orders(loopback) == 1)

    on_server(check)


def test_maintenance_stops_signed_calls_alone():
    import ccxt

    async def check(client: Any, loopback: LoopbackExchange) -> None:
        loopback.control({"faults": {"maintenance": 1.0}})
        with pytest.raises(ccxt.OperationFailed):
            await client.fetch_balance()
        assert await client.fetch_time()

    on_server(check)


def test_a_refusal_is_an_exchange_error_and_definite():
    import ccxt

    async def check(client: Any, loopback: LoopbackExchange) -> None:
        ask, stop = client.fapiPrivatePostOrder, client.fapiPrivatePostAlgoOrder
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.0005"}
        wrong_side = {"side": "SELL", "type": "STOP_MARKET", "quantity": "0.01", "triggerPrice": "60500"}
        for act, params, code in (
            (ask, order, "-1111"),
            (ask, order | {"quantity": "100"}, "-2019"),
            (ask, order | {"quantity": "0.01", "reduceOnly": "true"}, "-2022"),
            (ask, order | {"quantity": "0.01", "type": "STOP_MARKET"}, "-4120"),
            (stop, {"symbol": "BTCUSDT", "algoType": "CONDITIONAL"} | wrong_side, "-2021"),
            (client.fapiPrivateGetOrder, {"symbol": "BTCUSDT", "origClientOrderId": "never"}, "-2013"),
            (client.fapiPrivateDeleteOrder, {"symbol": "BTCUSDT", "origClientOrderId": "never"}, "-2011"),
            (client.fapiPrivateDeleteAlgoOrder, {"clientAlgoId": "never"}, "-2011"),
        ):
            with pytest.raises(ccxt.ExchangeError, match=code) as refused:
                await act(params)
            assert not isinstance(refused.value, ccxt.OperationFailed)

    on_server(check)


def test_a_refused_stop_and_an_id_that_is_open_are_refused():
    import ccxt

    async def check(client: Any, loopback: LoopbackExchange) -> None:
        how = {"stopLossPrice": 59_000, "clientOrderId": "stop-1"}
        loopback.control({"once": {"refuse_stop": 1}})
        with pytest.raises(ccxt.ExchangeError, match="-4045"):
            await client.create_order(SYMBOL, "market", "sell", 0.01, None, how)
        await client.create_order(SYMBOL, "market", "sell", 0.01, None, how)
        with pytest.raises(ccxt.ExchangeError, match="-4116"):
            await client.create_order(SYMBOL, "market", "sell", 0.01, None, how)

    on_server(check)


def test_another_clock_stops_signed_calls_until_it_is_measured():
    import ccxt

    async def check(client: Any, loopback: LoopbackExchange) -> None:
        for skew_ms in (-5_000, 60_000):
            loopback.control({"faults": {"skew_ms": skew_ms}})
            with pytest.raises(ccxt.InvalidNonce, match="-1021"):
                await client.fetch_balance()
            await client.load_time_difference()
            client.options["adjustForTimeDifference"] = True
            await client.fetch_balance()
            client.options["timeDifference"] = 0

    on_server(check)


def test_a_wrong_secret_and_an_unknown_key_are_refused():
    import ccxt

    async def check(client: Any, loopback: LoopbackExchange) -> None:
        client.secret = "another"
        with pytest.raises(ccxt.AuthenticationError, match="-1022"):
            await client.fetch_balance()
        client.apiKey = "unknown"
        with pytest.raises(ccxt.AuthenticationError, match="-2015"):
            await client.fetch_balance()

    on_server(check)


def test_settings_of_the_account_are_set_and_read_back():
    async def check(client: Any, loopback: LoopbackExchange) -> None:
        assert not (await client.sapiGetAccountApiRestrictions())["enableWithdrawals"]
        client.apiKey = "WITHDRAW"
        assert (await client.sapiGetAccountApiRestrictions())["enableWithdrawals"]
        await client.set_leverage(3, SYMBOL)
        await client.set_margin_mode("isolated", SYMBOL)
        assert (await client.fetch_leverages([SYMBOL]))[SYMBOL]["longLeverage"] == 3
        await client.set_position_mode(True)
        assert (await client.fetch_position_mode())["hedged"]
        assert (await client.fapiPrivateGetMultiAssetsMargin())["multiAssetsMargin"] is False
        fee = await client.fetch_trading_fee(SYMBOL)
        assert (fee["maker"], fee["taker"]) == (0.0002, 0.0005)

    on_server(check)


def test_executions_come_in_pages_of_what_is_asked_for():
    async def check(client: Any, loopback: LoopbackExchange) -> None:
        for number in range(5):
            await buy(client, f"entry-{number}")
        ask = client.fapiPrivateGetUserTrades
        first = await ask({"symbol": "BTCUSDT", "limit": 3, "startTime": 1 + loopback.exchange.clock.now_ms() - 60_000})
        after = await ask({"symbol": "BTCUSDT", "limit": 3, "fromId": int(first[-1]["id"]) + 1})
        last = await ask({"symbol": "BTCUSDT", "limit": 2})
        assert [int(row["id"]) for row in first + after] == [1, 2, 3, 4, 5]
        assert [int(row["id"]) for row in last] == [4, 5]

    on_server(check)


def test_bars_funding_and_marks_are_public():
    async def main() -> None:
        clock = HandClock()
        exchange = random_exchange(clock, history=30)
        clock.ms += 9 * 3_600_000
        async with served(exchange) as (base, _), opened(base) as client:
            rows = await client.fetch_ohlcv(SYMBOL, "1m", limit=5)
            assert [b[0] - a[0] for a, b in pairwise(rows)] == [60_000] * 4
            since = await client.fetch_ohlcv(SYMBOL, "1m", since=rows[0][0], limit=2)
            assert since == rows[:2]
            assert len(await client.fetch_funding_rate_history(SYMBOL)) == 1
            assert (await client.fetch_funding_rate(SYMBOL))["markPrice"] == exchange.symbols["BTCUSDT"].price

    asyncio.run(main())


def test_money_that_was_paid_in_is_told_as_that():
    async def check(client: Any, loopback: LoopbackExchange) -> None:
        loopback.control({"transfer": 500.0})
        (row,) = await client.fapiPrivateGetIncome()
        assert (row["incomeType"], float(row["income"])) == ("TRANSFER", 500.0)
        assert (await client.fetch_balance())["USDT"]["total"] == 10_500.0

    on_server(check)


def test_delisting_is_seen_and_stops_orders():
    import ccxt

    async def check(client: Any, loopback: LoopbackExchange) -> None:
        await buy(client)
        loopback.control({"delist": "BTCUSDT"})
        assert await client.fetch_positions([SYMBOL]) == []
        with pytest.raises(ccxt.ExchangeError, match="-4108"):
            await buy(client, "entry-2")
        assert (await client.load_markets(True))[SYMBOL]["active"] is False

    on_server(check)


def test_control_names_what_it_does_not_know():
    async def check(client: Any, loopback: LoopbackExchange) -> None:
        import aiohttp

        base = client.urls["api"]["fapiPublic"].removesuffix("/fapi/v1")
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{base}/_ctl", data=json.dumps({"fault": {}})) as answer:
                assert answer.status == 400
                assert "no such control: fault; there are faults, once, price" in await answer.text()
            async with session.get(f"{base}/_ctl") as answer:
                assert (await answer.json())["duplicates"] == []

    on_server(check)


class TestStreams:
    """ccxt.pro, unchanged, on the exchange's streams."""

    def test_orders_of_the_account_are_told(self):
        async def check(client: Any, loopback: LoopbackExchange) -> None:
            watching = asyncio.ensure_future(client.watch_orders(SYMBOL))
            await eventually(lambda: any(channel.listen_key for channel in loopback.streams.wires))
            await buy(client)
            orders = await asyncio.wait_for(watching, 5)
            assert {order["clientOrderId"] for order in orders} == {"entry-1"}

        on_server(check, pro=True)

    def test_bars_are_told(self):
        async def main() -> None:
            clock = HandClock()
            clock.ms = clock.ms // 60_000 * 60_000
            async with served(random_exchange(clock)) as (base, loopback), opened(base, pro=True) as client:
                watching = asyncio.ensure_future(client.watch_ohlcv(SYMBOL, "1m"))
                await eventually(lambda: any(channel.names for channel in loopback.streams.wires))
                clock.ms += 60_000
                loopback.exchange.advance()
                rows = await asyncio.wait_for(watching, 5)
                assert rows[-1][0] == clock.ms - 60_000

        asyncio.run(main())

    def test_a_dropped_stream_is_an_operation_that_failed(self):
        import ccxt

        async def check(client: Any, loopback: LoopbackExchange) -> None:
            watching = asyncio.ensure_future(client.watch_orders(SYMBOL))
            await eventually(lambda: any(channel.listen_key for channel in loopback.streams.wires))
            loopback.control({"drop_streams": True})
            with pytest.raises(ccxt.OperationFailed):
                await asyncio.wait_for(watching, 5)

        on_server(check, pro=True)

    def test_a_silent_stream_stands_and_says_nothing(self):
        async def check(client: Any, loopback: LoopbackExchange) -> None:
            watching = asyncio.ensure_future(client.watch_orders(SYMBOL))
            await eventually(lambda: any(channel.listen_key for channel in loopback.streams.wires))
            loopback.control({"silence_streams": True})
            await buy(client)
            await asyncio.wait([watching], timeout=0.3)
            assert not watching.done()
            watching.cancel()

        on_server(check, pro=True)

    def test_a_listen_key_that_has_expired_is_told_and_ends_its_events(self):
        async def check(client: Any, loopback: LoopbackExchange) -> None:
            import aiohttp

            base = client.urls["api"]["fapiPublic"].removesuffix("/fapi/v1")
            key = (await client.fapiPrivatePostListenKey())["listenKey"]
            url = f"{base}/private/ws?listenKey={key}"
            async with aiohttp.ClientSession() as session, session.ws_connect(url) as ws:
                await buy(client)
                events = [(await ws.receive_json(timeout=5))["e"] for _ in range(3)]
                assert events == ["ORDER_TRADE_UPDATE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]
                loopback.control({"expire_listen_key": True})
                assert (await ws.receive_json(timeout=5))["e"] == "listenKeyExpired"
                await buy(client, "entry-2")
                with pytest.raises(TimeoutError):
                    await ws.receive(timeout=0.2)
            assert (await client.fapiPrivatePostListenKey())["listenKey"] != key

        on_server(check)

    def test_another_address_or_key_stands_in_silence(self):
        async def check(client: Any, loopback: LoopbackExchange) -> None:
            import aiohttp

            base = client.urls["api"]["fapiPublic"].removesuffix("/fapi/v1")
            key = (await client.fapiPrivatePostListenKey())["listenKey"]
            for wrong in (f"/ws/{key}", "/private/ws?listenKey=another", f"/market/ws/{key}"):
                async with aiohttp.ClientSession() as session, session.ws_connect(base + wrong) as ws:
                    await buy(client)
                    with pytest.raises(TimeoutError):
                        await ws.receive(timeout=0.2)

        on_server(check)
