"""The model in Binance's JSON: numbers are text with as many decimals as the symbol has."""

from typing import Any

from tests.exchange.books import Books
from tests.exchange.model import Exchange
from tests.exchange.records import BookOrder, Event, Execution, Income
from tests.exchange.symbol import SymbolState
from tests.exchange.tape import TapeBar

FAR_MS = 4_133_404_800_000
SIDES = {1: "BUY", -1: "SELL"}


def money(value: float) -> str:
    return f"{value:.8f}"


def price(state: SymbolState, value: float | None) -> str:
    return f"{value or 0.0:.{state.rules.price_decimals}f}"


def size(state: SymbolState, value: float) -> str:
    return f"{value:.{state.rules.size_decimals}f}"


def number(value: float) -> str:
    """A step or limit without an exponent."""
    return f"{value:.12f}".rstrip("0").rstrip(".")


def symbol_info(state: SymbolState) -> dict[str, Any]:
    """One symbol of exchangeInfo."""
    rules, base = state.rules, state.name.removesuffix("USDT")
    tick, lot, band = number(rules.tick), number(rules.lot), rules.band
    filters: list[dict[str, Any]] = [
        dict(filterType="PRICE_FILTER", minPrice=tick, maxPrice="4529764", tickSize=tick),
        dict(filterType="LOT_SIZE", minQty=lot, maxQty=number(rules.max_size), stepSize=lot),
        dict(filterType="MARKET_LOT_SIZE", minQty=lot, maxQty=number(rules.max_market_size), stepSize=lot),
        dict(filterType="MAX_NUM_ORDERS", limit=rules.max_orders),
        dict(filterType="MAX_NUM_ALGO_ORDERS", limit=rules.max_stops),
        dict(filterType="MIN_NOTIONAL", notional=number(rules.min_notional)),
        dict(
            filterType="PERCENT_PRICE",
            multiplierUp=number(1 + band),
            multiplierDown=number(1 - band),
            multiplierDecimal="4",
        ),
    ]
    return dict(
        symbol=state.name, pair=state.name, contractType="PERPETUAL", deliveryDate=FAR_MS,
        onboardDate=1_569_398_400_000,
        status=state.status, maintMarginPercent="2.5", requiredMarginPercent="5.0", baseAsset=base, quoteAsset="USDT",
        marginAsset="USDT", pricePrecision=rules.price_decimals, quantityPrecision=rules.size_decimals,
        baseAssetPrecision=8, quotePrecision=8, underlyingType="COIN", underlyingSubType=["PoW"], settlePlan=0,
        triggerProtect="0.0500", liquidationFee="0.012500", marketTakeBound="0.05", maxMoveOrderLimit=10_000,
        filters=filters, timeInForce=["GTC", "IOC", "FOK", "GTX", "GTD"],
        orderTypes=["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
    )  # fmt: skip


def order(state: SymbolState, of: BookOrder) -> dict[str, Any]:
    """A plain order as /fapi/v1/order has it."""
    limit = of.level if of.type == "LIMIT" else None
    return dict(
        orderId=of.order_id, symbol=of.symbol, status=of.status, clientOrderId=of.client_id, price=price(state, limit),
        avgPrice=f"{of.average:.5f}", origQty=size(state, of.size), executedQty=size(state, of.filled),
        cumQty=size(state, of.filled), cumQuote=money(of.quote), timeInForce=of.time_in_force, type=of.type,
        reduceOnly=of.reduce_only, closePosition=False, side=SIDES[of.side], positionSide="BOTH", stopPrice="0",
        workingType="CONTRACT_PRICE", priceProtect=False, origType=of.original_type, priceMatch="NONE",
        selfTradePreventionMode="NONE", goodTillDate=0, time=of.created_ms, updateTime=of.updated_ms,
    )  # fmt: skip


def algo_order(state: SymbolState, of: BookOrder) -> dict[str, Any]:
    """A conditional order as /fapi/v1/algoOrder has it; one that was triggered names the order that it became."""
    child = of.child
    return dict(
        algoId=of.order_id, clientAlgoId=of.client_id, algoType="CONDITIONAL", orderType=of.type, symbol=of.symbol,
        side=SIDES[of.side], positionSide="BOTH", timeInForce=of.time_in_force, quantity=size(state, of.size),
        algoStatus=of.status, actualOrderId=str(child.order_id) if child else "",
        actualPrice=f"{child.average if child else 0:.5f}", triggerPrice=price(state, of.level), price="0.00000",
        icebergQuantity=None, tpTriggerPrice="0", slTriggerPrice="0", selfTradePreventionMode="NONE",
        workingType="CONTRACT_PRICE", priceMatch="NONE", closePosition=False, priceProtect=False,
        reduceOnly=of.reduce_only, createTime=of.created_ms, updateTime=of.updated_ms, triggerTime=of.triggered_ms,
        goodTillDate=0,
    )  # fmt: skip


def trade(state: SymbolState, of: Execution) -> dict[str, Any]:
    """One of /fapi/v1/userTrades."""
    return dict(
        symbol=of.symbol, id=of.trade_id, orderId=of.order_id, side=SIDES[of.side], price=price(state, of.price),
        qty=size(state, of.size), realizedPnl=money(of.realised), quoteQty=money(of.size * of.price),
        commission=money(of.fee), commissionAsset="USDT", time=of.ts_ms, positionSide="BOTH", buyer=of.side > 0,
        maker=of.is_maker,
    )  # fmt: skip


def income(of: Income) -> dict[str, Any]:
    """One of /fapi/v1/income."""
    return dict(
        symbol=of.symbol, incomeType=of.kind, income=money(of.amount), asset="USDT", info=of.kind, time=of.ts_ms,
        tranId=of.income_id, tradeId=str(of.trade_id or ""),
    )  # fmt: skip


def kline(state: SymbolState, bar: TapeBar, interval_ms: int) -> list[Any]:
    """One of /fapi/v1/klines."""
    prices = [price(state, value) for value in (bar.open, bar.high, bar.low, bar.close)]
    quote = bar.volume * (bar.open + bar.close) / 2
    end_ms = bar.ts_ms + interval_ms - 1
    return [
        bar.ts_ms, *prices, f"{bar.volume:.6f}", end_ms, money(quote), 100, f"{bar.volume / 2:.6f}", money(quote / 2),
        "0",
    ]  # fmt: skip


def position(exchange: Exchange, state: SymbolState) -> dict[str, Any]:
    """One of /fapi/v3/positionRisk."""
    held, books = state.holding, exchange.books
    lost_at = books.liquidation_price(state, exchange.symbols.values())
    initial, is_isolated = state.notional / state.leverage, state.margin_type == "isolated"
    maintenance = state.notional * state.rules.maintenance
    own = money(abs(held.size) * held.entry / state.leverage if is_isolated else 0.0)
    return dict(
        symbol=state.name, positionSide="BOTH", positionAmt=size(state, held.size), entryPrice=money(held.entry),
        breakEvenPrice=money(held.entry), markPrice=money(state.mark),
        unRealizedProfit=money(held.unrealised(state.mark)), liquidationPrice=price(state, lost_at),
        isolatedMargin=own, notional=money(held.size * state.mark), marginAsset="USDT", isolatedWallet=own,
        initialMargin=money(initial), maintMargin=money(maintenance), positionInitialMargin=money(initial),
        openOrderInitialMargin="0", adl=1, bidNotional="0", askNotional="0", updateTime=held.updated_ms,
        leverage=str(state.leverage), marginType=state.margin_type, isAutoAddMargin="false",
        maxNotionalValue="1000000",
    )  # fmt: skip


def balance(exchange: Exchange) -> dict[str, Any]:
    """The one asset, as accounts and balances have it."""
    told, states = exchange.account(), exchange.symbols.values()
    initial = money(sum(state.notional / state.leverage for state in states))
    maintenance = money(sum(state.notional * state.rules.maintenance for state in states))
    wallet, unrealised, available = (money(told[name]) for name in ("wallet", "unrealised", "available"))
    return dict(
        asset="USDT", walletBalance=wallet, balance=wallet, unrealizedProfit=unrealised,
        marginBalance=money(told["wallet"] + told["unrealised"]), maintMargin=maintenance, initialMargin=initial,
        positionInitialMargin=initial, openOrderInitialMargin="0.00000000", crossWalletBalance=wallet,
        crossUnPnl=unrealised, availableBalance=available, maxWithdrawAmount=available, marginAvailable=True,
        accountAlias="loopback", updateTime=exchange.agenda.time_ms,
    )  # fmt: skip


def account(exchange: Exchange) -> dict[str, Any]:
    """As /fapi/v3/account."""
    asset = balance(exchange)
    totals = ("initialMargin", "maintMargin", "walletBalance", "unrealizedProfit", "marginBalance")
    more = ("positionInitialMargin", "openOrderInitialMargin", "crossWalletBalance", "crossUnPnl")
    total = {f"total{name[0].upper()}{name[1:]}": asset[name] for name in totals + more}
    held = [position(exchange, state) for state in exchange.symbols.values() if state.holding.size]
    positions = [one | dict(unrealizedProfit=one["unRealizedProfit"]) for one in held]
    same = {name: asset[name] for name in ("availableBalance", "maxWithdrawAmount", "updateTime")}
    return total | same | dict(assets=[asset], positions=positions)


def fees(books: Books, symbol: str) -> dict[str, Any]:
    """As /fapi/v1/commissionRate."""
    return dict(
        symbol=symbol,
        makerCommissionRate=f"{books.maker:.6f}",
        takerCommissionRate=f"{books.taker:.6f}",
        rpiCommissionRate="0.00005",
    )


def order_event(state: SymbolState, event: Event) -> dict[str, Any]:
    """ORDER_TRADE_UPDATE."""
    of: BookOrder = event.what["order"]
    done: Execution | None = event.what.get("trade")
    told = dict(
        s=of.symbol, c=of.client_id, S=SIDES[of.side], o=of.type, f=of.time_in_force, q=size(state, of.size),
        p=price(state, of.level if of.type == "LIMIT" else None), ap=f"{of.average:.5f}", sp="0", x=event.what["what"],
        X=of.status, i=of.order_id, l=size(state, done.size if done else 0.0), z=size(state, of.filled),
        L=price(state, done.price if done else 0.0), T=event.ts_ms, t=done.trade_id if done else 0, b="0", a="0",
        m=bool(done and done.is_maker), R=of.reduce_only, wt="CONTRACT_PRICE", ot=of.original_type, ps="BOTH", cp=False,
        pP=False, si=0, ss=0, rp=money(done.realised if done else 0.0), V="NONE", pm="NONE", gtd=0,
    )  # fmt: skip
    fee = dict(N="USDT", n=money(done.fee)) if done else {}
    return dict(e="ORDER_TRADE_UPDATE", T=event.ts_ms, E=event.ts_ms, o=told | fee)


def algo_event(state: SymbolState, event: Event) -> dict[str, Any]:
    """ALGO_UPDATE."""
    of: BookOrder = event.what["order"]
    told = dict(
        caid=of.client_id, aid=of.order_id, at="CONDITIONAL", o=of.type, s=of.symbol, S=SIDES[of.side], ps="BOTH",
        f=of.time_in_force, q=size(state, of.size), X=of.status, ai=str(of.child.order_id) if of.child else "",
        ap="0.0", aq="0.0", act="0", tp=price(state, of.level), p="0", V="NONE", wt="CONTRACT_PRICE", pm="NONE",
        cp=False, pP=False, R=of.reduce_only, tt=of.triggered_ms, gtd=0, rm="",
    )  # fmt: skip
    return dict(e="ALGO_UPDATE", T=event.ts_ms, E=event.ts_ms, o=told)


def account_event(state: SymbolState, event: Event) -> dict[str, Any]:
    """ACCOUNT_UPDATE."""
    held, wallet = event.what["holding"], money(event.what["wallet"])
    one = dict(
        s=state.name, pa=size(state, held.size), ep=money(held.entry), bep=money(held.entry), cr="0", up="0",
        mt=state.margin_type, iw="0", ps="BOTH",
    )  # fmt: skip
    what = dict(m=event.what["why"], B=[dict(a="USDT", wb=wallet, cw=wallet, bc="0")], P=[one])
    return dict(e="ACCOUNT_UPDATE", T=event.ts_ms, E=event.ts_ms, a=what)


def kline_event(state: SymbolState, event: Event, interval: str, interval_ms: int) -> dict[str, Any]:
    """A message of a stream NAME@kline_INTERVAL."""
    row = kline(state, event.what["bar"], interval_ms)
    told = dict(
        t=row[0], T=row[6], s=state.name, i=interval, f=1, L=100, o=row[1], c=row[4], h=row[2], l=row[3], v=row[5],
        n=row[8], x=event.what["is_closed"], q=row[7], V=row[9], Q=row[10], B="0",
    )  # fmt: skip
    return dict(e="kline", E=event.ts_ms, s=state.name, k=told)
