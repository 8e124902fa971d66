"""A decision that has become a trade to be opened: how much, which way, and where it ends."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, sized: `close_ms` is the close of the bar that decided, `deadline_ms` when the trade ends in time.

    Distances are in price units from the average price of the entry's fills. `size_base` is positive and in whole lots;
    `reference_price` is the price that it was sized at, `share` the share of equity that was granted to it: the room
    that it takes until it has ended, whatever its price does. What the decision expected goes with it for the audit.

    With `rests_until_ms` it is a limit order at the reference price, taken back at that time; without it is filled at
    the market.
    """

    symbol: str
    side: int
    size_base: float
    reference_price: float
    share: float
    close_ms: int
    deadline_ms: int
    stop_distance: float
    target_distance: float
    probability: float
    expected_net: float
    reason: str
    bar_hash: str
    bundle_hash: str
    rests_until_ms: int | None = None

    @property
    def limit_price(self) -> float | None:
        """Where it rests in the book; None of one at the market."""
        return None if self.rests_until_ms is None else self.reference_price
