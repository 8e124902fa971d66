"""What Binance says of the account and of the market, in the port's words."""

import math

import pytest
from tests.live.venues.recorded import KEY, LOST, SECRET, SYMBOL, Recorded, Turns, refused
from tests.live.virtual_time import run_virtual

from tradsys.live.venue import CashTransfer, FundingPayment, Hint, TellsTransfers, VenueRefused, VenueUnknown
from tradsys.live.venues.binance import BinanceFutures
from tradsys.live.venues.ccxt_venue import Keys

S = "BTC/USDT"
CONFIG = {"canTrade": True, "canWithdraw": True, "dualSidePosition": False, "multiAssetsMargin": False}
RIGHTS = {"enableFutures": True, "enableWithdrawals": False}
SYMBOL_CONFIG = {"symbol": "BTCUSDT", "marginType": "CROSSED", "leverage": 20}
FEES = {"symbol": "BTCUSDT", "makerCommissionRate": "0.0002", "takerCommissionRate": "0.0005"}
MODE = {
    "fapi/v1/accountConfig": CONFIG,
    "sapi/v1/account/apiRestrictions": RIGHTS,
    "fapi/v1/symbolConfig": [SYMBOL_CONFIG],
    "fapi/v1/commissionRate": FEES,
}


def opened(*, keys=Keys(KEY, SECRET), **replies):
    transport = Recorded(**replies)
    return BinanceFutures(keys=keys, transport=transport), transport


def ask(question, **replies):
    venue, transport = opened(**replies)
    return run_virtual(lambda clock: question(venue)), transport


def test_the_rules_of_a_market_are_read_from_its_filters():
    market = ask(lambda venue: venue.markets([S]))[0][S]
    assert (market.symbol, market.tick, market.lot, market.min_size_base) == (S, 0.1, 0.001, 0.001)
    assert (market.max_market_size_base, market.min_notional_quote) == (120.0, 50.0)
    assert market.price_band == pytest.approx(0.04)
    assert market.is_trading and market.can_short


def test_a_market_that_is_settling_does_not_trade_and_one_without_a_band_has_none():
    quiet = SYMBOL | {"status": "SETTLING", "filters": SYMBOL["filters"][:-1]}
    market = ask(lambda venue: venue.markets([S]), fapi__v1__exchangeInfo={"symbols": [quiet]})[0][S]
    assert not market.is_trading and market.price_band == math.inf


def test_a_future_that_ends_is_not_the_perpetual():
    ends = SYMBOL | {"symbol": "BTCUSDT_260327", "contractType": "CURRENT_QUARTER"}
    venue, _ = opened(fapi__v1__exchangeInfo={"symbols": [ends]})
    with pytest.raises(VenueRefused, match="no market BTC/USDT; did you mean BTC/USDT:USDT-260327"):
        run_virtual(lambda clock: venue.markets([S]))


def test_the_mode_tells_rights_fees_and_what_each_symbol_is_set_to():
    mode, _ = ask(lambda venue: venue.mode([S]), **MODE)
    assert (mode.can_trade, mode.can_withdraw, mode.is_hedge_mode, mode.is_multi_asset) == (True, False, False, False)
    assert (mode.taker_bps, mode.maker_bps) == (pytest.approx(5), pytest.approx(2))
    assert (mode.leverage, mode.margin_type) == ({S: 20.0}, {S: "cross"})


@pytest.mark.parametrize(
    ("path", "changed", "field"),
    [
        ("fapi/v1/accountConfig", CONFIG | {"dualSidePosition": True}, "is_hedge_mode"),
        ("fapi/v1/accountConfig", CONFIG | {"multiAssetsMargin": True}, "is_multi_asset"),
        ("sapi/v1/account/apiRestrictions", RIGHTS | {"enableWithdrawals": True}, "can_withdraw"),
    ],
)
def test_a_dangerous_mode_is_told(path, changed, field):
    assert getattr(ask(lambda venue: venue.mode([S]), **MODE | {path: changed})[0], field)


