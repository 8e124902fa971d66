"""How a paper account's orders are filled: by the kernel that walks barriers for labels and simulated trades."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from math import inf, nan
from typing import Final

import numpy as np

from tradsys.backtest.loop import worst_exit
from tradsys.backtest.margin import DUST, closing_price, settle_liquidation
from tradsys.core.arrays import FloatArray
from tradsys.labels.kernel import PESSIMISTIC, TIME, walk, walk_from_fill
from tradsys.labels.limit_fill import trades_through
from tradsys.live.venue import Fill, Kline, OrderRequest
from tradsys.live.venues.paper_book import PaperBook, PaperHolding, PaperOrder
from tradsys.live.venues.paper_rules import PaperRules

_NO_BAR = (nan, -inf, inf, nan)
"""Prices of a bar that meets no barrier."""

_FLAT = 1e-12
"""What rounding leaves of a position, as a share of what was held."""

LIQUIDATED: Final = "autoclose-"
"""How client ids of liquidations begin, as on Binance."""


@dataclass(frozen=True, slots=True)
class LateFill:
    """A limit entry that a bar filled which was told only when it had closed.

    Whoever was awake would have protected the position at once: until the next bar is traded in, legs count as placed
    with the fill, and what of the bar came after it meets them, as in labels and simulated trades. While
    `is_bare` no leg has come yet, and the position stands at its entry price.
    """

    bar: Kline
    side: int
    price: float
    is_gap: bool
    ts_ms: int
    is_bare: bool = True

    def met(self, order: PaperOrder) -> float | None:
        """The price at which what came after the fill meets a leg, None where it does not."""
        assert order.price is not None
        target, stop = (inf * self.side, order.price) if order.kind == "stop" else (order.price, -inf * self.side)
        open_, high, low, close = _columns((self.bar.open, self.bar.high, self.bar.low, self.bar.close))
        _, price, reason, _ = walk_from_fill(
            open_, high, low, close, 0, 0, self.is_gap, self.side, self.price, target, stop
        )
        return None if reason == TIME else float(price)


class PaperFills:
    """Fills orders of the book; whoever calls has begun the change of it."""

    def __init__(self, book: PaperBook, rules: PaperRules) -> None:
        self._book, self._rules = book, rules
        self.late: dict[str, LateFill] = {}

    def at_market(self, order: PaperOrder, bar: Kline, price: float, now_ms: int) -> PaperOrder:
        """Fill what is left of it at a price of the bar, taking; reduce-only orders as far as there is a position.

        A limit is never filled at a worse price than its own, slippage included.
        """
        slippage = self._rules.slippage_at(order.symbol, bar.ts_ms)
        if self.opens(order) and order.price is not None:
            slippage = min(slippage, max(0.0, order.side * (order.price / price - 1.0)))
        return self._fill(order, price, self._rules.costs.taker, now_ms, slippage=slippage)

    def opens(self, order: PaperOrder | OrderRequest) -> bool:
        """Whether it is a limit that opens a position: it is filled by the rule of limit entries."""
        return order.kind == "limit" and not order.is_reduce_only

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

    def meet(
        self, bar: Kline, symbol: str, now_ms: int, *, was_told_late: bool = False, has_only_opened: bool = False
    ) -> None:
        """Stops and limits that the bar has met: those that its open was beyond, then stops, then limits.

        Which came first inside the bar nobody knows: the worse is taken. Limits that open come last, filled at their
        price by a bar that trades through it; with `was_told_late` nobody could act within the bar, see `LateFill`.
        A bar that has shown its open alone (`has_only_opened`) fills none of them: one that lapses with the bar before
        is taken back at that moment.
        """
        opened = replace(bar, high=bar.open, low=bar.open, close=bar.open)
        for part, is_open in ((opened, True), (bar, False)):
            for kind in ("stop", "limit"):
                for order in self._book.open_orders(symbol):
                    is_met = order.kind == kind and not (is_open and order.placed_ms >= bar.ts_ms)
                    if is_met and not self.opens(order):
                        self._meet_one(order, part, now_ms)
        for order in self._book.open_orders(symbol):
            if self.opens(order) and not has_only_opened:
                self._open_one(order, bar, now_ms, was_told_late)

    def _open_one(self, order: PaperOrder, bar: Kline, now_ms: int, was_told_late: bool) -> None:
        assert order.price is not None
        has_rested = order.placed_ms < bar.ts_ms
        if not has_rested:
            open_, high, low, close = _since(order, bar)
            bar = replace(bar, open=open_, high=high, low=low, close=close)
        if not trades_through(order.side, bar.high, bar.low, order.price):
            return
        done = self.at_limit(order, order.price, now_ms)
        if was_told_late and done.status == "filled":
            is_gap = has_rested and order.side * (bar.open - order.price) < 0.0
            self.late[order.symbol] = LateFill(bar, order.side, order.price, is_gap, now_ms)

    def late_fill_of(self, order: PaperOrder | OrderRequest) -> LateFill | None:
        """The late fill that an order is a stop or a target of, if any."""
        late = self.late.get(order.symbol)
        is_leg = late is not None and order.side == -late.side and order.kind != "market" and not self.opens(order)
        return late if is_leg else None

    def catch_up(self, symbol: str) -> None:
        """Fill the legs that what came after a late fill has met, stops first: the worse is taken."""
        if (late := self.late.get(symbol)) is None:
            return
        for kind in ("stop", "limit"):
            for order in self._book.open_orders(symbol):
                is_met = order.kind == kind and self.late_fill_of(order) is not None
                if is_met and (price := late.met(order)) is not None:
                    self._fill_met(order, late.bar, price, late.ts_ms)

    def _meet_one(self, order: PaperOrder, bar: Kline, now_ms: int) -> None:
        if (price := met(order, bar)) is not None:
            self._fill_met(order, bar, price, now_ms)

    def _fill_met(self, order: PaperOrder, bar: Kline, price: float, now_ms: int) -> None:
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
