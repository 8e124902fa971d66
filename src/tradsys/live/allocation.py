"""One allocator: what was decided at one close becomes sized entries, by the arithmetic of the simulation.

Symbols that enter together share the equity, and room is counted in shares at entry, as `backtest.loop` does it with
the same functions of `core.orders`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from tradsys.bundle.deployment import DeployedPortfolio
from tradsys.core.errors import DataError
from tradsys.core.orders import NO_ROOM, TAKEN, has_barriers, shared_scale, sized_order, to_tick
from tradsys.core.time import stamp, to_ms
from tradsys.live.entry import Entry
from tradsys.live.execution.sizes import in_lots, of_lots
from tradsys.live.venue import AccountState, MarketRules
from tradsys.predictor.predictor import Decision

CASH_ROOM: Final = 0.005
"""A share of the free money that is kept back on a spot market: an order may fill dearer than it was sized at, and one
that there is too little money for is refused whole."""

IN_POSITION: Final = "in position"
NO_ROOM_LEFT: Final = "no room"
TOO_SMALL: Final = "too small"
TOO_LARGE: Final = "larger than the venue's largest order"
NOT_TRADING: Final = "not trading"
CANNOT_SHORT: Final = "cannot short"
NO_BARRIERS: Final = "no barriers"


class NotEntered(NamedTuple):
    """A decision to enter that came to nothing, and why."""

    decision: Decision
    reason: str


class Allocation(NamedTuple):
    """What is to be entered, and what is not."""

    entries: list[Entry]
    denied: list[NotEntered]


def allocate(
    decisions: Sequence[Decision],
    account: AccountState,
    held: Mapping[str, float],
    markets: Mapping[str, MarketRules],
    portfolio: DeployedPortfolio,
    *,
    prices: Mapping[str, float],
    interval_ms: int,
    stopped: Mapping[str, str] | None = None,
    no_entry: str | None = None,
    enters_until_ms: int | None = None,
) -> Allocation:
    """Entries for all decisions of one close, in their order; each that comes to nothing is told with its reason.

    `held` is the share of equity granted at entry of every symbol with an open trade (`live.shares`), `prices` what
    each symbol costs now. Symbols in `stopped` have no entry, by its reason, and with `no_entry` none has.

    Where the portfolio enters by limit orders each is sized at the price that it rests at, reckoned from the price of
    now, which stands for the next open. None rests beyond its trade's time, nor beyond `enters_until_ms`.
    """
    _refuse_mixed(decisions)
    prices = _entry_prices(decisions, markets, portfolio, prices)
    barred = dict(stopped or {})
    wanted, denied = [], []
    for decision in decisions:
        if decision.action == 0:
            continue
        symbol = decision.symbol
        why = no_entry or barred.get(symbol) or _why_not(decision, held, markets, portfolio, prices)
        if why is None:
            wanted.append(decision)
        else:
            denied.append(NotEntered(decision, why))
    if not wanted:
        return Allocation([], denied)
    scale = _scale(wanted, held, markets, portfolio)
    entries = []
    for decision in wanted:
        sized = _sized(decision, scale, account, markets[decision.symbol], portfolio, prices, interval_ms)
        if isinstance(sized, Entry):
            entries.append(_resting(sized, portfolio, interval_ms, enters_until_ms))
        else:
            denied.append(NotEntered(decision, sized))
    kept = _within_cash(entries, account, markets)
    lost = {entry.symbol for entry in entries} - {entry.symbol for entry in kept}
    return Allocation(kept, [*denied, *(NotEntered(one, TOO_SMALL) for one in wanted if one.symbol in lost)])


def _entry_prices(
    decisions: Sequence[Decision],
    markets: Mapping[str, MarketRules],
    portfolio: DeployedPortfolio,
    prices: Mapping[str, float],
) -> Mapping[str, float]:
    """What each symbol is sized at: its price now, or the one that its limit order rests at, on a tick."""
    entry = portfolio.entry
    if entry is None:
        return prices
    found = dict(prices)
    for one in decisions:
        price, rules = prices.get(one.symbol, math.nan), markets.get(one.symbol)
        if one.action != 0 and rules is not None and math.isfinite(price) and math.isfinite(one.stop_distance):
            found[one.symbol] = float(entry.price(price, one.action, one.stop_distance, rules.tick))
    return found


def _resting(entry: Entry, portfolio: DeployedPortfolio, interval_ms: int, enters_until_ms: int | None) -> Entry:
    """The entry as a limit order, where the portfolio enters so."""
    if portfolio.entry is None:
        return entry
    until_ms = min(entry.close_ms + portfolio.entry.bars * interval_ms, entry.deadline_ms)
    return replace(entry, rests_until_ms=until_ms if enters_until_ms is None else min(until_ms, enters_until_ms))


def _within_cash(entries: Sequence[Entry], account: AccountState, markets: Mapping[str, MarketRules]) -> list[Entry]:
    """What is bought on a spot market is paid at once: together no more than is free, less CASH_ROOM."""
    bought = sum(entry.size_base * entry.reference_price for entry in entries if markets[entry.symbol].sells_lock)
    room = max(0.0, account.available_quote * (1 - CASH_ROOM))
    if bought <= room:
        return list(entries)
    smaller = [_scaled(entry, room / bought, markets[entry.symbol].lot) for entry in entries]
    return [entry for entry in smaller if _is_large_enough(entry, markets[entry.symbol])]


def _scaled(entry: Entry, scale: float, lot: float) -> Entry:
    return replace(entry, size_base=of_lots(in_lots(entry.size_base * scale, lot), lot), share=entry.share * scale)


def _is_large_enough(entry: Entry, rules: MarketRules) -> bool:
    worth = entry.size_base * entry.reference_price
    return entry.size_base >= max(rules.min_size_base, rules.lot) and worth >= rules.min_notional_quote


def load_kernels() -> None:
    """Compile what sizes are computed with, or load it, so that no close waits for it."""
    nothing = np.zeros(1)
    sized_order(1.0, shared_scale(nothing, nothing, 1.0), 1.0, 1.0, 0.0, 0.0)


def _refuse_mixed(decisions: Sequence[Decision]) -> None:
    closes = {decision.start for decision in decisions}
    symbols = [decision.symbol for decision in decisions]
    if len(closes) > 1:
        shown = " and ".join(stamp(to_ms(close)) for close in sorted(closes)[:2])
        raise DataError(f"equity is shared by what was decided at one close, found {shown}; allocate each on its own")
    if len(set(symbols)) < len(symbols):
        raise DataError(f"wanted one decision a symbol, found {', '.join(symbols)}; pass one profile's decisions")


def _why_not(
    decision: Decision,
    held: Mapping[str, float],
    markets: Mapping[str, MarketRules],
    portfolio: DeployedPortfolio,
    prices: Mapping[str, float],
) -> str | None:
    """Why a decision cannot be an entry whatever its size would be; None where it can."""
    symbol, side = decision.symbol, decision.action
    rules, price = markets.get(symbol), prices.get(symbol, math.nan)
    if rules is None or not rules.is_trading:
        return NOT_TRADING
    if side < 0 and not rules.can_short:
        return CANNOT_SHORT
    if ("long" if side > 0 else "short") not in portfolio.sides:
        return f"{'long' if side > 0 else 'short'} was not deployed"
    if symbol in held:
        return IN_POSITION
    if not (math.isfinite(price) and price > 0):
        return "no price"
    if not (math.isfinite(decision.size) and decision.size >= 0):
        return f"size {decision.size} is no share of equity"
    return None if _has_barriers(decision, price, rules.tick) else NO_BARRIERS


def _has_barriers(decision: Decision, price: float, tick: float) -> bool:
    """Whether stop and target lie at least a tick from the price and above zero."""
    ways = decision.action * np.array([decision.target_distance, -decision.stop_distance])
    target, stop = to_tick(price + ways, np.full(2, tick))
    return bool(has_barriers(price, decision.action, target, stop, tick)) and min(target, stop) > 0


def _scale(
    wanted: Sequence[Decision],
    held: Mapping[str, float],
    markets: Mapping[str, MarketRules],
    portfolio: DeployedPortfolio,
) -> float:
    """What all shares are multiplied by; symbols are summed in the order of the markets, as the simulation does it."""
    shares = {decision.symbol: portfolio.fraction * decision.size for decision in wanted}
    symbols = [*markets, *(symbol for symbol in held if symbol not in markets)]
    asked = np.array([shares.get(symbol, 0.0) for symbol in symbols])
    granted = np.array([held.get(symbol, 0.0) for symbol in symbols])
    return shared_scale(asked, granted, float(portfolio.cap))


def _sized(
    decision: Decision,
    scale: float,
    account: AccountState,
    rules: MarketRules,
    portfolio: DeployedPortfolio,
    prices: Mapping[str, float],
    interval_ms: int,
) -> Entry | str:
    """The entry, or why there is none."""
    price, share = prices[decision.symbol], portfolio.fraction * decision.size
    fate, size = sized_order(share, scale, account.equity_quote, price, rules.lot, rules.min_notional_quote)
    if fate != TAKEN:
        return NO_ROOM_LEFT if fate == NO_ROOM else TOO_SMALL
    if size < rules.min_size_base:
        return TOO_SMALL
    if size > rules.max_market_size_base:
        return TOO_LARGE
    close_ms = to_ms(decision.start)
    return Entry(
        symbol=decision.symbol,
        side=decision.action,
        size_base=size,
        reference_price=price,
        share=share * scale,
        close_ms=close_ms,
        deadline_ms=close_ms + decision.horizon * interval_ms,
        stop_distance=decision.stop_distance,
        target_distance=decision.target_distance,
        probability=decision.probability,
        expected_net=decision.expected_net,
        reason=decision.reason,
        bar_hash=decision.bar_hash,
        bundle_hash=decision.bundle_hash,
    )
