"""Exchanges as tests want them: symbols on random walks, or on bars of their own."""

from collections.abc import Mapping, Sequence

from tests.exchange.books import Books
from tests.exchange.faults import FaultSchedule
from tests.exchange.model import Exchange
from tests.exchange.rules import SymbolRules, usual_rules
from tests.exchange.tape import TapeBar, random_walk
from tests.exchange.timers import ReadsTime

BTC = SymbolRules("BTCUSDT", tick=0.1, lot=0.001)


def quiet_exchange(clock: ReadsTime, *, price: float = 60_000.0, wallet: float = 10_000.0) -> Exchange:
    """One symbol, BTCUSDT, whose price moves only when a test moves it."""
    exchange = Exchange(clock, books=Books(wallet=wallet))
    exchange.list_symbol(BTC, price)
    return exchange


def random_exchange(
    clock: ReadsTime,
    symbols: Sequence[str] = ("BTCUSDT", "ETHUSDT"),
    *,
    seed: int = 0,
    faults: FaultSchedule | None = None,
    interval_ms: int = 60_000,
    history: int = 10,
    volatility: float = 1e-3,
    wallet: float = 10_000.0,
    kind: type[Exchange] = Exchange,
    books: Books | None = None,
) -> Exchange:
    """Symbols on random walks; the first bar that is played begins with the interval in which the clock stands."""
    books = books or Books(wallet=wallet)
    exchange = kind(clock, faults or FaultSchedule(seed), books, interval_ms=interval_ms)
    first = clock.now_ms() // interval_ms * interval_ms - history * interval_ms
    for number, symbol in enumerate(symbols):
        price = 60_000.0 / 7**number
        rules = usual_rules(symbol, price)
        tape = random_walk(f"{seed}:{symbol}", first, interval_ms, price, rules.tick, volatility=volatility)
        exchange.list_symbol(rules, price, tape, history=history)
    return exchange


def taped_exchange(
    clock: ReadsTime,
    bars: Mapping[str, Sequence[TapeBar]],
    *,
    faults: FaultSchedule | None = None,
    interval_ms: int,
    wallet: float = 10_000.0,
    rules: Mapping[str, SymbolRules] | None = None,
    kind: type[Exchange] = Exchange,
    books: Books | None = None,
) -> Exchange:
    """Symbols on their own bars: those that are over by the clock are history, the others are still to come.

    Prices are rounded to the tick, which of usual rules is at the sixth digit.
    """
    exchange = kind(clock, faults or FaultSchedule(), books or Books(wallet=wallet), interval_ms=interval_ms)
    for symbol, own in bars.items():
        n_over = sum(bar.ts_ms + interval_ms <= clock.now_ms() for bar in own)
        price = own[max(0, n_over - 1)].close
        own_rules = (rules or {}).get(symbol) or usual_rules(symbol, price, n_digits=6)
        exchange.list_symbol(own_rules, price, (_to_tick(bar, own_rules) for bar in own), history=n_over)
    return exchange


def _to_tick(bar: TapeBar, rules: SymbolRules) -> TapeBar:
    prices = (rules.to_price(price) for price in bar[1:5])
    return TapeBar(bar.ts_ms, *prices, bar.volume)
