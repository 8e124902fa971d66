"""The tape: bars, real or random, and how a price walks through them."""

import random
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple


class TapeBar(NamedTuple):
    """A bar by its open in milliseconds since 1970; volume is in base."""

    ts_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Step(NamedTuple):
    """The price goes to `price` at `ts_ms`; a gap jumps there, and nothing trades on the way."""

    ts_ms: int
    price: float
    is_gap: bool


def walk(bar: TapeBar, interval_ms: int) -> tuple[Step, ...]:
    """Open, the extreme that is nearer to it, the other one, close; the close a millisecond before the bar ends.

    >>> [step.price for step in walk(TapeBar(0, 100.0, 101.0, 95.0, 97.0, 1.0), 60_000)]
    [100.0, 101.0, 95.0, 97.0]
    """
    is_up_first = bar.high - bar.open <= bar.open - bar.low
    first, second = (bar.high, bar.low) if is_up_first else (bar.low, bar.high)
    at = [bar.ts_ms + part for part in (interval_ms // 4, interval_ms // 2, interval_ms - 1)]
    ways = [Step(ts, price, False) for ts, price in zip(at, (first, second, bar.close), strict=True)]
    return Step(bar.ts_ms, bar.open, True), *ways


def random_walk(
    seed: int | str, start_ms: int, interval_ms: int, price: float, tick: float, *, volatility: float = 1e-3
) -> Iterator[TapeBar]:
    """Bars without end: log-normal closes, extremes beyond them, now and then a gap at the open."""
    draw, decimals = random.Random(f"tape:{seed}"), max(0, len(f"{tick:.10f}".rstrip("0").split(".")[1]))
    ts, last = start_ms, price

    def at(value: float) -> float:
        return max(tick, round(round(value / tick) * tick, decimals))

    while True:
        open_ = at(last * (1 + (draw.gauss(0, volatility) if draw.random() < 0.05 else 0.0)))
        close = at(open_ * (1 + draw.gauss(0, volatility)))
        high = at(max(open_, close) * (1 + abs(draw.gauss(0, volatility / 2))))
        low = at(min(open_, close) * (1 - abs(draw.gauss(0, volatility / 2))))
        yield TapeBar(ts, open_, high, low, close, round(draw.uniform(5, 50), 3))
        ts, last = ts + interval_ms, close


@dataclass(slots=True)
class BarBook:
    """A symbol's bars as the exchange tells them: closed ones, the one under way, and those yet to come.

    `hidden_until` and `revised` are faults of single bars: not there before a moment, or another before a moment.
    """

    interval_ms: int
    coming: Iterator[TapeBar] = field(default_factory=lambda: iter(()))
    closed: list[TapeBar] = field(default_factory=list)
    live: TapeBar | None = None
    target: TapeBar | None = None
    hidden_until: dict[int, int] = field(default_factory=dict)
    revised: dict[int, tuple[int, TapeBar]] = field(default_factory=dict)

    def take_history(self, n_bars: int) -> None:
        """The first bars of the tape are over already."""
        self.closed.extend(islice(self.coming, n_bars))

    def begin(self) -> TapeBar | None:
        """The next bar of the tape opens; None at its end."""
        self.target = next(self.coming, None)
        if self.target is not None:
            price = self.target.open
            self.live = TapeBar(self.target.ts_ms, price, price, price, price, 0.0)
        return self.target

    def trade(self, price: float, share: float) -> None:
        """A price of the bar under way, with the share of its volume that was traded by then."""
        if self.live is not None and self.target is not None:
            high, low = max(self.live.high, price), min(self.live.low, price)
            volume = round(self.target.volume * share, 6)
            self.live = TapeBar(self.live.ts_ms, self.live.open, high, low, price, volume)

    def end(self) -> TapeBar:
        """The bar under way is closed, exactly as the tape has it."""
        assert self.target is not None
        bar = self.target
        self.closed.append(bar)
        self.live = self.target = None
        return bar

    def told(self, start_ms: int, end_ms: int, limit: int, now_ms: int, *, is_last: bool = False) -> list[TapeBar]:
        """Bars as an answer now: from `start_ms` on at most `limit`, or the last of them; the live bar too."""
        first = bisect_left(self.closed, start_ms, key=lambda bar: bar.ts_ms)
        bars = self.closed[-limit - 2 :] if is_last else self.closed[first : first + limit + 2]
        bars = bars if self.live is None else [*bars, self.live]
        seen = [self._as_told(bar, now_ms) for bar in bars if self.hidden_until.get(bar.ts_ms, 0) <= now_ms]
        kept = [bar for bar in seen if start_ms <= bar.ts_ms <= end_ms]
        return kept[-limit:] if is_last else kept[:limit]

    def _as_told(self, bar: TapeBar, now_ms: int) -> TapeBar:
        until, other = self.revised.get(bar.ts_ms, (0, bar))
        return other if now_ms < until else bar
