"""What Binance's spot market says, and what it is sent, in the port's words; replies are recorded."""

import json

import pytest
from tests.live.venues.recorded import KEY, LOST, SECRET, Recorded, Turns, refused
from tests.live.virtual_time import run_virtual

from tradsys.live.venue import CoinBalance, Hint, OrderRefused, OrderRequest, StopPassed, VenueRefused, VenueUnknown
from tradsys.live.venues.binance_spot import BinanceSpot
from tradsys.live.venues.ccxt_venue import Keys

S = "BTC/USDT"
SYMBOL = {
    "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT", "ocoAllowed": True,
    "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS"], "isSpotTradingAllowed": True,
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00", "stepSize": "0.00001000"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "107.5", "stepSize": "0.00000000"},
        {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2",
         "askMultiplierUp": "5", "askMultiplierDown": "0.2", "avgPriceMins": 5},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
    ],
}  # fmt: skip
ORDER = {
    "symbol": "BTCUSDT", "orderId": 7, "orderListId": -1, "clientOrderId": "ours-1", "price": "0.00000000",
    "origQty": "0.01000000", "executedQty": "0.01000000", "cummulativeQuoteQty": "600.10000000", "status": "FILLED",
    "timeInForce": "GTC", "type": "MARKET", "side": "BUY", "stopPrice": "0.00000000", "time": 1, "updateTime": 2,
}  # fmt: skip
WAITING = {"status": "NEW", "executedQty": "0.00000000", "cummulativeQuoteQty": "0.00000000"}
TRADE = {
    "symbol": "BTCUSDT", "id": 1, "orderId": 7, "price": "60000.00", "qty": "0.01000000", "commission": "0.00001000",
    "commissionAsset": "BTC", "time": 60_123, "isBuyer": True, "isMaker": False,
}  # fmt: skip
NONE = {"maker": "0", "taker": "0", "buyer": "0", "seller": "0"}
FEES = {
    "standardCommission": NONE | {"maker": "0.001", "taker": "0.001"},
    "specialCommission": NONE,
    "taxCommission": NONE | {"taker": "0.0001", "seller": "0.0002"},
    "discount": {"enabledForAccount": True, "enabledForSymbol": True, "discountAsset": "BNB", "discount": "0.75"},
}
RIGHTS = {"enableSpotAndMarginTrading": True, "enableWithdrawals": False, "enableFutures": True}
BALANCES = [
    {"asset": "USDT", "free": "900.0", "locked": "100.0"},
    {"asset": "BTC", "free": "0.3", "locked": "0.2"},
    {"asset": "BNB", "free": "1.0", "locked": "0.0"},
]
STOP = OrderRequest("ours-stop-1", S, -1, "stop", 0.00999, 59_400.0, True)
TARGET = OrderRequest("ours-target-1", S, -1, "limit", 0.00999, 60_900.0, True)


def opened(*, keys=Keys(KEY, SECRET), **replies):
    known = {"api__v3__exchangeInfo": {"symbols": [SYMBOL]}, "api__v3__time": {"serverTime": 1}}
    transport = Recorded(**(known | replies))
    return BinanceSpot(keys=keys, transport=transport), transport


def ask(question, **replies):
    venue, transport = opened(**replies)
    return run_virtual(lambda clock: question(venue)), transport


def test_the_rules_of_a_spot_market_are_read_from_its_filters_and_a_step_of_zero_is_none():
    market = ask(lambda venue: venue.markets([S]))[0][S]
    assert (market.symbol, market.tick, market.lot, market.min_size_base) == (S, 0.01, 1e-5, 1e-5)
    assert (market.max_market_size_base, market.min_notional_quote) == (107.5, 5.0)
    assert market.price_band == pytest.approx(0.8)
    assert (market.can_short, market.sells_lock, market.can_pair) == (False, True, True)


def test_a_symbol_whose_stops_cannot_sell_at_the_market_is_refused_by_name():
    bare = SYMBOL | {"orderTypes": ["LIMIT", "MARKET", "STOP_LOSS_LIMIT"]}
    venue, _ = opened(api__v3__exchangeInfo={"symbols": [bare]})
    with pytest.raises(VenueRefused, match="takes no STOP_LOSS orders of BTCUSDT"):
        run_virtual(lambda clock: venue.markets([S]))


@pytest.mark.parametrize(("has_discount", "taker"), [(True, 7.5), (False, 10.0)])
def test_the_fee_is_the_accounts_own_with_tax_and_less_where_it_pays_in_bnb(has_discount, taker):
    fees = FEES | {"discount": FEES["discount"] | {"enabledForAccount": has_discount}}
    mode, _ = ask(
        lambda venue: venue.mode([S]),
        api__v3__account={"canTrade": True, "balances": []},
        sapi__v1__account__apiRestrictions=RIGHTS,
        api__v3__account__commission=fees,
    )
    assert (mode.taker_bps, mode.maker_bps) == (pytest.approx(taker + 3), pytest.approx(taker + 2))
    assert (mode.leverage, mode.margin_type) == ({S: None}, {S: None})


