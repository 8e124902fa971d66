"""How a paper account's orders are filled: by the kernel that walks barriers for labels and simulated trades."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from math import inf, nan
from typing import Final

import numpy as np

from tradsys.backtest.loop import worst_exit
from tradsys.backtest.margin import DUST, closing_price, settle_liquidation
from tradsys.core.arrays import FloatArray
from tradsys.labels.kernel import PESSIMISTIC, TIME, walk
from tradsys.live.venue import Fill, Kline
from tradsys.live.venues.paper_book import PaperBook, PaperHolding, PaperOrder
from tradsys.live.venues.paper_rules import PaperRules

_NO_BAR = (nan, -inf, inf, nan)
"""Prices of a bar that meets no barrier."""

_FLAT = 1e-12
"""What rounding leaves of a position, as a share of what was held."""

LIQUIDATED: Final = "autoclose-"
"""How client ids of liquidations begin, as on Binance."""


class PaperFills:
    """Fills orders of the book; whoever calls has begun the change of it."""

    def __init__(self, book: PaperBook, rules: PaperRules) -> None:
        self._book, self._rules = book, rules

    def at_market(self, order: PaperOrder, bar: Kline, price: float, now_ms: int) -> PaperOrder:
        """Fill what is left of it at a price of the bar, taking; reduce-only orders as far as there is a position."""
        slippage = self._rules.slippage_at(order.symbol, bar.ts_ms)
        return self._fill(order, price, self._rules.costs.taker, now_ms, slippage=slippage)

    def at_limit(self, order: PaperOrder, price: float, now_ms: int) -> PaperOrder:
        """Fill what is left of it, resting in the book."""
        return self._fill(order, price, self._rules.costs.maker, now_ms, is_maker=True)

    def wait_over(self, bar: Kline, symbol: str, *, is_traded: bool, has_closed: bool, now_ms: int) -> None:
        """Market orders that waited for somebody to trade: filled at the bar's open, or lapsed with it if entries."""
        for order in self._book.open_orders(symbol):
            if order.kind != "market":
                continue
            if is_traded:
                self.at_market(order, bar, bar.open, now_ms)
            elif has_closed and not order.is_reduce_only:
                self._book.write(replace(order, status="expired", updated_ms=now_ms))

    def meet(self, bar: Kline, symbol: str, now_ms: int) -> None:
        """Stops and limits that the bar has met: those that its open was beyond, then stops, then limits.

        Which came first inside the bar nobody knows: the worse is taken.
        """
        opened = replace(bar, high=bar.open, low=bar.open, close=bar.open)
        for part, is_open in ((opened, True), (bar, False)):
            for kind in ("stop", "limit"):
                for order in self._book.open_orders(symbol):
                    if order.kind == kind and not (is_open and order.placed_ms >= bar.ts_ms):
                        self._meet_one(order, part, now_ms)

    def _meet_one(self, order: PaperOrder, bar: Kline, now_ms: int) -> None:
        if (price := met(order, bar)) is None:
            return
        if order.kind == "stop":
            self.at_market(order, bar, price, now_ms)
        else:
            self.at_limit(order, price, now_ms)

    def liquidate(
        self, bars: Mapping[str, Kline], traded: Collection[str], marks: Mapping[str, float], now_ms: int
    ) -> bool:
        """Whether the worst that the bars of one time can have meant was too little margin; if so all is closed.

        Stops were met in the bars of `traded` alone; `marks` are the last prices of positions without a bar there.
        """
        held = self._book.held()
        worst_price = {one.symbol: self._worst(one, bars.get(one.symbol), traded, marks) for one in held}
        moved = [one.size_base * (worst_price[one.symbol] - one.entry_price) for one in held]
        worth = {one.symbol: abs(one.size_base) * worst_price[one.symbol] for one in held}
        worst = self._book.wallet + sum(moved)
        needed = sum(worth[one.symbol] * max(self._rules.margin.maintenance, self._leaving(one, bars)) for one in held)
        if not held or worst > max(needed, DUST * self._book.began_with):
            return False
        gross, losses = sum(worth.values()), sum(max(-move, 0.0) for move in moved)
        left, fee, shortfall = settle_liquidation(worst, gross, self._rules.margin.liquidation_fee)
        for one, move in zip(held, moved, strict=True):
            price = closing_price(worst_price[one.symbol], one.size_base, -move, losses, shortfall, gross)
            order = self._liquidation_order(one, now_ms)
            self._fill(order, price, fee, now_ms)
        self._book.set_wallet(left if left > DUST * self._book.began_with else 0.0)
        for order in self._book.open_orders():
            self._book.write(replace(order, status="expired", updated_ms=now_ms))
        return True

    def _worst(
        self, holding: PaperHolding, bar: Kline | None, traded: Collection[str], marks: Mapping[str, float]
    ) -> float:
        """The worst price at which a position stood in the bar, bounded by its stop where that was met."""
        if bar is None:
            return marks.get(holding.symbol, holding.entry_price)
        extreme = bar.low if holding.side > 0 else bar.high
        for order in self._book.open_orders(holding.symbol) if holding.symbol in traded else ():
            covers = order.kind == "stop" and order.side == -holding.side and order.price is not None
            if covers and order.left_base >= abs(holding.size_base) * (1 - _FLAT):
                price = met(order, bar)
                if price is not None and order.price is not None:
                    return float(worst_exit(holding.side, extreme, order.price, price))
        return extreme

    def _leaving(self, holding: PaperHolding, bars: Mapping[str, Kline]) -> float:
        bar = bars.get(holding.symbol)
        return self._rules.costs.taker + (self._rules.slippage_at(holding.symbol, bar.ts_ms) if bar else 0.0)

    def _liquidation_order(self, one: PaperHolding, now_ms: int) -> PaperOrder:
        entry = one.entry_price
        return PaperOrder(
            self._book.next_number(), f"{LIQUIDATED}{now_ms}", one.symbol, -one.side, "market", abs(one.size_base),
            0.0, None, None, True, "open", now_ms, now_ms, entry, entry, entry,
        )  # fmt: skip

    def _fill(
        self, order: PaperOrder, price: float, fee: float, now_ms: int, *, slippage: float = 0.0, is_maker: bool = False
    ) -> PaperOrder:
        holding = self._book.holding(order.symbol)
        size = order.left_base
        if order.is_reduce_only:
            size = min(size, abs(holding.size_base) if holding.side == -order.side else 0.0)
        if not size > 0:
            done = replace(order, status="expired", updated_ms=now_ms)
            self._book.write(done)
            return done
        held, realised = _netted(holding, order.side * size, price)
        slipped = slippage * size * price
        paid = fee * size * price + slipped
        self._book.keep(held)
        self._book.pay(paid - realised)
        trade = Fill("", order.client_id, order.symbol, order.side, size, price, paid, realised, is_maker, now_ms)
        self._book.add_fill(trade, slipped)
        filled = order.filled_base + size
        average = ((order.average_price or 0.0) * order.filled_base + price * size) / filled
        is_whole = size == order.left_base
        done = replace(
            order,
            filled_base=order.size_base if is_whole else filled,
            average_price=average,
            status="filled" if is_whole else "expired",
            updated_ms=now_ms,
        )
        self._book.write(done)
        return done


