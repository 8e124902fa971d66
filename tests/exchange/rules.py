"""The filters of one symbol, and whether an order passes them."""

import math
from dataclasses import dataclass, field

from tests.exchange import refusals


def decimals(step: float) -> int:
    """How many decimals a whole number of steps has: 0.001 has three."""
    return max(0, -math.floor(math.log10(step) + 1e-9))


def is_whole(value: float, step: float) -> bool:
    """Whether `value` is a whole number of steps, as far as a float can tell."""
    return abs(value / step - round(value / step)) < 1e-6


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """Steps, limits and margin of one symbol, as Binance publishes them; `band` is a fraction of the mark price."""

    symbol: str
    tick: float = 0.1
    lot: float = 0.001
    max_size: float = 1_000.0
    max_market_size: float = 120.0
    min_notional: float = 5.0
    band: float = 0.05
    max_orders: int = 200
    max_stops: int = 10
    maintenance: float = 0.004
    price_decimals: int = field(init=False)
    size_decimals: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "price_decimals", decimals(self.tick))
        object.__setattr__(self, "size_decimals", decimals(self.lot))

    def to_size(self, value: float) -> float:
        """Without the dust that sums of floats leave."""
        return round(value, self.size_decimals) + 0.0

    def to_price(self, value: float) -> float:
        """The nearest tick."""
        return round(round(value / self.tick) * self.tick, self.price_decimals)

    def check_size(self, size: float, is_market: bool) -> None:
        if size <= 0:
            raise refusals.too_small()
        if not is_whole(size, self.lot):
            raise refusals.imprecise()
        if size > (self.max_market_size if is_market else self.max_size):
            raise refusals.too_large()

    def check_price(self, price: float) -> None:
        if price <= 0:
            raise refusals.bad_parameter("price")
        if not is_whole(price, self.tick):
            raise refusals.off_tick()

    def check_band(self, side: int, price: float, mark: float) -> None:
        """A limit buys no dearer, and sells no cheaper, than the band allows."""
        if side > 0 and price > mark * (1 + self.band):
            raise refusals.price_too_high(self.to_price(mark * (1 + self.band)))
        if side < 0 and price < mark * (1 - self.band):
            raise refusals.price_too_low(self.to_price(mark * (1 - self.band)))

    def check_notional(self, notional: float) -> None:
        if notional < self.min_notional - 1e-9:
            raise refusals.small_notional(self.min_notional)


def usual_rules(symbol: str, price: float, n_digits: int = 5) -> SymbolRules:
    """Filters that suit a price: a tick at the last of its first digits, a lot worth some quote at most."""
    tick = 10.0 ** (math.floor(math.log10(price)) + 1 - n_digits)
    lot = min(1.0, 10.0 ** -math.floor(math.log10(price) - 1))
    return SymbolRules(symbol, tick, lot, max_size=1e6 * lot, max_market_size=1.2e5 * lot)
