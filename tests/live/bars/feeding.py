"""A feed over a scripted market on virtual time, and what it handed out and told."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.live.bars.scripted_market import MINUTE_MS, ScriptedMarket
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.features.stream.bar import Bar
from tradsys.live.bars.close import Close
from tradsys.live.bars.feed import BarFeed
from tradsys.live.clock import Clock

START_MS = 1_700_000_040_000 - 20_000
"""Twenty seconds before a whole minute."""

FIRST_MS = START_MS + 20_000
"""The first close after the start."""


@dataclass
class Fed:
    """What a feed handed out, at which true times, and everything that it told."""

    market: ScriptedMarket
    feed: BarFeed
    histories: dict[str, Any] = field(default_factory=dict)
    closes: list[Close] = field(default_factory=list)
    at_ms: list[int] = field(default_factory=list)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def errors(self, what: str) -> list[str]:
        return [str(fields["reason"]) for kind, fields in self.told if kind == "error" and fields["what"] == what]


def fed(
    n_closes: int,
    script: Callable[[ScriptedMarket], None] = lambda market: None,
    *,
    clock_of: Callable[[LoopClock], Clock] = lambda clock: clock,
    after: Callable[[Fed, Close], Awaitable[None]] | None = None,
    symbols: tuple[str, ...] = ("A", "B"),
    n_bars: int = 50,
    wait_s: float = 8.0,
    start_ms: int = START_MS,
    on_bar: Callable[[str, Bar], None] | None = None,
) -> Fed:
    """A feed of two symbols' minutes that has handed out so many closes; `after` runs behind each."""

    async def main(true: LoopClock) -> Fed:
        told: list[tuple[str, dict[str, Any]]] = []
        market, clock = ScriptedMarket(true), clock_of(true)
        script(market)
        feed = BarFeed(
            market,
            symbols,
            MINUTE_MS,
            clock,
            tell=lambda kind, fields: told.append((kind, dict(fields))),
            wait_s=wait_s,
            on_bar=on_bar,
        )
        got = Fed(market, feed, told=told)
        got.histories = await feed.history(n_bars)
        closes = feed.closes()
        async for close in closes:
            got.closes.append(close)
            got.at_ms.append(true.now_ms())
            if after is not None:
                await after(got, close)
            if len(got.closes) == n_closes:
                break
        await closes.aclose()
        return got

    return run_virtual(main, epoch_ms=start_ms)
