"""Target weights become aims: sizes in whole lots by the arithmetic of the batch, and who may not be made larger."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tradsys.core.orders import is_large_enough, size_for_share
from tradsys.live.entry import Entry
from tradsys.live.execution.aims import Aim
from tradsys.live.execution.sizes import in_lots, of_lots
from tradsys.live.risk.risk import Denied
from tradsys.live.venue import MarketRules
from tradsys.live.weighing import ChosenWeights

TOO_SMALL: Final = "too small an order for the venue"

OF_ALL: Final = frozenset({"max_open_trades", "max_notional", "orders_per_minute"})
"""Checks of all positions together: who does not pass one keeps the others out too, or longs would outweigh shorts."""

type Allow = Callable[[Sequence[Entry], Mapping[str, float]], Sequence[Denied]]
"""Asked with what is to be made larger, and what the others will be worth: who may not, and why."""


def aims_of(
    choice: ChosenWeights,
    symbols: Sequence[str],
    held: Mapping[str, float],
    foreign: Mapping[str, float],
    markets: Mapping[str, MarketRules],
    prices: Mapping[str, float],
    *,
    equity_quote: float,
    close_ms: int,
    until_ms: int,
    stop_fraction: float,
) -> list[Aim]:
    """What is to be held of each symbol, as `backtest.rebalance` would hold it; a change too small leaves it as it is.

    `held` is what our own trades hold, with its sign, `foreign` what is held otherwise: of such a symbol nothing is
    aimed at. A symbol without a price now, or that is not trading, is not made larger.
    """
    aims = []
    for symbol in symbols:
        weight, rules, price = choice.weights.weights.get(symbol, 0.0), markets.get(symbol), prices.get(symbol, 0.0)
        own, size, note = held.get(symbol, 0.0), 0.0, ""
        if weight and rules is not None and price > 0:
            size = of_lots(in_lots(size_for_share(weight, equity_quote, price), rules.lot), rules.lot)
            size, note = _tradable(size, own, rules, price)
        aim = Aim(
            symbol, choice.choice_ms, close_ms, weight, size, price, until_ms, stop_fraction, note,
            choice.weights.bundle_hash,
        )  # fmt: skip
        why = _why_no_growth(weight, rules, price, foreign.get(symbol, 0.0))
        aims.append(aim if why is None else _kept(aim, own, why))
    return aims


def _tradable(size: float, own: float, rules: MarketRules, price: float) -> tuple[float, str]:
    """The size, or what is held where the venue takes no order that small; what is left whole may be of any size."""
    change = size - own if size * own >= 0 else size
    is_enough = is_large_enough(change, price, rules.min_notional_quote) and abs(change) >= rules.min_size_base
    if is_enough or size == own:
        return size, "" if size or own else TOO_SMALL
    return (own if size * own > 0 else 0.0), TOO_SMALL


def _why_no_growth(weight: float, rules: MarketRules | None, price: float, foreign: float) -> str | None:
    if foreign:
        return f"{foreign:g} of it are held that no choice explains"
    if weight and (rules is None or not rules.is_trading):
        return "the symbol is not trading"
    if weight < 0 and rules is not None and not rules.can_short:
        return "the venue has no short positions"
    return "it has no price at this close" if weight and not price > 0 else None


def _kept(aim: Aim, own: float, why: str) -> Aim:
    """Where no size is known, what is held on that side stays."""
    if aim.weight and not aim.size_base:
        return aim.at_size(own if aim.weight * own > 0 else 0.0, why)
    return aim.at_most(own, why)


def allowed(aims: Sequence[Aim], held: Mapping[str, float], allow: Allow, no_growth: str | None) -> list[Aim]:
    """The aims as the limits let them be: with `no_growth`, or where one of them does not pass a check, positions only
    shrink; all of them, where the check is of all together."""
    growing = [aim for aim in aims if aim.grows(held)]
    if no_growth is not None:
        denied = {aim.symbol: no_growth for aim in growing}
    else:
        kept = {aim.symbol: _worth_kept(aim, held) for aim in aims}
        found = allow([_entry(aim, held) for aim in growing], {name: worth for name, worth in kept.items() if worth})
        denied = {one.entry.symbol: f"{one.check}: {one.reason}" for one in found}
        if whole := [one for one in found if one.check in OF_ALL]:
            why = f"{whole[0].check} keeps {whole[0].entry.symbol} out, and the others would be a lopsided portfolio"
            denied = {aim.symbol: why for aim in growing} | denied
    return [
        aim if aim.symbol not in denied else aim.at_most(held.get(aim.symbol, 0.0), denied[aim.symbol]) for aim in aims
    ]


def _worth_kept(aim: Aim, held: Mapping[str, float]) -> float:
    """What of it stays before anything is made larger, in quote."""
    own = held.get(aim.symbol, 0.0)
    return min(abs(own), abs(aim.size_base)) * aim.reference_price if own * aim.size_base > 0 else 0.0


def _entry(aim: Aim, held: Mapping[str, float]) -> Entry:
    """What is to be bought or sold, as limits look at it."""
    own = held.get(aim.symbol, 0.0)
    kept = abs(own) if own * aim.size_base > 0 else 0.0
    return Entry(
        symbol=aim.symbol, side=aim.side, size_base=abs(aim.size_base) - kept, reference_price=aim.reference_price,
        share=abs(aim.weight), close_ms=aim.close_ms, deadline_ms=aim.until_ms,
        stop_distance=aim.stop_fraction * aim.reference_price, target_distance=float("inf"), probability=float("nan"),
        expected_net=float("nan"), reason="target weight", bar_hash="", bundle_hash=aim.bundle_hash,
    )  # fmt: skip
