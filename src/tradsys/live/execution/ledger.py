"""What a trade's fills add up to: size, average prices, fees, result, and why it ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tradsys.live.client_ids import Leg, leg_of
from tradsys.live.execution.aims import REBALANCED
from tradsys.live.execution.intent import Intent, Trade
from tradsys.live.venue import Fill

TINY = 1e-12
"""A size this small is what sums of floats leave of nothing."""

_ROUNDING = 1e-9
"""A share of an order that sums of floats may lack."""

OWN_REASONS = ("time", "stop", "target", REBALANCED)
"""Reasons of exits at the market that are the trade's own; any other exit at the market was forced."""


@dataclass(slots=True)
class TradeSums:
    """A trade's fills added up; sizes are positive, averages NaN-free: 0 where nothing was filled.

    `realised_quote` is before fees and funding, as the venue reckons it; where it does not, by the average prices.
    `fees_base` is what was taken in the coin itself, `last_reason` why the last closing fill was made.
    """

    opened_base: float = 0.0
    closed_base: float = 0.0
    opened_quote: float = 0.0
    closed_quote: float = 0.0
    fees_quote: float = 0.0
    fees_base: float = 0.0
    told_quote: float | None = 0.0
    side: int = 1
    first_ms: int | None = None
    last_ms: int | None = None
    exit_reason: str | None = None
    last_reason: str | None = None

    @property
    def open_base(self) -> float:
        left = self.opened_base - self.fees_base - self.closed_base
        return left if left > TINY else 0.0

    @property
    def realised_quote(self) -> float:
        if self.told_quote is not None:
            return self.told_quote
        return self.side * (self.closed_quote - self.closed_base * self.entry_price)

    @property
    def entry_price(self) -> float:
        return self.opened_quote / self.opened_base if self.opened_base > 0 else 0.0

    @property
    def exit_price(self) -> float:
        return self.closed_quote / self.closed_base if self.closed_base > 0 else 0.0


def sum_fills(
    trade: Trade, fills: Sequence[Fill], intents: Mapping[str, Intent], liquidation_prefixes: tuple[str, ...]
) -> TradeSums:
    """Add up the fills of a trade, in order.

    A fill of an order that is not ours closes the trade as far as it goes against it, and otherwise is not its own.
    """
    sums = TradeSums(
        opened_base=trade.opened_base, opened_quote=trade.opened_base * trade.opened_price, side=trade.side
    )
    if trade.opened_base > 0:
        sums.first_ms = trade.created_ms
    for fill in fills:
        intent = intents.get(fill.client_id)
        if intent is not None and intent.leg == "entry":
            _open(sums, fill)
        elif fill.side == -trade.side and sums.open_base > 0:
            _close(sums, fill, _reason(fill, intent, liquidation_prefixes))
    return sums


def has_entry_fills(intents: Iterable[Intent], sums: TradeSums) -> bool:
    """Whether the fills that are known make up all that the venue says was filled of a trade's entries."""
    told = sum(intent.filled_base for intent in intents if intent.leg == "entry")
    return told <= sums.opened_base * (1 + 1e-9)


def has_all_fills(intents: Iterable[Intent], fills: Iterable[Fill]) -> bool:
    """Whether the fills that are known make up all that the venue says of every order."""
    return not unseen_base(intents, fills)


def unseen_base(intents: Iterable[Intent], fills: Iterable[Fill]) -> float:
    """What the venue says that orders have filled, of which no fill is known yet."""
    known = dict[str, float]()
    for fill in fills:
        known[fill.client_id] = known.get(fill.client_id, 0.0) + fill.size_base
    missing = ((intent.filled_base, intent.filled_base - known.get(intent.client_id, 0.0)) for intent in intents)
    return sum(one for told, one in missing if one > _ROUNDING * told)


def _open(sums: TradeSums, fill: Fill) -> None:
    sums.opened_base += fill.size_base
    sums.opened_quote += fill.size_base * fill.price
    _charge(sums, fill, 1.0)


def _close(sums: TradeSums, fill: Fill, reason: str) -> None:
    size = min(fill.size_base, sums.open_base)
    sums.closed_base += size
    sums.closed_quote += size * fill.price
    _charge(sums, fill, size / fill.size_base)
    sums.last_reason = reason
    if sums.open_base == 0.0:
        sums.exit_reason = reason


def _charge(sums: TradeSums, fill: Fill, share: float) -> None:
    sums.fees_quote += share * fill.fee_quote
    sums.fees_base += share * fill.fee_base
    if fill.realised_quote is None or sums.told_quote is None:
        sums.told_quote = None
    else:
        sums.told_quote += share * fill.realised_quote
    sums.first_ms = fill.ts_ms if sums.first_ms is None else sums.first_ms
    sums.last_ms = fill.ts_ms


def _reason(fill: Fill, intent: Intent | None, liquidation_prefixes: tuple[str, ...]) -> str:
    if intent is None:
        if fill.client_id.startswith(liquidation_prefixes):
            return "liquidated"
        lost = leg_of(fill.client_id)  # of an order that only a disk that was full did not keep
        return lost if lost in ("stop", "target") else "unknown"
    leg: Leg = intent.leg
    if leg == "exit":
        return intent.why if intent.why in OWN_REASONS else "forced"
    return leg