def met(order: PaperOrder, bar: Kline) -> float | None:
    """The price at which the bar fills a stop or a limit, None where it does not; by `labels.kernel.walk`.

    A bar that opens beyond it fills at its open. In the bar in which the order was placed only what came after counts:
    a new extreme, or the last price.
    """
    assert order.price is not None
    is_first = order.placed_ms >= bar.ts_ms
    side = -order.side
    target, stop = (inf * side, order.price) if order.kind == "stop" else (order.price, -inf * side)
    prices = _since(order, bar) if is_first else (bar.open, bar.high, bar.low, bar.close)
    open_, high, low, close = _columns(*((prices,) if is_first else (_NO_BAR, prices)))
    last = 0 if is_first else 1
    _, price, reason, _ = walk(open_, high, low, close, 0, last, side, target, stop, PESSIMISTIC)
    return None if reason == TIME else float(price)


def _since(order: PaperOrder, bar: Kline) -> tuple[float, float, float, float]:
    """The bar from the order on."""
    high = bar.high if bar.high > order.seen_high else max(order.seen_price, bar.close)
    low = bar.low if bar.low < order.seen_low else min(order.seen_price, bar.close)
    return order.seen_price, high, low, bar.close


def _columns(*rows: tuple[float, float, float, float]) -> FloatArray:
    """Open, high, low and close, each (n_rows,)."""
    return np.ascontiguousarray(np.array(rows, np.float64).T)


def _netted(holding: PaperHolding, signed: float, price: float) -> tuple[PaperHolding, float]:
    """What is held after a fill of this size, with its sign, and what it has realised before its fee."""
    closing = min(abs(signed), abs(holding.size_base)) if holding.side * signed < 0 else 0.0
    realised = holding.side * closing * (price - holding.entry_price)
    size = holding.size_base + signed
    if abs(size) <= _FLAT * max(abs(signed), abs(holding.size_base)):
        return replace(holding, size_base=0.0, entry_price=0.0), realised
    if closing == 0.0:
        before = abs(holding.size_base)
        entry = (before * holding.entry_price + abs(signed) * price) / (before + abs(signed))
    else:
        entry = price if size * holding.size_base < 0 else holding.entry_price
    return replace(holding, size_base=size, entry_price=entry), realised
