"""Bybit's adapter on recorded answers: the same port, in another venue's words."""

import json

import pytest
from tests.live.venues.recorded import KEY, LOST, SECRET, Recorded, Turns
from tests.live.virtual_time import run_virtual

from tradsys.live.venue import FundingPayment, Hint, OrderRefused, OrderRequest, StopPassed, VenueRefused, VenueUnknown
from tradsys.live.venues.bybit import BybitLinear
from tradsys.live.venues.ccxt_venue import Keys

S, ID = "BTC/USDT", "acct-btcusdt-1700000000-e1"
NOW = 1_700_000_000_000
MARKET = OrderRequest(ID, S, 1, "market", 0.01)
STOP = OrderRequest("acct-btcusdt-1700000000-s1", S, -1, "stop", 0.01, 59_000.0, is_reduce_only=True)
INSTRUMENT = {
    "symbol": "BTCUSDT",
    "contractType": "LinearPerpetual",
    "status": "Trading",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "settleCoin": "USDT",
    "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
    "lotSizeFilter": {
        "maxOrderQty": "1190.000",
        "minOrderQty": "0.001",
        "qtyStep": "0.001",
        "maxMktOrderQty": "500.000",
        "minNotionalValue": "5",
    },
    "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
}
ORDER = {
    "orderId": "c6f055d9",
    "orderLinkId": ID,
    "symbol": "BTCUSDT",
    "price": "63000.00",
    "qty": "0.010",
    "side": "Buy",
    "positionIdx": 0,
    "orderStatus": "Filled",
    "avgPrice": "60001.5",
    "cumExecQty": "0.010",
    "orderType": "Market",
    "stopOrderType": "",
    "triggerPrice": "",
    "reduceOnly": False,
    "updatedTime": "1700000000123",
}
STOP_ORDER = ORDER | {
    "orderLinkId": STOP.client_id,
    "side": "Sell",
    "orderStatus": "Untriggered",
    "avgPrice": "",
    "cumExecQty": "0.000",
    "stopOrderType": "Stop",
    "triggerPrice": "59000.00",
    "reduceOnly": True,
}
EXECUTION = {
    "symbol": "BTCUSDT",
    "execId": "e0cbe81d",
    "orderLinkId": ID,
    "side": "Buy",
    "execQty": "0.010",
    "execPrice": "60001.50",
    "execFee": "0.33",
    "execPnl": "0",
    "execType": "Trade",
    "isMaker": False,
    "execTime": "1700000000123",
}


def ok(rows, cursor=""):
    return {"retCode": 0, "retMsg": "OK", "result": {"list": rows, "nextPageCursor": cursor}}


def no(code, words="no"):
    return {"retCode": code, "retMsg": words, "result": {}}


def opened(**replies):
    usual = {
        "v5/market/time": {"retCode": 0, "result": {"timeNano": f"{NOW}000000"}},
        "v5/market/instruments-info": ok([INSTRUMENT]),
    }
    transport = Recorded(**usual | {path.replace("__", "/"): answer for path, answer in replies.items()})
    return BybitLinear(keys=Keys(KEY, SECRET), transport=transport), transport


def ask(question, **replies):
    venue, transport = opened(**replies)
    return run_virtual(lambda clock: question(venue)), transport


PLACE = {"v5/order/create": {"retCode": 0, "retMsg": "OK", "result": {"orderLinkId": ID}}}


def test_the_rules_of_a_market_are_read():
    market = ask(lambda venue: venue.markets([S]))[0][S]
    assert (market.tick, market.lot, market.min_size_base, market.max_market_size_base) == (0.1, 0.001, 0.001, 500.0)
    assert (market.min_notional_quote, market.price_band, market.is_trading, market.can_short) == (
        5.0,
        0.01,
        True,
        True,
    )


def test_markets_come_in_pages():
    other = INSTRUMENT | {"symbol": "ETHUSDT", "baseCoin": "ETH"}
    pages = Turns(ok([INSTRUMENT], "next"), ok([other]))
    markets, transport = ask(lambda venue: venue.markets([S, "ETH/USDT"]), **{"v5/market/instruments-info": pages})
    assert set(markets) == {S, "ETH/USDT"}
    assert transport.sent("v5/market/instruments-info")[1]["cursor"] == "next"


