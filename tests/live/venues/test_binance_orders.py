"""Binance's orders: what is sent, and what each answer comes to."""

import asyncio
from itertools import pairwise

import pytest
from tests.live.venues.recorded import ALGO, KEY, LOST, ORDER, SECRET, TRADE, Recorded, Turns, refused
from tests.live.virtual_time import run_virtual

from tradsys.live.venue import NotSent, OrderRefused, OrderRequest, StopPassed, VenueRefused, VenueUnknown
from tradsys.live.venues.binance import BinanceFutures
from tradsys.live.venues.ccxt_venue import Keys

S, ID = "BTC/USDT", "acct-btcusdt-1700000000-e1"
MARKET = OrderRequest(ID, S, 1, "market", 0.01)
STOP = OrderRequest("acct-btcusdt-1700000000-s1", S, -1, "stop", 0.01, 59_000.0, is_reduce_only=True)
LIMIT = OrderRequest("acct-btcusdt-1700000000-t1", S, -1, "limit", 0.01, 61_000.1, is_reduce_only=True)
PATH, ALGO_PATH = "fapi/v1/order", "fapi/v1/algoOrder"


def opened(clock=None, **replies):
    transport = Recorded(**replies)
    return BinanceFutures(keys=Keys(KEY, SECRET), transport=transport, clock=clock), transport


def ask(question, **replies):
    """What `question(venue)` answers, and what was sent for it."""
    venue, transport = opened(**replies)
    return run_virtual(lambda clock: question(venue)), transport


def without_signature(params):
    return {name: value for name, value in params.items() if name not in ("timestamp", "recvWindow", "signature")}


def test_a_market_order_is_sent_with_its_id_and_answered_with_its_fill():
    order, transport = ask(lambda venue: venue.place(MARKET), fapi__v1__order=ORDER)
    assert (order.status, order.filled_base, order.average_price, order.price) == ("filled", 0.01, 60_001.5, None)
    assert without_signature(transport.sent(PATH)[0]) == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "quantity": "0.010",
        "reduceOnly": "false",
        "newClientOrderId": ID,
        "newOrderRespType": "RESULT",
    }
    assert transport.sent(PATH)[0]["recvWindow"] == "5000"


def test_a_stop_goes_to_the_algo_endpoint_with_its_trigger():
    order, transport = ask(lambda venue: venue.place(STOP), fapi__v1__algoOrder=ALGO)
    assert (order.status, order.kind, order.price, order.is_reduce_only) == ("open", "stop", 59_000.0, True)
    assert without_signature(transport.sent(ALGO_PATH)[0]) == {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "algoType": "CONDITIONAL",
        "type": "STOP_MARKET",
        "workingType": "CONTRACT_PRICE",
        "quantity": "0.010",
        "reduceOnly": "true",
        "triggerPrice": "59000.0",
        "clientAlgoId": STOP.client_id,
    }


def test_a_limit_order_waits_until_it_is_cancelled():
    answer = ORDER | {"type": "LIMIT", "origType": "LIMIT", "status": "NEW", "price": "61000.10", "executedQty": "0"}
    order, transport = ask(lambda venue: venue.place(LIMIT), fapi__v1__order=answer | {"avgPrice": "0"})
    assert (order.status, order.price, order.average_price) == ("open", 61_000.1, None)
    sent = transport.sent(PATH)[0]
    assert (sent["type"], sent["timeInForce"], sent["price"]) == ("LIMIT", "GTC", "61000.1")


def test_a_limit_that_opens_may_take_and_rests_until_it_is_cancelled():
    opens = OrderRequest(ID, S, 1, "limit", 0.01, 59_000.1)
    answer = ORDER | {"type": "LIMIT", "origType": "LIMIT", "status": "NEW", "price": "59000.10", "executedQty": "0"}
    order, transport = ask(lambda venue: venue.place(opens), fapi__v1__order=answer | {"avgPrice": "0"})
    assert (order.kind, order.status, order.price, order.is_reduce_only) == ("limit", "open", 59_000.1, False)
    sent = transport.sent(PATH)[0]
    assert (sent["type"], sent["timeInForce"], sent["price"]) == ("LIMIT", "GTC", "59000.1")
    assert (sent["side"], sent["reduceOnly"], sent["newClientOrderId"]) == ("BUY", "false", ID)


