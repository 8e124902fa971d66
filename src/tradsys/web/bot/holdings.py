"""Positions with their stop and target, and the orders that are out."""

from collections.abc import Sequence
from dataclasses import dataclass

from tradsys.live.execution.intent import Intent
from tradsys.report.numbers import UNKNOWN, Axis, minute
from tradsys.web.bot.plain import Plain, exact, quote, second


@dataclass(frozen=True, slots=True)
class PositionCard:
    """One position; places are percent of the way from its stop to its target, None where one is not known."""

    symbol: str
    side: str
    size: str
    entry: str
    mark: str
    stop: str
    target: str
    since: str
    until: str
    unrealised: str
    is_won: bool
    stop_place: float | None
    target_place: float | None
    entry_place: float | None
    mark_place: float | None


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order that is out, or of which nobody knows whether it is."""

    symbol: str
    leg: str
    side: str
    size: str
    price: str
    state: str
    sent: str
    why: str


def position_cards(status: Plain) -> list[PositionCard]:
    """What the bot last saw of each symbol that it holds, or that it has an open trade in."""
    held = {one.text("symbol"): one for one in status.part("account_state").parts("positions")}
    trades = {one.text("symbol"): one for one in status.parts("open_trades")}
    return [_card(symbol, held.get(symbol, Plain({})), trades.get(symbol, Plain({}))) for symbol in {**held, **trades}]


def order_rows(orders: Sequence[Intent]) -> list[OrderRow]:
    """Our orders, as the journal knows them."""
    return [
        OrderRow(
            one.symbol,
            one.leg,
            "buy" if one.side > 0 else "sell",
            exact(one.size_base - one.filled_base),
            "at market" if one.price is None else exact(one.price),
            "asked for: no answer yet" if one.state == "unknown" else one.state,
            second(one.sent_ms),
            one.why,
        )
        for one in orders
    ]


def _card(symbol: str, held: Plain, trade: Plain) -> PositionCard:
    size = held.number("size_base") or 0.0
    side = trade.number("side") or (1 if size >= 0 else -1)
    entry = trade.number("entry_price") or held.number("entry_price")
    mark, deadline = held.number("mark_price"), trade.number("deadline_ms")
    stop, target = (
        _barrier(entry, trade.number(name), sign * side)
        for name, sign in (("stop_distance", -1), ("target_distance", 1))
    )
    places = _places(stop, target, entry, mark)
    unrealised = held.number("unrealised_quote")
    return PositionCard(
        symbol=symbol,
        side="long" if side > 0 else "short",
        size=exact(abs(size) or trade.number("open_base")),
        entry=exact(entry),
        mark=exact(mark),
        stop=exact(stop),
        target=exact(target),
        since=minute(trade.number("entry_ms")),
        until=UNKNOWN if deadline is None else minute(deadline),
        unrealised=quote(unrealised, signed=True),
        is_won=(unrealised or 0.0) > 0,
        stop_place=places[0],
        target_place=places[1],
        entry_place=places[2],
        mark_place=places[3],
    )


def _barrier(entry: float | None, distance: float | None, side: float) -> float | None:
    return None if entry is None or not distance else entry + side * distance


def _places(*prices: float | None) -> list[float | None]:
    """Places of stop, target, entry and mark: the stop always stands at the left, the target at the right."""
    known = [one for one in prices if one is not None]
    stop, target, entry, _ = prices
    if len(known) < 2:
        return [None] * len(prices)
    axis = Axis.around(known, margin=0.04)
    right = target if target is not None else entry
    is_falling = right is not None and stop is not None and right < stop
    found = [None if one is None else axis.place(one) for one in prices]
    return [None if at is None else round(100 - at, 3) if is_falling else at for at in found]