@pytest.mark.parametrize(
    ("rights", "can_trade", "can_withdraw"),
    [
        ({}, True, False),
        ({"enableSpotAndMarginTrading": False}, False, False),
        ({"enableWithdrawals": True}, True, True),
    ],
)
def test_the_keys_rights_are_those_for_spot(rights, can_trade, can_withdraw):
    mode, _ = ask(
        lambda venue: venue.mode([S]),
        api__v3__account={"canTrade": True, "balances": []},
        sapi__v1__account__apiRestrictions=RIGHTS | rights,
        api__v3__account__commission=FEES,
    )
    assert (mode.can_trade, mode.can_withdraw) == (can_trade, can_withdraw)


def test_the_account_is_money_and_coins_with_what_orders_lock():
    async def question(venue):
        await venue.markets([S])
        return await venue.account()

    state, _ = ask(
        question,
        api__v3__account={"balances": BALANCES},
        api__v3__ticker__price=[{"symbol": "BTCUSDT", "price": "60000.00"}],
    )
    assert (state.wallet_quote, state.available_quote, state.positions) == (1_000.0, 900.0, ())
    assert state.spot is not None and state.spot.coins == (CoinBalance(S, 0.5, 60_000.0),)


def test_a_market_that_is_gone_keeps_the_account_and_its_other_coins_from_nobody():
    other = SYMBOL | {"symbol": "OLDUSDT", "baseAsset": "OLD"}
    lists = Turns({"symbols": [SYMBOL, other]}, {"symbols": [SYMBOL]})
    asked = []

    def price(params):
        asked.append(json.loads(params["symbols"]))
        return [{"symbol": "BTCUSDT", "price": "60000.00"}]

    async def question(venue):
        await venue.markets([S, "OLD/USDT"])
        with pytest.raises(VenueRefused, match="no market OLD/USDT"):
            await venue.markets([S, "OLD/USDT"])
        return await venue.account()

    state, _ = ask(
        question,
        api__v3__exchangeInfo=lists,
        api__v3__account={"balances": BALANCES},
        api__v3__ticker__price=price,
    )
    assert state.spot is not None and state.spot.coins == (CoinBalance(S, 0.5, 60_000.0),)
    assert asked == [["BTCUSDT"]]


def test_a_price_that_is_not_told_is_no_answer():
    async def question(venue):
        await venue.markets([S])
        return await venue.mark_price(S)

    with pytest.raises(VenueUnknown):
        ask(question, api__v3__ticker__price=[{"symbol": "OLDUSDT", "price": "1.0"}])


def test_a_pair_is_one_list_of_a_stop_below_and_a_limit_above():
    def both(params):
        rows = [
            ORDER | {"orderId": 8, "clientOrderId": params["belowClientOrderId"], "type": "STOP_LOSS", "side": "SELL",
                     "status": "NEW", "executedQty": "0", "cummulativeQuoteQty": "0", "stopPrice": "59400.00"},
            ORDER | {"orderId": 9, "clientOrderId": params["aboveClientOrderId"], "type": "LIMIT_MAKER", "side": "SELL",
                     "status": "NEW", "executedQty": "0", "cummulativeQuoteQty": "0", "price": "60900.00"},
        ]  # fmt: skip
        return {"orderListId": 3, "orderReports": rows}

    (stop, target), transport = ask(lambda venue: venue.place_pair(STOP, TARGET), api__v3__orderList__oco=both)
    (sent,) = transport.sent("api/v3/orderList/oco")
    said = ("side", "quantity", "aboveType", "abovePrice", "belowType", "belowStopPrice")
    assert {name: sent[name] for name in said} == {
        "side": "SELL", "quantity": "0.00999", "aboveType": "LIMIT_MAKER", "abovePrice": "60900.00",
        "belowType": "STOP_LOSS", "belowStopPrice": "59400.00",
    }  # fmt: skip
    assert (stop.kind, stop.price, stop.status, stop.is_reduce_only) == ("stop", 59_400.0, "open", True)
    assert (target.kind, target.price, target.status) == ("limit", 60_900.0, "open")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (refused(-2010, "Order would trigger immediately."), StopPassed),
        (refused(-2010, "The relationship of the prices for the orders is not correct."), OrderRefused),
        (refused(-2010, "Account has insufficient balance for requested action."), OrderRefused),
        (refused(-1013, "Filter failure: NOTIONAL"), OrderRefused),
        (refused(-1007, "Timeout waiting for response from backend server.", 503), VenueUnknown),
        (LOST, VenueUnknown),
    ],
)
def test_a_pair_that_is_not_taken_is_refused_passed_or_unknown(reply, error):
    venue, _ = opened(api__v3__orderList__oco=reply)
    with pytest.raises(error) as raised:
        run_virtual(lambda clock: venue.place_pair(STOP, TARGET))
    assert type(raised.value).__mro__[0] is error or error is VenueUnknown


