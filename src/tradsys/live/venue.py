"""The port to where orders go: what a venue is asked and told, in this project's words.

Streams are hints that something happened; the truth is what the venue answers when it is asked. An answer that did not
come is no answer: it is a `VenueUnknown`, never an absence.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from tradsys.core.errors import TradsysError


class VenueUnknown(TradsysError):
    """The venue gave no definite answer: time ran out, the connection broke, or it is overloaded.

    What was asked for may have happened all the same; only asking again can tell.
    """


class NotSent(VenueUnknown):
    """The venue is not to be sent anything for `wait_s` yet, and what was wanted was not done: after that it may be."""

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class OrderRefused(TradsysError):
    """The venue said no, definitely: the order does not exist there and never will under this id."""


class StopPassed(OrderRefused):
    """The venue takes no stop here, since the price that triggers it is past it: its condition is met already."""


class VenueRefused(TradsysError):
    """The venue said no to a question: the key, the symbol or the permission is not what it takes."""


type OrderKind = Literal["market", "limit", "stop"]
"""A stop is a market order that waits at the venue until the last price has passed its trigger."""

type OrderStatus = Literal["open", "filled", "cancelled", "refused", "expired"]
"""Cancelled and expired orders may have filled in part before."""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order as it is to be placed: `side` +1 buys, -1 sells; `price` is the limit or the stop's trigger.

    `size_base` is positive and a whole number of lots, `price` a whole number of ticks (None of a market order).
    """

    client_id: str
    symbol: str
    side: int
    kind: OrderKind
    size_base: float
    price: float | None = None
    is_reduce_only: bool = False


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as the venue has it; `average_price` is of what was filled, None of nothing."""

    client_id: str
    symbol: str
    side: int
    kind: OrderKind
    size_base: float
    filled_base: float
    price: float | None
    average_price: float | None
    is_reduce_only: bool
    status: OrderStatus
    updated_ms: int


@dataclass(frozen=True, slots=True)
class Position:
    """What is held of a symbol: `size_base` with its sign, never 0; entry is its average price."""

    symbol: str
    size_base: float
    entry_price: float
    mark_price: float
    unrealised_quote: float
    liquidation_price: float | None = None


@dataclass(frozen=True, slots=True)
class CoinBalance:
    """All that an account holds of the coin of a spot market, whoever bought it; `size_base` with what orders lock."""

    symbol: str
    size_base: float
    mark_price: float


@dataclass(frozen=True, slots=True)
class SpotBalances:
    """What a spot account has: money, with what orders lock, and coins. Which of them are whose it does not know."""

    cash_quote: float
    coins: tuple[CoinBalance, ...]


@dataclass(frozen=True, slots=True)
class AccountState:
    """Money and positions at one moment.

    A spot venue tells `spot` and no positions: what of the coins is a position the journal knows
    (`live.execution.holdings`), and what of the equity its trades have not earned, `unearned_quote`: what was there at
    first, and all that other hands put in or took out. None where the venue keeps a history of transfers.
    """

    wallet_quote: float
    unrealised_quote: float
    available_quote: float
    positions: tuple[Position, ...]
    spot: SpotBalances | None = None
    unearned_quote: float | None = None

    @property
    def equity_quote(self) -> float:
        """Realised and unrealised together."""
        return self.wallet_quote + self.unrealised_quote


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution; `fee_quote` is positive where it was paid, `realised_quote` is before it.

    `realised_quote` is None on a spot market, which knows no positions. What of the fee was taken in the coin itself is
    `fee_base` (and in `fee_quote` too): so much less is held than was bought.
    """

    trade_id: str
    client_id: str
    symbol: str
    side: int
    size_base: float
    price: float
    fee_quote: float
    realised_quote: float | None
    is_maker: bool
    ts_ms: int
    fee_base: float = 0.0


@dataclass(frozen=True, slots=True)
class FundingPayment:
    """What holding a position paid (positive) or received at one settlement."""

    payment_id: str
    symbol: str
    paid_quote: float
    ts_ms: int


@dataclass(frozen=True, slots=True)
class CashTransfer:
    """Money that somebody put into the account (positive) or took out of it: neither profit nor loss."""

    transfer_id: str
    amount_quote: float
    ts_ms: int