def test_an_order_is_sent_and_then_asked_for():
    order, transport = ask(
        lambda venue: venue.place(MARKET), **PLACE | {"v5/order/realtime": Turns(ok([]), ok([ORDER]))}
    )
    assert (order.client_id, order.status, order.kind, order.price) == (ID, "filled", "market", None)
    assert (order.filled_base, order.average_price) == (0.01, 60_001.5)
    assert transport.sent("v5/order/create")[0] == {
        "category": "linear",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "orderType": "Market",
        "qty": "0.010",
        "reduceOnly": False,
        "orderLinkId": ID,
        "positionIdx": 0,
    }


def test_a_limit_that_opens_may_take_and_rests_until_it_is_cancelled():
    request = OrderRequest(ID, S, 1, "limit", 0.01, 59_000.0)
    resting = ORDER | {"orderStatus": "New", "orderType": "Limit", "price": "59000", "cumExecQty": "0", "avgPrice": ""}
    order, transport = ask(lambda venue: venue.place(request), **PLACE | {"v5/order/realtime": ok([resting])})
    assert (order.kind, order.status, order.price, order.is_reduce_only) == ("limit", "open", 59_000.0, False)
    sent = transport.sent("v5/order/create")[0]
    assert (sent["orderType"], sent["timeInForce"], sent["price"]) == ("Limit", "GTC", "59000.0")
    assert (sent["side"], sent["reduceOnly"]) == ("Buy", False)


@pytest.mark.parametrize(("side", "direction"), [(-1, 2), (1, 1)])
def test_a_stop_that_sells_is_triggered_from_above(side, direction):
    request = OrderRequest(STOP.client_id, S, side, "stop", 0.01, 59_000.0, True)
    order, transport = ask(lambda venue: venue.place(request), **PLACE | {"v5/order/realtime": ok([STOP_ORDER])})
    assert (order.kind, order.status, order.price, order.is_reduce_only) == ("stop", "open", 59_000.0, True)
    sent = transport.sent("v5/order/create")[0]
    assert (sent["triggerPrice"], sent["triggerDirection"], sent["triggerBy"]) == ("59000.0", direction, "LastPrice")


@pytest.mark.parametrize("code", [10001, 10003, 10005, 110007, 110017, 110092, 110094])
def test_a_refusal_is_definite_and_nothing_is_asked(code):
    venue, transport = opened(**{"v5/order/create": no(code, "why")})
    with pytest.raises(OrderRefused, match=rf"refused {ID} \({code}: why\)"):
        run_virtual(lambda clock: venue.place(MARKET))
    assert not transport.sent("v5/order/realtime")


@pytest.mark.parametrize(("code", "is_passed"), [(110092, True), (110093, True), (110094, False)])
def test_a_stop_whose_trigger_the_price_is_beyond_has_been_passed(code, is_passed):
    venue, _ = opened(**{"v5/order/create": no(code, "expect Rising, but trigger_price <= current")})
    with pytest.raises(OrderRefused) as refusal:
        run_virtual(lambda clock: venue.place(OrderRequest(ID, S, -1, "stop", 0.01, 59_000.0, True)))
    assert isinstance(refusal.value, StopPassed) == is_passed


@pytest.mark.parametrize(
    "answer",
    [
        LOST,
        no(10000),
        no(10016),
        no(10006),
        no(10018),
        (503, ""),
        (200, "x"),
        (200, {}),
        (403, no(10005)),
        (404, {"a": 1}),
    ],
    ids=str,
)
def test_anything_else_is_unknown(answer):
    venue, _ = opened(**{"v5/order/create": answer})
    with pytest.raises(VenueUnknown):
        run_virtual(lambda clock: venue.place(MARKET))


def test_an_order_that_was_taken_and_is_not_shown_is_unknown():
    nothing = {"v5/order/realtime": ok([]), "v5/order/history": ok([])}
    venue, _ = opened(**PLACE | nothing)
    with pytest.raises(VenueUnknown, match="took acct-btcusdt-1700000000-e1, and does not show it yet"):
        run_virtual(lambda clock: venue.place(MARKET))