@pytest.mark.parametrize("order", [MARKET, STOP, LIMIT])
@pytest.mark.parametrize("code", [-2019, -2021, -2022, -1111, -1013, -4003, -4131, -4164, -2015, -5028])
def test_a_refusal_is_definite_and_sent_once(order, code):
    venue, transport = opened(fapi__v1__order=refused(code, "why"), fapi__v1__algoOrder=refused(code, "why"))
    with pytest.raises(OrderRefused, match=rf"refused {order.client_id} \({code}: why\)"):
        run_virtual(lambda clock: venue.place(order))
    assert len(transport.sent(PATH) + transport.sent(ALGO_PATH)) == 1


@pytest.mark.parametrize(("order", "is_passed"), [(STOP, True), (MARKET, False), (LIMIT, False)])
def test_a_stop_that_would_trigger_at_once_has_been_passed(order, is_passed):
    venue, _ = opened(fapi__v1__order=refused(-2021, "why"), fapi__v1__algoOrder=refused(-2021, "why"))
    with pytest.raises(OrderRefused) as refusal:
        run_virtual(lambda clock: venue.place(order))
    assert isinstance(refusal.value, StopPassed) == is_passed


@pytest.mark.parametrize("order", [MARKET, STOP])
@pytest.mark.parametrize(
    "answer",
    [
        LOST,
        (503, {"code": -1007, "msg": "Send status unknown; execution status unknown."}),
        (503, {"code": -2010, "msg": "even where the words sound definite"}),
        (500, "<html>proxy</html>"),
        (502, ""),
        (403, "<html>firewall</html>"),
        (408, {"code": -1111, "msg": "x"}),
        (302, {"code": -1111, "msg": "x"}),
        (400, "<html>cut off"),
        (400, {"error": "no code"}),
        (200, "not json"),
        (200, {"orderId": 1}),
        (200, [1, 2]),
        (400, {"code": -1000, "msg": "x"}),
        (400, {"code": -1001, "msg": "Internal error"}),
        (400, {"code": -1006, "msg": "x"}),
        (400, {"code": -1007, "msg": "Timeout waiting for response from backend server."}),
        (400, {"code": -1008, "msg": "Request throttled"}),
        (400, {"code": -1015, "msg": "Too many new orders"}),
    ],
    ids=lambda value: str(value)[:40] if not isinstance(value, OrderRequest) else value.kind,
)
def test_anything_else_is_unknown(order, answer):
    venue, _ = opened(fapi__v1__order=answer, fapi__v1__algoOrder=answer)
    with pytest.raises(VenueUnknown):
        run_virtual(lambda clock: venue.place(order))


def test_a_question_that_failed_at_once_is_asked_once_more_and_an_order_never():
    for broken in (LOST, (503, "")):
        orders, transport = ask(
            lambda venue: venue.open_orders(),
            fapi__v1__openOrders=Turns(broken, []),
            fapi__v1__openAlgoOrders=Turns(broken, []),
        )
        assert orders == [] and len(transport.sent("fapi/v1/openOrders")) == 2
        venue, transport = opened(fapi__v1__openOrders=broken, fapi__v1__openAlgoOrders=[], fapi__v1__order=broken)
        for question in (venue.open_orders, lambda venue=venue: venue.place(MARKET)):
            with pytest.raises(VenueUnknown):
                run_virtual(lambda clock, question=question: question())
        assert len(transport.sent("fapi/v1/openOrders")) == 2
        assert len(transport.sent(PATH)) == 1


def test_a_question_that_hung_is_not_asked_again():
    async def hang(asked):
        await asyncio.sleep(4)
        return LOST

    venue, transport = opened(fapi__v1__openOrders=hang, fapi__v1__openAlgoOrders=[])
    with pytest.raises(VenueUnknown):
        run_virtual(lambda clock: venue.open_orders())
    assert len(transport.sent("fapi/v1/openOrders")) == 1


@pytest.mark.parametrize("status", [429, 418])
def test_an_order_that_came_too_often_is_unknown_and_the_wait_is_kept_to(status):
    tired = (status, {"code": -1003, "msg": "Too many requests"}, {"Retry-After": "30"})

    async def main(clock):
        venue, transport = opened(fapi__v1__order=Turns(tired, ORDER))
        with pytest.raises(NotSent, match="quiet for 30 s") as refused:
            await venue.place(MARKET)
        assert refused.value.wait_s == 30.0
        await asyncio.sleep(29)
        with pytest.raises(NotSent, match=r"no requests for another 1\.0 s; nothing was sent") as silent:
            await venue.place(MARKET)
        assert silent.value.wait_s == pytest.approx(1.0)
        n_sent = len(transport.asked)
        await asyncio.sleep(1.01)
        return n_sent, len(transport.asked), await venue.place(MARKET)

    n_sent, n_later, order = run_virtual(main)
    assert n_sent == n_later and order.status == "filled"


