"""Checks of one entry: each one says why it is denied, or nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tradsys.live.entry import Entry
from tradsys.live.risk.account_checks import exceeds
from tradsys.live.risk.limits import RiskLimits
from tradsys.live.state import Standing, TradingState

ORDERS_PER_ENTRY: Final = 3
"""An entry, and the stop and the target that follow it."""
AHEAD_MS: Final = 1_000
"""A close may be this far in the future: clocks differ by that much and no more."""


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """What these checks see besides the entry; maps are by symbol, `open_trades` to gross notional in quote currency.

    `closes` are last known closes, `cooling` when a cooldown ends, both in milliseconds; `drift` shares of features.
    """

    limits: RiskLimits
    now_ms: int
    standing: Standing
    equity_quote: float
    open_trades: Mapping[str, float]
    n_orders: int
    n_errors: int
    closes: Mapping[str, int]
    cooling: Mapping[str, int]
    drift: Mapping[str, float]

    def with_kept(self, entry: Entry) -> "EntryFacts":
        """The facts for the entries after one that passed."""
        notional = self.open_trades.get(entry.symbol, 0.0) + notional_quote(entry)
        return replace(
            self,
            open_trades={**self.open_trades, entry.symbol: notional},
            n_orders=self.n_orders + ORDERS_PER_ENTRY,
        )


type EntryCheck = Callable[[Entry, EntryFacts], str | None]


def notional_quote(entry: Entry) -> float:
    """What the entry is worth at the price that it was sized at."""
    return entry.size_base * entry.reference_price


def state(entry: Entry, facts: EntryFacts) -> str | None:
    """Nothing is entered unless trading is active."""
    standing = facts.standing
    return None if standing.state is TradingState.ACTIVE else f"{standing.state}: {standing.reason}"


def size(entry: Entry, facts: EntryFacts) -> str | None:
    """An entry of no positive size, price or side is a fault of whoever made it."""
    if entry.side in (1, -1) and 0 < entry.size_base < float("inf") and 0 < entry.reference_price < float("inf"):
        return None
    return f"an entry of {entry.side:+} x {entry.size_base:g} at {entry.reference_price:g} cannot be placed"


def stale_data_s(entry: Entry, facts: EntryFacts) -> str | None:
    """Neither the deciding close nor the symbol's last known one may be old, nor of the future."""
    known = facts.closes.get(entry.symbol)
    if known is None:
        return f"no close of {entry.symbol} is known yet"
    for what, close_ms in (("the deciding close", entry.close_ms), ("the last known close", known)):
        age_ms = facts.now_ms - close_ms
        if age_ms > facts.limits.stale_data_s * 1_000:
            return f"{what} is {age_ms / 1_000:.1f} s old, stale_data_s is {facts.limits.stale_data_s:g}"
        if age_ms < -AHEAD_MS:
            return f"{what} is {-age_ms / 1_000:.1f} s in the future; one of the clocks is wrong"
    return None


def max_open_trades(entry: Entry, facts: EntryFacts) -> str | None:
    """One more trade must not be one too many; more in a symbol that has one is none more."""
    n_open = len({*facts.open_trades, entry.symbol})
    limit = facts.limits.max_open_trades
    return None if n_open <= limit else f"{n_open} trades would be open, max_open_trades is {limit}"


def max_notional(entry: Entry, facts: EntryFacts) -> str | None:
    """What is held and this entry together, against the equity."""
    if not facts.equity_quote > 0:
        return f"the equity is {facts.equity_quote:g}"
    multiple = (sum(facts.open_trades.values()) + notional_quote(entry)) / facts.equity_quote
    limit = facts.limits.max_notional
    return f"{multiple:.2f} x the equity, max_notional is {limit:g}" if exceeds(multiple, limit) else None


def orders_per_minute(entry: Entry, facts: EntryFacts) -> str | None:
    """The entry and what protects it, with the orders of the last minute."""
    n_orders = facts.n_orders + ORDERS_PER_ENTRY
    limit = facts.limits.orders_per_minute
    return None if n_orders <= limit else f"{n_orders} orders within a minute, orders_per_minute is {limit}"


def max_errors(entry: Entry, facts: EntryFacts) -> str | None:
    """No entry after so many failed calls in a row, until one succeeds."""
    n_errors, limit = facts.n_errors, facts.limits.max_errors
    return None if n_errors < limit else f"{n_errors} calls to the venue failed in a row, max_errors is {limit}"


def cooldown_s(entry: Entry, facts: EntryFacts) -> str | None:
    """A symbol rests after a loss."""
    left_ms = facts.cooling.get(entry.symbol, 0) - facts.now_ms
    return f"{entry.symbol} lost lately and rests for another {left_ms / 1_000:.0f} s" if left_ms > 0 else None


def drift_share(entry: Entry, facts: EntryFacts) -> str | None:
    """A symbol whose features have left what the model was trained on is not entered."""
    share = facts.drift.get(entry.symbol, 0.0)
    limit = facts.limits.drift_share
    return f"{share:.0%} of the features are outside, drift_share is {limit:.0%}" if exceeds(share, limit) else None


ENTRY_CHECKS: Final[tuple[EntryCheck, ...]] = (
    state,
    size,
    stale_data_s,
    max_open_trades,
    max_notional,
    orders_per_minute,
    max_errors,
    cooldown_s,
    drift_share,
)