def test_too_many_visits_leave_it_alone_for_a_while():
    async def main(clock):
        venue, transport = opened(**{"v5/order/create": no(10006), "v5/order/realtime": ok([])})
        await venue.markets([S])
        with pytest.raises(VenueUnknown, match="asked too often"):
            await venue.place(MARKET)
        with pytest.raises(VenueUnknown, match="nothing was sent"):
            await venue.place(MARKET)
        return transport

    assert len(run_virtual(main).sent("v5/order/create")) == 1


def test_a_refused_clock_is_set_right_and_the_order_sent_again():
    answers = Turns(no(10002, "timestamp"), PLACE["v5/order/create"])
    order, transport = ask(lambda v: v.place(MARKET), **{"v5/order/create": answers, "v5/order/realtime": ok([ORDER])})
    assert order.status == "filled" and len(transport.sent("v5/market/time")) == 2


def test_an_id_that_is_there_already_is_answered_with_its_order():
    answers = {"v5/order/create": no(110072), "v5/order/realtime": ok([ORDER])}
    assert ask(lambda venue: venue.place(MARKET), **answers)[0].client_id == ID
    other = answers | {"v5/order/realtime": ok([ORDER | {"qty": "0.020"}])}
    venue, _ = opened(**other)
    with pytest.raises(OrderRefused, match=r"has another order under acct-btcusdt-1700000000-e1, of 0\.02"):
        run_virtual(lambda clock: venue.place(MARKET))


def test_an_order_is_looked_for_among_open_lately_closed_and_old_ones():
    found, transport = ask(
        lambda venue: venue.order(S, ID, "market"),
        **{"v5/order/realtime": ok([]), "v5/order/history": ok([ORDER | {"orderStatus": "PartiallyFilledCanceled"}])},
    )
    assert found.status == "cancelled"
    assert [asked["openOnly"] for asked in transport.sent("v5/order/realtime")] == ["0", "1"]
    nothing = {"v5/order/realtime": ok([]), "v5/order/history": ok([])}
    assert ask(lambda venue: venue.order(S, ID, "market"), **nothing)[0] is None
    venue, _ = opened(**nothing | {"v5/order/history": (502, "")})
    with pytest.raises(VenueUnknown):
        run_virtual(lambda clock: venue.order(S, ID, "market"))


def test_cancelling_what_is_not_open_is_no_error_and_anything_else_is():
    for fine in ({"retCode": 0, "result": {}}, no(110001, "order not exists or too late to cancel")):
        ask(lambda venue: venue.cancel(S, ID, "stop"), **{"v5/order/cancel": fine})
    for answer, error in ((no(10005), VenueRefused), (LOST, VenueUnknown)):
        venue, _ = opened(**{"v5/order/cancel": answer})
        with pytest.raises(error):
            run_virtual(lambda clock, venue=venue: venue.cancel(S, ID, "stop"))


def test_open_orders_come_in_pages_and_are_open():
    pages = Turns(ok([STOP_ORDER], "next"), ok([ORDER, ORDER | {"orderStatus": "New", "orderType": "Limit"}]))
    orders, _ = ask(lambda venue: venue.open_orders(), **{"v5/order/realtime": pages})
    assert [(order.client_id, order.kind) for order in orders] == [(STOP.client_id, "stop"), (ID, "limit")]


COIN = {
    "coin": "USDT",
    "walletBalance": "1000",
    "unrealisedPnl": "-10",
    "totalPositionIM": "100",
    "totalOrderIM": "5",
    "locked": "0",
    "equity": "990",
    "marginCollateral": True,
    "collateralSwitch": True,
}
HELD = {
    "symbol": "BTCUSDT",
    "side": "Sell",
    "size": "0.010",
    "avgPrice": "60000",
    "markPrice": "61000",
    "unrealisedPnl": "-10",
    "liqPrice": "90000",
    "positionIdx": 0,
    "leverage": "3",
}


def wallet(*coins):
    return ok([{"accountType": "UNIFIED", "coin": list(coins)}])


