"""A universe of symbols that list late and end early, and ways to choose its members in hindsight."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import numpy as np

from tradsys.core.bars import split_symbols
from tradsys.core.time import ts_ms
from tradsys.data.fingerprint import fingerprint, month_blocks
from tradsys.data.market import Market
from tradsys.data.simulate import simulate_universe
from tradsys.data.universe import Listing, Universe, UniverseSpec

HOUR = timedelta(hours=1)
HOUR_MS = 3_600_000


@cache
def market() -> Market:
    """Ten symbols, of which some list late and some end early."""
    bars = simulate_universe(10, 0.03, seed=1, n_bars=9_000)
    return Market(bars, HOUR, ("t",), tuple(split_symbols(bars)), (), fingerprint(bars), month_blocks(bars), False)


@dataclass(frozen=True, slots=True)
class OfTheWholeHistory(UniverseSpec):
    """Members are those that trade most over the whole history, listed by then or not."""

    def choose(self, frames, bar_ms, listings: Mapping[str, Listing] = {}):
        own = UniverseSpec.choose(self, frames, bar_ms, listings)
        volume = [float((bars["volume"] * bars["close"]).sum()) for bars in frames.values()]
        member = np.zeros(own.member.shape, bool)
        member[:, np.argsort(volume)[-self.size :]] = True
        return Universe(own.symbols, own.times, member)


@dataclass(frozen=True, slots=True)
class OfTheLastYear(UniverseSpec):
    """Members are those that have not ended by the last bar: survivors, known in hindsight."""

    def choose(self, frames, bar_ms, listings: Mapping[str, Listing] = {}):
        own = UniverseSpec.choose(self, frames, bar_ms, listings)
        last = max(int(ts_ms(bars)[-1]) for bars in frames.values())
        is_left = np.array([int(ts_ms(bars)[-1]) == last for bars in frames.values()])
        return Universe(own.symbols, own.times, own.member & is_left)