@dataclass(frozen=True, slots=True)
class MarketRules:
    """The rules of one symbol: steps, smallest and largest order, and how far from the mark a price may be.

    `price_band` is a fraction either side of the mark (inf: none); `can_short` is false on a spot market. There
    `sells_lock` is true: an order to sell holds its coins back from every other one, and none only reduces. `can_pair`
    is whether a stop and a target may share them: see `PlacesPairs`.
    """

    symbol: str
    tick: float
    lot: float
    min_size_base: float
    max_market_size_base: float
    min_notional_quote: float
    price_band: float
    is_trading: bool
    can_short: bool
    sells_lock: bool = False
    can_pair: bool = False


@dataclass(frozen=True, slots=True)
class AccountMode:
    """What the account and its key are set to; None where the venue has no such thing.

    `leverage` and `margin_type` ("isolated", "cross") are by symbol; fees are this account's tier.
    """

    can_trade: bool
    can_withdraw: bool
    is_hedge_mode: bool
    is_multi_asset: bool
    taker_bps: float
    maker_bps: float
    leverage: Mapping[str, float | None]
    margin_type: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Kline:
    """A bar as a venue tells it; `ts_ms` is its open. Whether it has closed, the server's time says."""

    ts_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    extra: Mapping[str, float]
    """Optional columns by the names that bars have: quote_volume, taker_buy_volume, n_trades."""


@dataclass(frozen=True, slots=True)
class Hint:
    """Something may have happened: a bar closed, or an order or position of the account changed. Never the truth."""

    about: Literal["bar", "account"]
    symbol: str
    bar_ms: int | None = None
    """Open of the bar that is said to have closed."""


class MarketData(Protocol):
    """What anybody may ask a venue, without a key."""

    @property
    def name(self) -> str: ...

    async def server_time_ms(self) -> int: ...

    async def markets(self, symbols: Collection[str]) -> Mapping[str, MarketRules]:
        """The rules of each symbol; one that the venue does not have is a VenueRefused that names it."""
        ...

    async def klines(self, symbol: str, interval_ms: int, start_ms: int, *, limit: int = 1_000) -> Sequence[Kline]:
        """Bars from `start_ms` on, in order, at most `limit`; the last one may still be open."""
        ...

    async def mark_price(self, symbol: str) -> float: ...

    async def funding_rates(self, symbol: str, start_ms: int) -> Sequence[tuple[int, float]]:
        """What was settled from `start_ms` on: time and rate, in order; nothing on a venue without funding."""
        ...

    def hints(self, symbols: Collection[str], interval_ms: int) -> AsyncIterator[Hint]:
        """Hints until the connection ends, which ends the iteration or is a VenueUnknown; the caller opens it again."""
        ...

    async def close(self) -> None: ...


class Venue(MarketData, Protocol):
    """A venue with an account: every call is answered, refused for good, or unknown."""

    async def mode(self, symbols: Collection[str]) -> AccountMode: ...

    async def set_leverage(self, symbol: str, leverage: float, margin_type: str) -> None: ...

    async def account(self) -> AccountState: ...

    async def open_orders(self) -> Sequence[VenueOrder]:
        """Every open order of the account, stops among them, ours and others'."""
        ...

    async def order(self, symbol: str, client_id: str, kind: OrderKind) -> VenueOrder | None:
        """The order under that id, in whatever state; None only where the venue says that it has none."""
        ...

    async def place(self, order: OrderRequest) -> VenueOrder:
        """Place it: OrderRefused where the venue will not have it, VenueUnknown where nobody knows."""
        ...

    async def cancel(self, symbol: str, client_id: str, kind: OrderKind) -> None:
        """Cancel it; an order that is not open any more is no error."""
        ...

    async def fills(self, symbol: str, start_ms: int) -> Sequence[Fill]:
        """Executions from `start_ms` on, in order; all of them, however many pages that takes."""
        ...

    async def funding(self, start_ms: int) -> Sequence[FundingPayment]:
        """What positions paid and received from `start_ms` on."""
        ...


@runtime_checkable
class PlacesPairs(Protocol):
    """A venue that takes a stop and a target as one: what the one fills or cancels ends the other."""

    async def place_pair(self, stop: OrderRequest, target: OrderRequest) -> tuple[VenueOrder, VenueOrder]:
        """Place both or neither: OrderRefused and VenueUnknown are of both."""
        ...


@runtime_checkable
class TellsTransfers(Protocol):
    """A venue that tells what was paid in and out."""

    async def transfers(self, start_ms: int) -> Sequence[CashTransfer]:
        """Transfers of quote currency from `start_ms` on, in order."""
        ...
