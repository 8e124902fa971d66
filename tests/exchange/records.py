"""What the exchange remembers: orders, executions, income, and the events that it tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WORKING = frozenset({"NEW", "PARTIALLY_FILLED"})
"""Statuses of an order that may still fill; a conditional order that waits is NEW too."""


@dataclass(slots=True)
class BookOrder:
    """One order, plain or conditional (`is_algo`), in Binance's words; `side` is +1 or -1.

    `level` is the limit price or the trigger, None of a market order. A conditional order that was triggered has the
    plain order that it became in `child`. Nobody sees it before `visible_ms`. Of a pair both have its `pair_id`.
    """

    order_id: int
    client_id: str
    symbol: str
    side: int
    type: str
    size: float
    level: float | None
    reduce_only: bool
    is_algo: bool
    created_ms: int
    time_in_force: str = "GTC"
    original_type: str = ""
    status: str = "NEW"
    filled: float = 0.0
    quote: float = 0.0
    updated_ms: int = 0
    triggered_ms: int = 0
    visible_ms: int = 0
    child: "BookOrder | None" = None
    pair_id: int = 0

    def __post_init__(self) -> None:
        self.updated_ms = self.updated_ms or self.created_ms
        self.original_type = self.original_type or self.type

    @property
    def is_open(self) -> bool:
        return self.status in WORKING

    @property
    def left(self) -> float:
        return self.size - self.filled

    @property
    def average(self) -> float:
        """Average price of what was filled, 0 of nothing."""
        return self.quote / self.filled if self.filled else 0.0

    @property
    def opens_resting(self) -> bool:
        """Whether it is a limit that opens a position: what only reduces is filled at a touch, this beyond it."""
        return self.type == "LIMIT" and not self.reduce_only

    @property
    def waits_above(self) -> bool:
        """Whether a price that goes up reaches it: buy stops, sold limits and sold profits wait above."""
        is_stop = self.type in ("STOP_MARKET", "STOP", "STOP_LOSS")
        return (self.side > 0) == is_stop


@dataclass(frozen=True, slots=True)
class Execution:
    """One trade of an order: realised money is before the fee."""

    trade_id: int
    order_id: int
    client_id: str
    symbol: str
    side: int
    size: float
    price: float
    fee: float
    realised: float
    is_maker: bool
    ts_ms: int
    fee_asset: str = "USDT"


@dataclass(frozen=True, slots=True)
class Income:
    """One change of the wallet, with Binance's name for it; amounts have their sign."""

    income_id: int
    symbol: str
    kind: str
    amount: float
    ts_ms: int
    trade_id: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a stream tells: `kind` is order, algo, account, kline, or expired of a listen key."""

    kind: str
    symbol: str
    ts_ms: int
    what: Mapping[str, Any] = field(default_factory=dict)