def test_without_a_stated_wait_each_further_refusal_doubles_it_and_a_burst_counts_once():
    async def main(clock):
        venue, _ = opened(fapi__v1__order=(429, {"code": -1003, "msg": ""}))
        await venue.markets([S])
        await venue.api._set_clock(again=False)
        waits = []
        for _ in range(4):
            answers = await asyncio.gather(*(venue.place(MARKET) for _ in range(10)), return_exceptions=True)
            assert all(isinstance(answer, VenueUnknown) for answer in answers)
            waits.append(venue.api.restraint.silent_until - asyncio.get_running_loop().time())
            await asyncio.sleep(waits[-1] + 0.01)
        return waits

    assert run_virtual(main) == pytest.approx([1, 2, 4, 8], abs=0.01)


def test_beyond_nine_tenths_of_the_limit_only_orders_go_out_until_the_minute_is_over():
    async def main(clock):
        used = {"X-MBX-USED-WEIGHT-1M": "2200"}
        venue, transport = opened(
            clock=clock, fapi__v1__openOrders=(200, [], used), fapi__v1__openAlgoOrders=[], fapi__v1__order=ORDER
        )
        await venue.markets([S])
        await venue.open_orders()
        n_asked = len(transport.asked)
        with pytest.raises(VenueUnknown, match="nothing but orders for another"):
            await venue.open_orders()
        assert len(transport.asked) == n_asked
        assert (await venue.place(MARKET)).status == "filled"
        await asyncio.sleep(60)
        return await venue.open_orders()

    assert run_virtual(main) == []