def test_a_key_without_the_right_to_trade_futures_cannot_trade():
    denied = {"sapi/v1/account/apiRestrictions": RIGHTS | {"enableFutures": False}}
    assert not ask(lambda venue: venue.mode([S]), **MODE | denied)[0].can_trade


def test_leverage_that_is_right_already_is_left_alone():
    _, transport = ask(lambda venue: venue.set_leverage(S, 20, "cross"), fapi__v1__symbolConfig=[SYMBOL_CONFIG])
    assert not [method for method, *_ in transport.asked if method == "POST"]


def test_leverage_and_margin_type_are_set_and_read_back():
    right = [SYMBOL_CONFIG | {"marginType": "ISOLATED", "leverage": 3}]
    _, transport = ask(
        lambda venue: venue.set_leverage(S, 3, "isolated"),
        fapi__v1__symbolConfig=Turns([SYMBOL_CONFIG], right),
        fapi__v1__marginType={"code": 200, "msg": "success"},
        fapi__v1__leverage={"leverage": 3, "symbol": "BTCUSDT"},
    )
    assert transport.sent("fapi/v1/marginType")[0]["marginType"] == "ISOLATED"
    assert transport.sent("fapi/v1/leverage")[0]["leverage"] == "3"
    assert len(transport.sent("fapi/v1/symbolConfig")) == 2


def test_a_setting_that_does_not_read_back_is_refused_with_both_values():
    venue, _ = opened(
        fapi__v1__symbolConfig=[SYMBOL_CONFIG],
        fapi__v1__marginType=refused(-4046, "No need to change margin type."),
        fapi__v1__leverage={"leverage": 3},
    )
    with pytest.raises(VenueRefused, match=r"BTC/USDT was to have leverage 3, isolated; .* reads back 20, cross"):
        run_virtual(lambda clock: venue.set_leverage(S, 3, "isolated"))


@pytest.mark.parametrize(("leverage", "margin_type"), [(2.5, "cross"), (0, "cross"), (3, "portfolio")])
def test_a_leverage_that_binance_has_no_words_for_is_refused_before_anything_is_sent(leverage, margin_type):
    venue, transport = opened(fapi__v1__symbolConfig=[SYMBOL_CONFIG])
    with pytest.raises(VenueRefused, match="takes a whole leverage"):
        run_virtual(lambda clock: venue.set_leverage(S, leverage, margin_type))
    assert not transport.sent("fapi/v1/symbolConfig")


def test_the_account_is_money_in_its_quote_and_what_is_held():
    asset = {"asset": "USDT", "walletBalance": "1000.5", "unrealizedProfit": "-3.5", "availableBalance": "900"}
    risk = {
        "symbol": "BTCUSDT",
        "positionAmt": "-0.010",
        "entryPrice": "60000",
        "markPrice": "60350",
        "unRealizedProfit": "-3.5",
        "liquidationPrice": "90000",
    }
    flat = risk | {"symbol": "ETHUSDT", "positionAmt": "0.000"}

    async def main(venue):
        await venue.markets([S])
        return await venue.account()

    account, _ = ask(main, fapi__v3__account={"assets": [asset]}, fapi__v3__positionRisk=[risk, flat])
    assert (account.wallet_quote, account.equity_quote, account.available_quote) == (1000.5, 997.0, 900.0)
    assert [(p.symbol, p.size_base, p.liquidation_price) for p in account.positions] == [(S, -0.01, 90_000.0)]


def test_an_account_that_cannot_be_read_is_unknown_and_never_empty():
    for body in ({}, {"assets": [{"asset": "USDT"}]}, [], "x"):
        venue, _ = opened(fapi__v3__account=body, fapi__v3__positionRisk=[])
        with pytest.raises(VenueUnknown):
            run_virtual(lambda clock, venue=venue: venue.account())


def test_an_answer_of_another_market_is_no_answer():
    with pytest.raises(VenueUnknown, match="a mark price in a form"):
        ask(lambda venue: venue.mark_price(S), fapi__v1__premiumIndex=[{"symbol": "ETHUSDT", "markPrice": "1"}])


