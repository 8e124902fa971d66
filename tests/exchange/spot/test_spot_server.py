"""ccxt, unchanged but for its addresses, on the spot exchange: it finds there what it finds at Binance."""

import asyncio

import pytest
from tests.exchange.serving import KEYS, moved, served
from tests.exchange.spot.model import quiet_spot

from tradsys.live.clock import SystemClock

S, PRICE = "BTC/USDT", 60_000.0


def ccxt_spot(base: str):
    import ccxt.async_support

    client = ccxt.async_support.binance(KEYS | {"enableRateLimit": False, "timeout": 5_000})
    client.urls["api"] = moved(client.urls["api"], base)
    client.has["fetchCurrencies"] = False
    client.options |= {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False}
    return client


def test_ccxt_buys_protects_and_sells_coins():
    async def main():
        async with served(quiet_spot(SystemClock(), price=PRICE)) as (url, loopback):
            client = ccxt_spot(url)
            try:
                market = (await client.load_markets())[S]
                assert market["spot"] and market["limits"]["cost"]["min"] == 5.0
                bought = await client.create_order(S, "market", "buy", 0.01)
                assert (bought["status"], bought["average"]) == ("closed", pytest.approx(PRICE))
                (trade,) = await client.fetch_my_trades(S)
                assert (trade["fee"]["currency"], trade["fee"]["cost"]) == ("BTC", pytest.approx(1e-5))
                pair = await client.privatePostOrderListOco(
                    {
                        "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.00999", "aboveType": "LIMIT_MAKER",
                        "abovePrice": "60500.00", "belowType": "STOP_LOSS", "belowStopPrice": "59500.00",
                    }
                )  # fmt: skip
                assert pair["contingencyType"] == "OCO"
                balance = await client.fetch_balance()
                assert balance["BTC"]["used"] == pytest.approx(0.00999) and balance["BTC"]["free"] == pytest.approx(0.0)
                assert len(await client.fetch_open_orders(S)) == 2
                loopback.control({"price": {"BTCUSDT": 60_600.0}})
                statuses = [one["status"] for one in await client.fetch_orders(S)]
                assert sorted(statuses) == ["closed", "closed", "expired"]
                assert await client.fetch_open_orders(S) == []
                assert (await client.fetch_balance())["BTC"]["total"] == pytest.approx(0.0)
            finally:
                await client.close()

    asyncio.run(main())