def test_the_account_is_money_in_its_quote_and_what_is_held():
    flat = HELD | {"symbol": "ETHUSDT", "side": "", "size": "0", "liqPrice": ""}
    account, _ = ask(
        lambda venue: venue.account(),
        **{"v5/account/wallet-balance": wallet(COIN), "v5/position/list": ok([HELD, flat])},
    )
    assert (account.wallet_quote, account.equity_quote, account.available_quote) == (1000.0, 990.0, 885.0)
    assert [(p.symbol, p.size_base, p.entry_price) for p in account.positions] == [("BTCUSDT", -0.01, 60_000.0)]


RIGHTS = {"ContractTrade": ["Order", "Position"], "Wallet": ["AccountTransfer"]}


def mode(*, margin="ISOLATED_MARGIN", rights=RIGHTS, read_only=0, position=HELD, coins=(COIN,)):
    replies = {
        "v5/account/info": {"retCode": 0, "result": {"marginMode": margin, "unifiedMarginStatus": 5}},
        "v5/user/query-api": {"retCode": 0, "result": {"readOnly": read_only, "permissions": rights}},
        "v5/account/fee-rate": ok([{"symbol": "BTCUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "0.0002"}]),
        "v5/position/list": ok([position]),
        "v5/account/wallet-balance": wallet(*coins),
    }
    return ask(lambda venue: venue.mode([S]), **replies)[0]


def test_the_mode_tells_rights_fees_and_settings():
    found = mode()
    assert (found.can_trade, found.can_withdraw, found.is_hedge_mode, found.is_multi_asset) == (
        True,
        False,
        False,
        False,
    )
    assert (found.taker_bps, found.maker_bps) == (pytest.approx(5.5), pytest.approx(2))
    assert (found.leverage, found.margin_type) == ({S: 3.0}, {S: "isolated"})


def test_a_dangerous_mode_is_told():
    assert mode(rights=RIGHTS | {"Wallet": ["Withdraw"]}).can_withdraw
    assert not mode(rights=RIGHTS | {"ContractTrade": ["Position"]}).can_trade
    assert not mode(read_only=1).can_trade
    assert mode(position=HELD | {"positionIdx": 1}).is_hedge_mode
    bitcoin = COIN | {"coin": "BTC", "equity": "0.5"}
    assert mode(margin="REGULAR_MARGIN", coins=(COIN, bitcoin)).is_multi_asset
    assert not mode(margin="REGULAR_MARGIN", coins=(COIN, bitcoin | {"collateralSwitch": False})).is_multi_asset
    assert not mode(coins=(COIN, bitcoin)).is_multi_asset
    assert mode(margin="PORTFOLIO_MARGIN").margin_type == {S: None}


def leverage_replies(before, after):
    return {
        "v5/account/info": {"retCode": 0, "result": {"marginMode": "ISOLATED_MARGIN"}},
        "v5/user/query-api": {"retCode": 0, "result": {"readOnly": 0, "permissions": RIGHTS}},
        "v5/account/fee-rate": ok([]),
        "v5/account/wallet-balance": wallet(COIN),
        "v5/position/list": Turns(ok([HELD | {"leverage": before}]), ok([HELD | {"leverage": after}])),
        "v5/position/set-leverage": no(110043, "leverage not modified"),
    }


def test_leverage_is_set_and_read_back():
    _, transport = ask(lambda venue: venue.set_leverage(S, 5, "isolated"), **leverage_replies("3", "5"))
    assert transport.sent("v5/position/set-leverage")[0]["buyLeverage"] == "5"
    venue, _ = opened(**leverage_replies("3", "3"))
    with pytest.raises(VenueRefused, match=r"to have leverage 5, isolated; .* reads back 3\.0, isolated"):
        run_virtual(lambda clock: venue.set_leverage(S, 5, "isolated"))


def test_executions_come_in_pages_of_weeks_without_funding():
    second = EXECUTION | {"execId": "e1", "execType": "Funding"}
    third = EXECUTION | {"execId": "e2", "execType": "BustTrade", "execTime": "1700000000100", "orderLinkId": ""}

    def page(asked):
        first = int(asked["startTime"]) <= int(EXECUTION["execTime"]) <= int(asked["endTime"])
        return ok([third]) if asked.get("cursor") else ok([EXECUTION, second], "next") if first else ok([])

    fills, transport = ask(
        lambda venue: venue.fills(S, NOW),
        **{
            "v5/execution/list": page,
            "v5/market/time": {"retCode": 0, "result": {"timeNano": f"{NOW + 8 * 86_400_000}000000"}},
        },
    )
    assert [(fill.trade_id, fill.client_id) for fill in fills] == [("e2", ""), ("e0cbe81d", ID)]
    assert (fills[1].fee_quote, fills[1].price, fills[1].is_maker) == (0.33, 60_001.5, False)
    assert len(transport.sent("v5/execution/list")) == 3


def test_funding_that_was_paid_is_positive():
    row = {"id": "1", "symbol": "BTCUSDT", "funding": "-0.25", "transactionTime": f"{NOW}"}
    payments, _ = ask(lambda venue: venue.funding(NOW), **{"v5/account/transaction-log": ok([row])})
    assert payments == [FundingPayment("1", "BTCUSDT", 0.25, NOW)]


def test_bars_come_in_order_with_their_turnover():
    rows = [[f"{NOW + 60_000}", "2", "3", "1", "2.5", "10", "20"], [f"{NOW}", "1", "2", "0.5", "2", "5", "9"]]
    bars, transport = ask(lambda venue: venue.klines(S, 60_000, NOW, limit=2), **{"v5/market/kline": ok(rows)})
    assert [(bar.ts_ms, bar.close, bar.extra) for bar in bars] == [
        (NOW, 2.0, {"quote_volume": 9.0}),
        (NOW + 60_000, 2.5, {"quote_volume": 20.0}),
    ]
    assert transport.sent("v5/market/kline")[0]["end"] == str(NOW + 119_999)
    with pytest.raises(VenueRefused, match="Bybit has no bars of 420000 ms"):
        ask(lambda venue: venue.klines(S, 420_000, NOW))


def test_funding_rates_are_read_back_from_the_newest():
    rows = [{"fundingRateTimestamp": f"{NOW - i}", "fundingRate": "0.0001"} for i in range(250)]

    def page(asked):
        return ok([row for row in rows if int(row["fundingRateTimestamp"]) <= int(asked["endTime"])][:200])

    rates, transport = ask(lambda venue: venue.funding_rates(S, NOW - 300), **{"v5/market/funding/history": page})
    assert [ts for ts, _ in rates] == [NOW - i for i in range(249, -1, -1)]
    assert len(transport.sent("v5/market/funding/history")) == 2


def listen(**streams):
    async def main(clock):
        venue, transport = opened(**streams)
        await venue.markets([S])
        found, ended = [], None
        try:
            async for hint in venue.hints([S], 60_000):
                found.append(hint)
        except VenueUnknown as error:
            ended = str(error)
        return found, ended, transport

    return run_virtual(main)


def test_confirmed_bars_are_hints():
    def bar(is_confirmed):
        return {"topic": "kline.1.BTCUSDT", "data": [{"start": NOW, "confirm": is_confirmed}]}

    messages = [{"success": True, "op": "subscribe"}, bar(False), bar(True), {"op": "pong"}]
    found, ended, transport = listen(v5__public__linear=messages)
    assert (found, ended) == ([Hint("bar", S, NOW)], None)
    assert json.loads(transport.streams[0][1].first[0]) == {"op": "subscribe", "args": ["kline.1.BTCUSDT"]}


def test_whatever_happens_to_the_account_is_a_hint_and_a_refused_key_is_told_without_it():
    found, _, transport = listen(v5__private=[{"topic": "order", "data": [{"symbol": "BTCUSDT"}] * 2}])
    assert found == [Hint("account", S)]
    auth = json.loads(transport.streams[-1][1].first[0])
    assert auth["op"] == "auth" and auth["args"][0] == KEY and len(auth["args"][2]) == 64
    _, ended, _ = listen(v5__private=[{"success": False, "ret_msg": f"bad key {KEY}", "op": "auth"}])
    assert ended == "bybit refused to open a stream"
