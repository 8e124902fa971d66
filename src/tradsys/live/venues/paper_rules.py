"""What a paper account charges, and which orders it refuses as an exchange would."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from tradsys.backtest.margin_spec import MarginSpec
from tradsys.core.bounds import demand_number
from tradsys.core.costs import ESTIMATED, Costs
from tradsys.core.errors import ConfigError
from tradsys.core.slippage import slippage_of
from tradsys.core.time import ts_ms
from tradsys.live.venue import MarketRules, OrderRefused, OrderRequest, StopPassed

type SlippageAt = Callable[[str, int], float]
"""What a market order pays beside the fee, a fraction of its notional, by symbol and the open of its bar in ms."""

LONGEST_ID: Final = 36
_STEP_SLACK = 1e-6
"""A price or size this little off its step, in steps, is on it: 0.3 / 0.1 is 2.9999999999999996 in binary."""


@dataclass(frozen=True, slots=True)
class PaperRules:
    """The account to begin with and what it is charged, as simulations charge it.

    `slippage` must say what market orders pay where the costs only say that it is estimated; see `known_slippage` and
    `slippage_of_bars`. Borrowing is not charged. Questions that come within `look_every_ms` of one another are
    answered from the same bars, unless one has closed since.
    """

    costs: Costs = Costs()
    cash_quote: float = 10_000.0
    margin: MarginSpec = MarginSpec()
    slippage: SlippageAt | None = None
    leverage: float = 20.0
    look_every_ms: int = 500

    def __post_init__(self) -> None:
        demand_number("cash_quote", self.cash_quote, "10000 is the default")
        demand_number("leverage", self.leverage, "1 borrows nothing", least=1.0, most=1_000.0)
        if not self.cash_quote > 0:
            raise ConfigError(f"a paper account begins with some cash, found {self.cash_quote}; 10000 is the default")
        if self.slippage is None and self.costs.slippage_bps == ESTIMATED:
            raise ConfigError(
                "a paper account charges slippage in numbers, found 'estimated' and no estimate; give `slippage`, such "
                "as known_slippage(predictor.valuation.slippage)"
            )

    def slippage_at(self, symbol: str, bar_ms: int) -> float:
        """Of a market order that is filled in the bar that opens then."""
        if self.slippage is not None:
            return self.slippage(symbol, bar_ms)
        assert self.costs.slippage_bps != ESTIMATED  # refused above
        return self.costs.slippage_bps / 1e4


def known_slippage(by_symbol: Mapping[str, float]) -> SlippageAt:
    """The same at all times, by symbol, as a bundle knows it; the largest for one without a number of its own."""
    if not by_symbol:
        raise ConfigError("slippage by symbol needs a symbol at least, found none; give a fraction of the notional")
    worst = max(by_symbol.values())
    return lambda symbol, bar_ms: by_symbol.get(symbol, worst)


def slippage_of_bars(
    market: Mapping[str, pl.DataFrame], costs: Costs, ticks: Mapping[str, float] | None = None
) -> SlippageAt:
    """As simulations of these bars charge it, each bar from the months that were over when it opened."""
    charged = {
        symbol: dict(
            zip(
                ts_ms(bars).tolist(),
                slippage_of(bars, replace(costs, tick=max(costs.tick, (ticks or {}).get(symbol, 0.0)))).tolist(),
                strict=True,
            )
        )
        for symbol, bars in market.items()
    }
    return lambda symbol, bar_ms: charged[symbol][bar_ms]


def refuse_impossible(order: OrderRequest, rules: MarketRules, price: float) -> None:
    """OrderRefused where the symbol's rules do not allow the order at this price at hand."""
    of = f"order {order.client_id} on {order.symbol}"
    if not 1 <= len(order.client_id) <= LONGEST_ID:
        raise OrderRefused(f"{of}: a client id has 1 to {LONGEST_ID} characters, found {len(order.client_id)}")
    if not rules.is_trading:
        raise OrderRefused(f"{of}: the symbol is not traded now")
    if order.side not in (1, -1) or not (math.isfinite(order.size_base) and order.size_base > 0):
        raise OrderRefused(f"{of}: wanted side 1 or -1 and a positive size, found {order.side} and {order.size_base}")
    if not _is_whole(order.size_base, rules.lot) or order.size_base < rules.min_size_base * (1 - 1e-12):
        raise OrderRefused(
            f"{of}: wanted whole lots of {rules.lot:g} and at least {rules.min_size_base:g}, found {order.size_base!r}"
        )
    if order.kind == "market" and order.size_base > rules.max_market_size_base:
        raise OrderRefused(
            f"{of}: a market order has at most {rules.max_market_size_base:g}, found {order.size_base:g}"
        )
    if (order.kind == "market") != (order.price is None):
        raise OrderRefused(f"{of}: market orders have no price and others have one, found {order.kind}, {order.price}")
    if order.price is not None:
        _refuse_price(order, order.price, rules, price, of)
    worth = order.size_base * (price if order.price is None else order.price)
    if not order.is_reduce_only and worth < rules.min_notional_quote * (1 - 1e-12):
        raise OrderRefused(f"{of}: it is worth {worth:.4g}, wanted at least {rules.min_notional_quote:g}")


def _refuse_price(order: OrderRequest, wanted: float, rules: MarketRules, price: float, of: str) -> None:
    if not (math.isfinite(wanted) and wanted > 0 and _is_whole(wanted, rules.tick)):
        raise OrderRefused(f"{of}: wanted a positive price in steps of {rules.tick:g}, found {wanted!r}")
    if abs(wanted / price - 1) > rules.price_band:
        raise OrderRefused(
            f"{of}: {wanted:g} is further from the price {price:g} than the {rules.price_band:.1%} allowed"
        )
    if order.kind == "stop" and order.side * (price - wanted) >= 0:
        raise StopPassed(f"{of}: the stop at {wanted:g} would trigger at once, the price is {price:g}")


def on_step(value: float, step: float) -> float:
    """The multiple of the step that is meant, as its decimals say it.

    >>> on_step(261.86218199999996, 1e-6)
    261.862182
    """
    return round(float(np.round(value / step)) * step, 10) if step > 0 else value


def _is_whole(value: float, step: float) -> bool:
    steps = value / step if step > 0 else 0.0
    return bool(abs(steps - np.round(steps)) <= max(_STEP_SLACK, 1e-12 * steps))