def test_bars_carry_what_binance_tells_besides():
    row = [1700000000000, "1", "4", "0.5", "2", "10", 1700000059999, "25.5", 7, "6", "15.1", "0"]
    bars, transport = ask(
        lambda venue: venue.klines(S, 900_000, 1_700_000_000_000, limit=9_000), fapi__v1__klines=[row]
    )
    assert (bars[0].ts_ms, bars[0].open, bars[0].high, bars[0].low, bars[0].close, bars[0].volume) == (
        1_700_000_000_000, 1, 4, 0.5, 2, 10,
    )  # fmt: skip
    assert bars[0].extra == {"quote_volume": 25.5, "n_trades": 7.0, "taker_buy_volume": 6.0}
    assert transport.sent("fapi/v1/klines")[0] == {
        "symbol": "BTCUSDT", "interval": "15m", "startTime": "1700000000000", "limit": "1500",
    }  # fmt: skip


def test_bars_of_a_length_that_binance_does_not_have_are_refused():
    venue, _ = opened()
    with pytest.raises(VenueRefused, match="Binance has no bars of 7m, it has 1m, 3m"):
        run_virtual(lambda clock: venue.klines(S, 420_000, 0))


def test_funding_that_was_paid_is_positive_and_comes_in_pages():
    rows = [
        {"symbol": "BTCUSDT", "incomeType": "FUNDING_FEE", "income": f"{-i}", "time": 1_000 + i, "tranId": i}
        for i in range(1_003)
    ]
    payments, transport = ask(
        lambda venue: venue.funding(1_000),
        fapi__v1__income=lambda asked: rows[(int(asked["page"]) - 1) * 1_000 :][:1_000],
    )
    assert len(payments) == 1_003 and payments[2] == FundingPayment("2-BTCUSDT", "BTCUSDT", 2.0, 1_002)
    assert [asked["page"] for asked in transport.sent("fapi/v1/income")] == ["1", "2"]


def test_what_was_paid_in_is_positive_and_other_currencies_are_left_out():
    rows = [
        {"symbol": "", "incomeType": "TRANSFER", "asset": asset, "income": income, "time": 1_000 + i, "tranId": i}
        for i, (asset, income) in enumerate([("USDT", "500"), ("BNB", "1"), ("USDT", "-20.5")])
    ]
    found, transport = ask(lambda venue: venue.transfers(1_000), fapi__v1__income=rows)
    assert found == [CashTransfer("0", 500.0, 1_000), CashTransfer("2", -20.5, 1_002)]
    assert "incomeType" not in transport.sent("fapi/v1/income")[0]
    assert isinstance(opened()[0], TellsTransfers)


def income(kind, **also):
    row = {"symbol": "", "incomeType": kind, "asset": "USDT", "income": "7.5", "time": 1_000, "tranId": 9}
    return row | {"tradeId": ""} | also


@pytest.mark.parametrize(
    "kind",
    [
        "INTERNAL_TRANSFER",
        "CROSS_COLLATERAL_TRANSFER",
        "STRATEGY_UMFUTURES_TRANSFER",
        "COIN_SWAP_DEPOSIT",
        "COIN_SWAP_WITHDRAW",
        "AUTO_EXCHANGE",
        "WELCOME_BONUS",
        "CONTEST_REWARD",
        "REFERRAL_KICKBACK",
        "BFUSD_REWARD",
    ],
)
def test_money_that_trading_did_not_earn_is_a_transfer(kind):
    found, _ = ask(lambda venue: venue.transfers(1_000), fapi__v1__income=[income("TRANSFER"), income(kind)])
    assert set(found) == {CashTransfer("9", 7.5, 1_000), CashTransfer(f"{kind}-9", 7.5, 1_000)} and len(found) == 2


@pytest.mark.parametrize(
    "kind",
    [
        "REALIZED_PNL",
        "FUNDING_FEE",
        "COMMISSION",
        "INSURANCE_CLEAR",
        "COMMISSION_REBATE",
        "API_REBATE",
        "FEE_RETURN",
        "DELIVERED_SETTELMENT",
        "POSITION_LIMIT_INCREASE_FEE",
        "OPTIONS_PREMIUM_FEE",
        "OPTIONS_SETTLE_PROFIT",
        "SOMETHING_NEW",
    ],
)
def test_what_trading_earned_and_cost_is_no_transfer_and_hides_none(kind):
    rows = [income(kind, symbol="BTCUSDT", tradeId="1"), income("TRANSFER")]
    assert ask(lambda venue: venue.transfers(1_000), fapi__v1__income=rows)[0] == [CashTransfer("9", 7.5, 1_000)]


