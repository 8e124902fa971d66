"""The spot model in Binance's JSON."""

from typing import Any

from tests.exchange.records import BookOrder, Execution
from tests.exchange.spot.books import coin_of, locked_base
from tests.exchange.spot.model import SpotExchange
from tests.exchange.symbol import SymbolState
from tests.exchange.views import SIDES, money, number, price, size

TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]


def symbol_info(state: SymbolState) -> dict[str, Any]:
    """One symbol of exchangeInfo."""
    rules, base = state.rules, coin_of(state.name)
    tick, lot = number(rules.tick), number(rules.lot)
    filters: list[dict[str, Any]] = [
        dict(filterType="PRICE_FILTER", minPrice=tick, maxPrice="1000000", tickSize=tick),
        dict(filterType="LOT_SIZE", minQty=lot, maxQty=number(rules.max_size), stepSize=lot),
        dict(filterType="ICEBERG_PARTS", limit=100),
        dict(
            filterType="MARKET_LOT_SIZE", minQty="0.00000000", maxQty=number(rules.max_market_size),
            stepSize="0.00000000",
        ),
        dict(
            filterType="PERCENT_PRICE_BY_SIDE", bidMultiplierUp="5", bidMultiplierDown="0.2", askMultiplierUp="5",
            askMultiplierDown="0.2", avgPriceMins=5,
        ),
        dict(
            filterType="NOTIONAL", minNotional=money(rules.min_notional), applyMinToMarket=True,
            maxNotional="9000000.00000000", applyMaxToMarket=False, avgPriceMins=5,
        ),
        dict(filterType="MAX_NUM_ORDERS", maxNumOrders=200),
        dict(filterType="MAX_NUM_ALGO_ORDERS", maxNumAlgoOrders=5),
    ]  # fmt: skip
    return dict(
        symbol=state.name, status=state.status if state.status == "TRADING" else "BREAK", baseAsset=base,
        baseAssetPrecision=8, quoteAsset="USDT", quotePrecision=8, quoteAssetPrecision=8, baseCommissionPrecision=8,
        quoteCommissionPrecision=8, orderTypes=TYPES, icebergAllowed=True, ocoAllowed=True, otoAllowed=True,
        quoteOrderQtyMarketAllowed=True, allowTrailingStop=True, cancelReplaceAllowed=True, isSpotTradingAllowed=True,
        isMarginTradingAllowed=False, filters=filters, permissions=[], permissionSets=[["SPOT"]],
        defaultSelfTradePreventionMode="EXPIRE_MAKER", allowedSelfTradePreventionModes=["EXPIRE_MAKER"],
    )  # fmt: skip


def order(state: SymbolState, of: BookOrder) -> dict[str, Any]:
    """An order as /api/v3/order has it."""
    limit = of.level if of.type.startswith("LIMIT") else None
    stop = of.level if of.type == "STOP_LOSS" else None
    return dict(
        symbol=of.symbol, orderId=of.order_id, orderListId=of.pair_id or -1, clientOrderId=of.client_id,
        price=price(state, limit), origQty=size(state, of.size), executedQty=size(state, of.filled),
        cummulativeQuoteQty=money(of.quote), status=of.status, timeInForce=of.time_in_force, type=of.type,
        side=SIDES[of.side], stopPrice=price(state, stop), icebergQty="0.00000000", time=of.created_ms,
        updateTime=of.updated_ms, isWorking=of.type != "STOP_LOSS" or bool(of.triggered_ms),
        workingTime=of.created_ms, origQuoteOrderQty="0.00000000", selfTradePreventionMode="EXPIRE_MAKER",
    )  # fmt: skip


def placed(state: SymbolState, of: BookOrder) -> dict[str, Any]:
    """What is answered to a new order."""
    told = order(state, of)
    return told | dict(transactTime=told.pop("time"))


def pair(state: SymbolState, both: tuple[BookOrder, BookOrder], list_id: str) -> dict[str, Any]:
    """What is answered to a new list of orders."""
    ids = [dict(symbol=state.name, orderId=of.order_id, clientOrderId=of.client_id) for of in both]
    return dict(
        orderListId=both[0].pair_id, contingencyType="OCO", listStatusType="EXEC_STARTED", listOrderStatus="EXECUTING",
        listClientOrderId=list_id, transactionTime=both[0].created_ms, symbol=state.name, orders=ids,
        orderReports=[placed(state, of) for of in both],
    )  # fmt: skip


def trade(state: SymbolState, of: Execution, pair_id: int) -> dict[str, Any]:
    """One of /api/v3/myTrades."""
    return dict(
        symbol=of.symbol, id=of.trade_id, orderId=of.order_id, orderListId=pair_id or -1, price=price(state, of.price),
        qty=size(state, of.size), quoteQty=money(of.size * of.price), commission=money(of.fee),
        commissionAsset=of.fee_asset, time=of.ts_ms, isBuyer=of.side > 0, isMaker=of.is_maker, isBestMatch=True,
    )  # fmt: skip


def account(exchange: SpotExchange) -> dict[str, Any]:
    """As /api/v3/account."""
    told, books = exchange.account(), exchange.books
    rows = [("USDT", told["available"], told["wallet"] - told["available"])]
    for state in exchange.symbols.values():
        locked = locked_base(state)
        rows.append((coin_of(state.name), state.holding.size - locked, locked))
    return dict(
        makerCommission=10, takerCommission=10, buyerCommission=0, sellerCommission=0, canTrade=True,
        commissionRates=dict(maker=money(books.maker), taker=money(books.taker), buyer="0", seller="0"),
        canWithdraw=True, canDeposit=True, brokered=False, requireSelfTradePrevention=False, preventSor=False,
        updateTime=exchange.agenda.time_ms, accountType="SPOT", permissions=["SPOT"], uid=1,
        balances=[dict(asset=asset, free=money(free), locked=money(locked)) for asset, free, locked in rows],
    )  # fmt: skip


def fees(exchange: SpotExchange, symbol: str) -> dict[str, Any]:
    """As /api/v3/account/commission."""
    books = exchange.books
    none = dict(maker="0.00000000", taker="0.00000000", buyer="0.00000000", seller="0.00000000")
    return dict(
        symbol=symbol, standardCommission=none | dict(maker=money(books.maker), taker=money(books.taker)),
        specialCommission=none, taxCommission=none,
        discount=dict(enabledForAccount=False, enabledForSymbol=True, discountAsset="BNB", discount="0.75000000"),
    )  # fmt: skip


def order_event(state: SymbolState, of: BookOrder, what: str, now_ms: int) -> dict[str, Any]:
    """executionReport, as far as clients read it."""
    return dict(
        e="executionReport", E=now_ms, s=of.symbol, c=of.client_id, S=SIDES[of.side], o=of.type, x=what, X=of.status,
        i=of.order_id, q=size(state, of.size), z=size(state, of.filled), Z=money(of.quote), g=of.pair_id or -1,
        T=now_ms,
    )  # fmt: skip