def test_a_bid_may_take_and_rests_until_it_is_cancelled():
    request = OrderRequest("ours-1", S, 1, "limit", 0.01, 59_000.0)
    waiting = ORDER | {"status": "NEW", "executedQty": "0", "cummulativeQuoteQty": "0", "type": "LIMIT"}
    venue, transport = opened(**{"POST api/v3/order": waiting | {"price": "59000"}})
    order = run_virtual(lambda clock: venue.place(request))
    assert (order.kind, order.status, order.price, order.is_reduce_only) == ("limit", "open", 59_000.0, False)
    (sent,) = transport.sent("api/v3/order")
    assert (sent["side"], sent["type"], sent["timeInForce"], sent["price"]) == ("BUY", "LIMIT", "GTC", "59000.00")


def test_an_order_that_is_there_already_is_answered_as_it_is():
    request = OrderRequest("ours-1", S, 1, "limit", 0.01, 59_000.0)
    waiting = ORDER | {
        "status": "NEW",
        "executedQty": "0",
        "cummulativeQuoteQty": "0",
        "type": "LIMIT",
        "price": "59000",
    }
    venue, transport = opened(
        **{"POST api/v3/order": refused(-2010, "Duplicate order sent."), "GET api/v3/order": waiting}
    )
    order = run_virtual(lambda clock: venue.place(request))
    assert (order.client_id, order.status, order.price) == ("ours-1", "open", 59_000.0)
    assert len(transport.sent("api/v3/order")) == 2


@pytest.mark.parametrize(
    ("asset", "commission", "worth", "coins"),
    [("BTC", "0.00001", 0.6, 1e-5), ("USDT", "0.6", 0.6, 0.0), ("BNB", "0.001", 0.6, 0.0)],
)
def test_a_fee_is_worth_what_it_is_worth_in_money_and_taken_in_coins_only_where_it_is(asset, commission, worth, coins):
    (fill,), _ = ask(
        lambda venue: venue.fills(S, 60_000),
        api__v3__myTrades=lambda params: [TRADE | {"commission": commission, "commissionAsset": asset}],
        api__v3__order=ORDER,
        api__v3__klines=[[60_000, "600", "600", "600", "600", "1", 119_999, "1", 1, "1", "1", "0"]],
        api__v3__time={"serverTime": 61_000},
    )
    assert (fill.client_id, fill.side, fill.size_base, fill.realised_quote) == ("ours-1", 1, 0.01, None)
    assert (fill.fee_quote, fill.fee_base) == (pytest.approx(worth), pytest.approx(coins))


BNB = {"commission": "0.001", "commissionAsset": "BNB"}


def spent(venue):
    return venue.fills(S, 60_000)


def test_a_fee_in_an_asset_without_a_price_is_the_accounts_rate_for_makers_and_for_takers():
    fills, _ = ask(
        spent,
        api__v3__myTrades=lambda params: [TRADE | BNB | {"id": k, "isMaker": k == 1} for k in (1, 2)],
        api__v3__order=ORDER,
        api__v3__klines=refused(-1121),
        api__v3__account__commission=FEES,
        api__v3__time={"serverTime": 61_000},
    )
    assert [fill.fee_quote for fill in fills] == [pytest.approx(600 * 0.00095), pytest.approx(600 * 0.00105)]


def test_a_price_of_a_minute_is_asked_for_once_for_all_that_was_traded_in_it():
    asked = []

    def bars(params):
        asked.append(params)
        return [[60_000, "600", "600", "600", "600", "1", 119_999, "1", 1, "1", "1", "0"]]

    fills, _ = ask(
        spent,
        api__v3__myTrades=lambda params: [TRADE | BNB | {"id": k} for k in range(5)],
        api__v3__order=ORDER,
        api__v3__klines=bars,
        api__v3__time={"serverTime": 61_000},
    )
    assert (len(fills), len(asked)) == (5, 1)


def test_money_is_counted_in_one_currency():
    other = SYMBOL | {"symbol": "BTCUSDC", "quoteAsset": "USDC"}
    venue, _ = opened(
        api__v3__exchangeInfo={"symbols": [SYMBOL, other]},
        api__v3__account={"balances": BALANCES},
        api__v3__ticker__price=[{"symbol": name, "price": "1"} for name in ("BTCUSDT", "BTCUSDC")],
    )

    async def question(clock):
        await venue.markets([S, "BTC/USDC"])
        return await venue.account()

    with pytest.raises(VenueRefused, match="counted in one currency, found USDC, USDT"):
        run_virtual(question)


def test_the_accounts_stream_is_a_signed_subscription_whose_reports_are_hints():
    report = {"subscriptionId": 0, "event": {"e": "executionReport", "s": "BTCUSDT", "c": "ours-1"}}
    venue, transport = opened(**{"ws-api__v3": [{"id": "account", "status": 200, "result": {}}, report]})

    async def question(clock):
        return await anext(venue.hints([S], 3_600_000))

    assert run_virtual(question) == Hint("account", S)
    asked = json.loads(next(talk.first[0] for url, talk in transport.streams if "ws-api" in url))
    assert asked["method"] == "userDataStream.subscribe.signature"
    assert set(asked["params"]) == {"apiKey", "timestamp", "signature"} and SECRET not in json.dumps(asked)