def test_a_transfer_behind_a_page_of_other_income_is_found():
    rows = [income("COMMISSION", tranId=i, tradeId=str(i), symbol="BTCUSDT") for i in range(1_000)]
    found, _ = ask(
        lambda venue: venue.transfers(1_000),
        fapi__v1__income=lambda asked: [*rows, income("TRANSFER")][(int(asked["page"]) - 1) * 1_000 :][:1_000],
    )
    assert found == [CashTransfer("9", 7.5, 1_000)]


def test_funding_rates_come_in_order_and_in_pages():
    rows = [{"symbol": "BTCUSDT", "fundingTime": i, "fundingRate": "0.0001"} for i in range(1, 1_206)]
    rates, _ = ask(
        lambda venue: venue.funding_rates(S, 1),
        fapi__v1__fundingRate=lambda asked: [r for r in rows if r["fundingTime"] >= int(asked["startTime"])][:1_000],
    )
    assert rates == [(i, 0.0001) for i in range(1, 1_206)]


def test_without_keys_nothing_signed_is_sent():
    venue, transport = opened(keys=None, fapi__v1__premiumIndex={"symbol": "BTCUSDT", "markPrice": "60000.1"})

    async def main(clock):
        assert await venue.mark_price(S) == 60_000.1
        with pytest.raises(VenueRefused, match="needs an API key"):
            await venue.account()
        transport.replies["market/stream"] = []
        return [hint async for hint in venue.hints([S], 60_000)]

    assert run_virtual(main) == []
    assert not [1 for _, _, params, headers in transport.asked if "signature" in params or "X-MBX-APIKEY" in headers]
    assert [url for url, _ in transport.streams] == ["wss://fstream.binance.com/market/stream?streams=btcusdt@kline_1m"]


def bar(is_closed):
    return {"stream": "btcusdt@kline_1m", "data": {"e": "kline", "k": {"s": "BTCUSDT", "t": 60_000, "x": is_closed}}}


def listen(**streams):
    async def main(clock):
        venue, transport = opened(fapi__v1__listenKey={"listenKey": "LISTEN0KEY"}, **streams)
        await venue.markets([S])
        found, ended = [], None
        try:
            async for hint in venue.hints([S], 60_000):
                found.append(hint)
        except VenueUnknown as error:
            ended = str(error)
        return found, ended, transport

    return run_virtual(main)


def test_only_closed_bars_are_hints():
    found, ended, _ = listen(market__stream=[bar(False), bar(True), {"result": None, "id": 1}])
    assert (found, ended) == ([Hint("bar", S, 60_000)], None)


def test_whatever_happens_to_the_account_is_a_hint():
    events = [
        {"e": "ORDER_TRADE_UPDATE", "o": {"s": "BTCUSDT"}},
        {"e": "ALGO_UPDATE", "o": {"s": "ETHUSDT"}},
        {"e": "ACCOUNT_UPDATE", "a": {"m": "ORDER", "P": [{"s": "BTCUSDT"}]}},
        {"e": "ACCOUNT_UPDATE", "a": {"m": "DEPOSIT", "P": []}},
        {"e": "SOMETHING_NEW"},
    ]
    found, ended, transport = listen(private__ws=events)
    assert found == [Hint("account", symbol) for symbol in (S, "ETHUSDT", S, "")]
    assert ended is None
    assert transport.streams[-1][0].startswith("wss://fstream.binance.com/private/ws?listenKey=")


@pytest.mark.parametrize(
    ("account", "words"),
    [([{"e": "listenKeyExpired"}], "listen key has expired"), ([LOST], "connection failed"), (["text"], "form")],
)
def test_the_end_of_the_accounts_stream_is_told_to_the_caller(account, words):
    assert words in listen(private__ws=account)[1]
