"""An order as a client asks for it, and the checks that it must pass before it exists."""

import re
from dataclasses import dataclass

from tests.exchange import refusals
from tests.exchange.symbol import SymbolState

ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
PLAIN = ("MARKET", "LIMIT")
CONDITIONAL = ("STOP_MARKET", "TAKE_PROFIT_MARKET")


@dataclass(frozen=True, slots=True)
class OrderWish:
    """What is asked for; `level` is the limit price, or the trigger of a conditional order."""

    symbol: str
    side: int
    type: str
    size: float
    level: float | None = None
    reduce_only: bool = False
    client_id: str = ""
    time_in_force: str = "GTC"

    @property
    def is_algo(self) -> bool:
        return self.type in CONDITIONAL

    @property
    def waits_above(self) -> bool:
        return (self.side > 0) == (self.type == "STOP_MARKET")


def check(wish: OrderWish, state: SymbolState, available: float) -> None:
    """Raise the Refusal that Binance would answer with; `available` is what may become margin, in quote."""
    state.check_is_trading()
    if wish.type not in PLAIN + CONDITIONAL:
        raise refusals.bad_parameter("type")
    if not ID.fullmatch(wish.client_id):
        raise refusals.bad_id()
    if state.has_open(wish.client_id, wish.is_algo):
        raise refusals.duplicated_id()
    state.rules.check_size(wish.size, is_market=wish.type != "LIMIT")
    if wish.type != "MARKET":
        state.rules.check_price(wish.level or 0.0)
    if wish.is_algo:
        _check_conditional(wish, state)
    else:
        _check_plain(wish, state, available)


def _check_conditional(wish: OrderWish, state: SymbolState) -> None:
    """Margin and position count only when it is triggered."""
    assert wish.level is not None
    is_beyond = wish.level <= state.price if wish.waits_above else wish.level >= state.price
    if is_beyond:
        raise refusals.would_trigger()
    if state.n_open(is_algo=True) >= state.rules.max_stops:
        raise refusals.too_many_stops()


def _check_plain(wish: OrderWish, state: SymbolState, available: float) -> None:
    price = wish.level or state.price
    if wish.type == "LIMIT":
        state.rules.check_band(wish.side, price, state.mark)
    if state.n_open(is_algo=False) >= state.rules.max_orders:
        raise refusals.too_many_orders()
    if wish.reduce_only:
        if wish.side * state.holding.size >= 0:
            raise refusals.not_reducing()
        return
    state.rules.check_notional(wish.size * price)
    held = state.holding.size
    added = abs(held + wish.side * wish.size) - abs(held) if held * wish.side < 0 else wish.size
    if added > 0 and added * price / state.leverage > available:
        raise refusals.no_margin()