def test_questions_are_spread_over_the_minute_when_much_of_its_limit_is_used():
    used = [0]

    def weigh(params):
        used[0] += 1 if "symbol" in params else 40
        return 200, [], {"X-MBX-USED-WEIGHT-1M": str(used[0])}

    async def main(clock):
        venue, transport = opened(
            clock=clock, fapi__v1__openOrders=weigh, fapi__v1__openAlgoOrders=weigh, fapi__v1__time=server_time(clock)
        )
        await venue.markets([S])
        loop, most_s = asyncio.get_running_loop(), 0.0
        for _ in range(3):
            used[0], n_looks = 0, 0
            ends = (loop.time() // 60 + 1) * 60
            while loop.time() < ends - 0.2:
                began = loop.time()
                await venue.open_orders()
                most_s, n_looks = max(most_s, loop.time() - began), n_looks + 1
                await asyncio.sleep(0.02)
            assert used[0] <= 0.92 * 2_400 and n_looks > 300
            await asyncio.sleep(ends - loop.time() + 0.01)
        return most_s, transport

    most_s, transport = run_virtual(main, epoch_ms=1_700_000_040_000)
    assert most_s < 3
    by_symbol = [params for params in transport.sent("fapi/v1/openOrders") if "symbol" in params]
    assert len(by_symbol) > 600


def server_time(clock):
    return lambda params: {"serverTime": clock.now_ms()}


def test_orders_of_markets_that_nobody_asked_for_are_kept_when_the_limit_is_spared():
    foreign = ALGO | {"clientAlgoId": "web_1", "symbol": "ETHUSDT"}
    used = {"X-MBX-USED-WEIGHT-1M": "700"}

    async def main(clock):
        venue, transport = opened(
            clock=clock,
            fapi__v1__openOrders=(200, [], used),
            fapi__v1__openAlgoOrders=lambda asked: [ALGO] if "symbol" in asked else [ALGO, foreign],
            fapi__v1__time=lambda asked: (200, {"serverTime": clock.now_ms()}, used),
        )
        await venue.markets([S])
        looks = [[order.client_id for order in await venue.open_orders()] for _ in range(2)]
        transport.replies["fapi/v1/openAlgoOrders"] = []
        for _ in range(12):
            await asyncio.sleep(5.5)
            await venue.server_time_ms()  # its answer tells that much is used already
            later = await venue.open_orders()
        return looks, later, transport

    looks, later, transport = run_virtual(main)
    assert looks == [[ALGO["clientAlgoId"], "web_1"]] * 2 and later == []
    asked = [params.get("symbol") for params in transport.sent("fapi/v1/openOrders")]
    assert asked == [None, *["BTCUSDT"] * 11, None, "BTCUSDT"]


def test_a_refused_clock_is_set_right_and_the_order_sent_again():
    ahead = refused(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    times = Turns({"serverTime": 1}, {"serverTime": 1_700_000_000_000})
    order, transport = ask(lambda venue: venue.place(MARKET), fapi__v1__order=Turns(ahead, ORDER), fapi__v1__time=times)
    assert order.status == "filled"
    stamps = [int(sent["timestamp"]) for sent in transport.sent(PATH)]
    assert stamps == pytest.approx([1, 1_700_000_000_000], abs=2_000)
    assert [sent["newClientOrderId"] for sent in transport.sent(PATH)] == [ID, ID]


def test_a_clock_that_is_refused_twice_leaves_the_order_unknown():
    venue, transport = opened(fapi__v1__order=refused(-1021))
    with pytest.raises(VenueUnknown, match="refused the time of fapiPrivatePostOrder twice"):
        run_virtual(lambda clock: venue.place(MARKET))
    assert len(transport.sent(PATH)) == 2


def test_ten_orders_measure_the_clock_once():
    async def main(clock):
        venue, transport = opened(fapi__v1__order=ORDER)
        await asyncio.gather(*(venue.place(MARKET) for _ in range(10)))
        return transport

    assert len(run_virtual(main).sent("fapi/v1/time")) == 1


@pytest.mark.parametrize(("order", "path"), [(MARKET, PATH), (STOP, ALGO_PATH)])
def test_an_id_that_is_open_already_is_answered_with_its_order(order, path):
    name = {"clientOrderId": ID} if order is MARKET else {"clientAlgoId": order.client_id}
    found = (ORDER | {"status": "NEW"} if order is MARKET else ALGO) | name
    replies = {f"POST {path}": refused(-4116, "ClientOrderId is duplicated."), f"GET {path}": found}
    answer, transport = ask(lambda venue: venue.place(order), **replies)
    assert (answer.client_id, answer.status) == (order.client_id, "open")
    assert [method for method, asked, *_ in transport.asked if asked == path] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("found", "error"), [(ORDER | {"origQty": "0.020"}, OrderRefused), (refused(-2013), VenueUnknown)]
)
def test_an_id_that_another_order_has_is_refused_and_one_that_is_there_and_is_not_is_unknown(found, error):
    venue, _ = opened(**{f"POST {PATH}": refused(-4116), f"GET {PATH}": found})
    with pytest.raises(error, match=ID):
        run_virtual(lambda clock: venue.place(MARKET))


@pytest.mark.parametrize(("kind", "path"), [("market", PATH), ("stop", ALGO_PATH)])
def test_only_the_venues_own_word_makes_an_order_absent(kind, path):
    there = {"fapi__v1__order": refused(-2013), "fapi__v1__algoOrder": refused(-2013)}
    assert ask(lambda venue: venue.order(S, ID, kind), **there)[0] is None
    for answer, error in ((LOST, VenueUnknown), ((503, ""), VenueUnknown), (refused(-2015), VenueRefused)):
        venue, _ = opened(fapi__v1__order=answer, fapi__v1__algoOrder=answer)
        with pytest.raises(error):
            run_virtual(lambda clock, venue=venue: venue.order(S, ID, kind))


@pytest.mark.parametrize(
    ("status", "comes_to"),
    [
        ("NEW", "open"),
        ("TRIGGERING", "open"),
        ("CANCELED", "cancelled"),
        ("EXPIRED", "expired"),
        ("REJECTED", "refused"),
    ],
)
def test_a_stop_that_was_not_triggered_is_what_its_status_says(status, comes_to):
    order, _ = ask(lambda venue: venue.order(S, ID, "stop"), fapi__v1__algoOrder=ALGO | {"algoStatus": status})
    assert (order.status, order.filled_base) == (comes_to, 0.0)


@pytest.mark.parametrize("status", ["TRIGGERED", "FINISHED"])
def test_a_triggered_stop_is_what_the_order_came_to_that_it_became(status):
    algo = ALGO | {"algoStatus": status, "actualOrderId": "777"}
    became = ORDER | {"orderId": 777, "clientOrderId": "x-other", "side": "SELL", "avgPrice": "58990.0"}
    order, transport = ask(
        lambda venue: venue.order(S, ALGO["clientAlgoId"], "stop"), fapi__v1__algoOrder=algo, fapi__v1__order=became
    )
    assert (order.client_id, order.kind, order.status) == (ALGO["clientAlgoId"], "stop", "filled")
    assert (order.filled_base, order.average_price, order.price) == (0.01, 58_990.0, 59_000.0)
    assert transport.sent(PATH)[0]["orderId"] == "777"


@pytest.mark.parametrize(("actual", "answer"), [("", ORDER), ("777", refused(-2013))])
def test_a_triggered_stop_whose_order_is_not_told_yet_is_unknown(actual, answer):
    algo = ALGO | {"algoStatus": "FINISHED", "actualOrderId": actual}
    venue, _ = opened(fapi__v1__algoOrder=algo, fapi__v1__order=answer)
    with pytest.raises(VenueUnknown, match="became"):
        run_virtual(lambda clock: venue.order(S, ID, "stop"))


@pytest.mark.parametrize(("actual", "answer"), [("", ORDER), ("777", refused(-2013))])
@pytest.mark.parametrize("status", ["TRIGGERED", "FINISHED"])
def test_a_triggered_stop_that_became_nothing_within_a_minute_has_expired(status, actual, answer):
    algo = ALGO | {"algoStatus": status, "actualOrderId": actual}
    order, transport = ask(
        lambda venue: venue.order(S, ALGO["clientAlgoId"], "stop"),
        fapi__v1__algoOrder=algo,
        fapi__v1__order=answer,
        fapi__v1__time={"serverTime": ALGO["updateTime"] + 61_000},
    )
    assert (order.status, order.filled_base, order.average_price) == ("expired", 0.0, None)
    assert (order.client_id, order.kind, order.updated_ms) == (ALGO["clientAlgoId"], "stop", ALGO["updateTime"])
    assert len(transport.sent(PATH)) == (actual != "")


@pytest.mark.parametrize(("after_ms", "is_open"), [(59_000, True), (61_000, False)])
def test_a_stop_that_is_about_to_be_triggered_for_longer_than_a_minute_protects_nothing(after_ms, is_open):
    algo = ALGO | {"algoStatus": "TRIGGERING", "triggerTime": ALGO["updateTime"], "updateTime": ALGO["updateTime"] + 1}

    async def main(venue):
        return await venue.open_orders(), await venue.order(S, ALGO["clientAlgoId"], "stop")

    (orders, order), _ = ask(
        main,
        fapi__v1__openOrders=[],
        fapi__v1__openAlgoOrders=[algo],
        fapi__v1__algoOrder=algo,
        fapi__v1__time={"serverTime": ALGO["updateTime"] + after_ms},
    )
    assert (len(orders), order.status) == ((1, "open") if is_open else (0, "expired"))


def test_what_a_triggered_stop_filled_is_its_own_though_its_order_is_forgotten():
    algo = ALGO | {"algoStatus": "FINISHED", "actualOrderId": "777"}

    async def main(venue):
        await venue.order(S, ALGO["clientAlgoId"], "stop")
        return await venue.fills(S, TRADE["time"])

    fills, _ = ask(
        main,
        fapi__v1__algoOrder=algo,
        fapi__v1__order=refused(-2013),
        fapi__v1__userTrades=[TRADE | {"orderId": 777}],
        fapi__v1__allAlgoOrders=[],
        fapi__v1__time={"serverTime": ALGO["updateTime"] + 90_000},
    )
    assert [(fill.client_id, fill.size_base) for fill in fills] == [(ALGO["clientAlgoId"], 0.01)]


@pytest.mark.parametrize("status", ["NEW_ADL", "NEW_INSURANCE", "SOMETHING_NEW"])
def test_an_open_order_of_a_status_that_nobody_knows_is_open(status):
    rows = [ORDER | {"clientOrderId": "adl_autoclose", "status": status}, ORDER | {"status": "NEW"}]
    orders, _ = ask(
        lambda venue: venue.open_orders(),
        fapi__v1__openOrders=rows,
        fapi__v1__openAlgoOrders=[ALGO | {"algoStatus": status}],
    )
    assert [(order.client_id, order.status) for order in orders] == [
        ("adl_autoclose", "open"),
        (ID, "open"),
        (ALGO["clientAlgoId"], "open"),
    ]


@pytest.mark.parametrize("kind", ["market", "stop"])
def test_one_order_of_a_status_that_nobody_knows_is_unknown_and_the_status_is_named(kind):
    venue, _ = opened(
        fapi__v1__order=ORDER | {"status": "NEW_ADL"}, fapi__v1__algoOrder=ALGO | {"algoStatus": "NEW_ADL"}
    )
    with pytest.raises(VenueUnknown, match=r"1700000000-[es]1 .*'NEW_ADL'"):
        run_virtual(lambda clock: venue.order(S, ID, kind))
    with pytest.raises(VenueUnknown, match="'NEW_ADL'"):
        run_virtual(lambda clock: venue.place(STOP if kind == "stop" else MARKET))


def test_an_execution_of_an_order_of_a_status_that_nobody_knows_is_told():
    fills, _ = ask(
        lambda venue: venue.fills(S, TRADE["time"]),
        fapi__v1__userTrades=[TRADE],
        fapi__v1__allAlgoOrders=[],
        fapi__v1__order=ORDER | {"clientOrderId": "adl_autoclose", "status": "NEW_ADL"},
        fapi__v1__time={"serverTime": TRADE["time"] + 60_000},
    )
    assert [fill.client_id for fill in fills] == ["adl_autoclose"]


@pytest.mark.parametrize(("kind", "path"), [("limit", PATH), ("stop", ALGO_PATH)])
def test_cancelling_what_is_not_open_is_no_error_and_anything_else_is(kind, path):
    for fine in ({}, refused(-2011, "Unknown order sent."), refused(-2013)):
        _, transport = ask(lambda venue: venue.cancel(S, ID, kind), fapi__v1__order=fine, fapi__v1__algoOrder=fine)
        assert transport.asked[-1][:2] == ("DELETE", path)
    for answer, error in ((LOST, VenueUnknown), ((200, "no json"), VenueUnknown), (refused(-2015), VenueRefused)):
        venue, _ = opened(fapi__v1__order=answer, fapi__v1__algoOrder=answer)
        with pytest.raises(error):
            run_virtual(lambda clock, venue=venue: venue.cancel(S, ID, kind))


def test_open_orders_are_the_plain_and_the_conditional_ones_of_everybody():
    foreign = ALGO | {"clientAlgoId": "web_1", "orderType": "TAKE_PROFIT_MARKET", "quantity": "", "symbol": "ETHUSDT"}
    rows = [ORDER | {"status": "PARTIALLY_FILLED", "executedQty": "0.004", "origType": "LIMIT", "price": "60000"}]
    orders, _ = ask(
        lambda venue: venue.open_orders(), fapi__v1__openOrders=rows, fapi__v1__openAlgoOrders=[ALGO, foreign]
    )
    assert [(o.client_id, o.symbol, o.kind, o.filled_base) for o in orders] == [
        (ID, "BTCUSDT", "limit", 0.004),
        (ALGO["clientAlgoId"], "BTCUSDT", "stop", 0.0),
        ("web_1", "ETHUSDT", "stop", 0.0),
    ]


def test_a_failed_half_of_the_open_orders_is_no_empty_half():
    venue, _ = opened(fapi__v1__openOrders=[], fapi__v1__openAlgoOrders=(502, ""))
    with pytest.raises(VenueUnknown):
        run_virtual(lambda clock: venue.open_orders())


def test_executions_carry_the_ids_that_the_orders_had_here():
    rows = [TRADE, TRADE | {"id": 2, "orderId": 777, "side": "SELL", "realizedPnl": "-10.0"}]
    algo = ALGO | {"algoStatus": "FINISHED", "actualOrderId": "777"}
    fills, transport = ask(
        lambda venue: venue.fills(S, TRADE["time"]),
        fapi__v1__userTrades=rows,
        fapi__v1__allAlgoOrders=lambda asked: [algo] if int(asked["startTime"]) <= TRADE["time"] else [],
        fapi__v1__order=ORDER,
        fapi__v1__time={"serverTime": TRADE["time"] + 60_000},
    )
    assert [(f.trade_id, f.client_id, f.side, f.realised_quote) for f in fills] == [
        ("1", ID, 1, 0.0),
        ("2", ALGO["clientAlgoId"], -1, -10.0),
    ]
    assert len(transport.sent(PATH)) == 1


X_OTHER = ORDER | {"orderId": 777, "clientOrderId": "x-other", "origType": "STOP_MARKET", "side": "SELL"}


@pytest.mark.parametrize(
    ("answer", "age_ms", "comes_to"),
    [
        (X_OTHER, 30_000, VenueUnknown),
        (X_OTHER, 90_000, "x-other"),
        (refused(-2013), 30_000, VenueUnknown),
        (refused(-2013), 90_000, ""),
    ],
    ids=["stop", "old stop", "unseen", "forgotten"],
)
def test_an_execution_whose_order_is_not_told_yet_is_unknown_and_a_minute_later_nobodys(answer, age_ms, comes_to):
    algo = ALGO | {"algoStatus": "FINISHED", "actualOrderId": "777"}

    async def main(clock):
        venue, transport = opened(
            fapi__v1__userTrades=[TRADE | {"orderId": 777}],
            fapi__v1__allAlgoOrders=[],
            fapi__v1__order=answer,
            fapi__v1__time={"serverTime": TRADE["time"] + age_ms},
        )
        try:
            found = (await venue.fills(S, TRADE["time"]))[0].client_id
        except VenueUnknown as error:
            found = type(error)
        transport.replies["fapi/v1/allAlgoOrders"] = [algo]
        return found, (await venue.fills(S, TRADE["time"]))[0].client_id

    assert run_virtual(main) == (comes_to, ALGO["clientAlgoId"])


def test_executions_come_whole_however_many_pages_they_take():
    first = TRADE["time"]
    many = [TRADE | {"id": i, "time": first + i // 3} for i in range(1, 2_501)]

    def page(asked):
        if "fromId" in asked:
            return [row for row in many if row["id"] >= int(asked["fromId"])][:1_000]
        return [row for row in many if int(asked["startTime"]) <= row["time"] <= int(asked["endTime"])][:1_000]

    fills, transport = ask(
        lambda venue: venue.fills(S, first),
        fapi__v1__userTrades=page,
        fapi__v1__allAlgoOrders=[],
        fapi__v1__order=ORDER,
        fapi__v1__time={"serverTime": first + 60_000},
    )
    assert [fill.trade_id for fill in fills] == [str(i) for i in range(1, 2_501)]
    assert len(transport.sent("fapi/v1/userTrades")) == 3


def test_executions_of_several_weeks_are_asked_for_week_by_week():
    now, week = TRADE["time"] + 20 * 86_400_000, 604_800_000
    rows = [TRADE, TRADE | {"id": 9, "time": now - 1_000}]
    fills, transport = ask(
        lambda venue: venue.fills(S, TRADE["time"]),
        fapi__v1__userTrades=lambda a: [r for r in rows if int(a["startTime"]) <= r["time"] <= int(a["endTime"])],
        fapi__v1__allAlgoOrders=[],
        fapi__v1__order=ORDER,
        fapi__v1__time={"serverTime": now},
    )
    assert [fill.trade_id for fill in fills] == ["1", "9"]
    spans = [(int(a["startTime"]), int(a["endTime"])) for a in transport.sent("fapi/v1/userTrades")]
    assert all(end - start < week for start, end in spans) and len(spans) == 3
    assert all(after[0] == before[1] + 1 for before, after in pairwise(spans))


def test_a_fee_paid_in_another_asset_is_counted_at_what_that_was_worth():
    minute = TRADE["time"] // 60_000 * 60_000
    bar = [minute, "600", "610", "590", "605.5", "1", minute + 59_999, "1", 1, "1", "1", "0"]
    fills, transport = ask(
        lambda venue: venue.fills(S, TRADE["time"]),
        fapi__v1__userTrades=[TRADE | {"commission": "0.0005", "commissionAsset": "BNB"}],
        fapi__v1__allAlgoOrders=[],
        fapi__v1__order=ORDER,
        fapi__v1__klines=[bar],
        fapi__v1__time={"serverTime": TRADE["time"] + 60_000},
    )
    assert fills[0].fee_quote == pytest.approx(0.0005 * 605.5)
    assert transport.sent("fapi/v1/klines")[0]["symbol"] == "BNBUSDT"


def test_a_size_that_is_no_whole_number_of_lots_is_never_sent():
    venue, transport = opened()
    with pytest.raises(OrderRefused, match=r"whole number of steps of 0\.001, found 0\.0105; nothing was sent"):
        run_virtual(lambda clock: venue.place(OrderRequest(ID, S, 1, "market", 0.0105)))
    assert not transport.sent(PATH)
