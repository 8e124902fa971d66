"""The columns from outside that a bundle needs: each from its provider, NaN where it is stale, by its policy."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import polars as pl

from tradsys.bundle.deployment import OutsideColumn
from tradsys.core.errors import ConfigError
from tradsys.features.stream.bar import Bar
from tradsys.live.outside.provider import OutsideProvider

REFUSE: Final = "refuse"
"""The policy of a column without which nothing is entered."""


class Enriched(NamedTuple):
    """A bar with its columns from outside, and why nothing may be entered on it, None where it may."""

    bar: Bar
    no_entry: str | None


class OutsideSources:
    """What a bundle's columns come from; a ConfigError names those that no provider gives.

    `providers` are by the name that the columns call them.
    """

    def __init__(self, columns: Sequence[OutsideColumn], providers: Mapping[str, OutsideProvider]) -> None:
        lacking = [one for one in columns if one.provider not in providers or not _gives(providers[one.provider], one)]
        if lacking:
            raise ConfigError(
                f"the bundle needs {', '.join(f'{one.name} of {one.provider}' for one in lacking)}, which no provider "
                f"gives a bot; there are {', '.join(providers) or 'none'}: deploy a run without them"
            )
        self._columns = tuple(columns)
        used = dict.fromkeys(one.provider for one in columns)
        self._providers = {name: providers[name] for name in used}

    async def begin(self, first_ms: int, now_ms: int) -> None:
        """Read what bars from `first_ms` on need."""
        for provider in self._providers.values():
            await provider.begin(first_ms, now_ms)

    async def refresh(self, close_ms: int) -> None:
        """Read what is new before a close; handed to the feed as a preparation."""
        for provider in self._providers.values():
            await provider.refresh(close_ms)

    def join(self, symbol: str, bars: pl.DataFrame) -> pl.DataFrame:
        """A history with its columns."""
        for name, provider in self._providers.items():
            wanted = [one.name for one in self._columns if one.provider == name]
            bars = provider.join(symbol, bars).select(*bars.columns, *wanted)
        return bars

    def enrich(self, symbol: str, bar: Bar, previous_ms: int) -> Enriched:
        """A bar that has just closed, with its columns; `previous_ms` is the open of the one before."""
        if not self._columns:
            return Enriched(bar, None)
        known = {name: one.known(symbol, bar.ts, previous_ms) for name, one in self._providers.items()}
        values, refused = {}, []
        for column in self._columns:
            age_s = known[column.provider].age_s[column.name]
            is_stale = not age_s <= column.max_age_s
            values[column.name] = math.nan if is_stale else known[column.provider].values[column.name]
            if is_stale and column.policy == REFUSE:
                refused.append(f"{column.name} is {_old(age_s)}, at most {column.max_age_s / 3_600:g} h are allowed")
        return Enriched(bar._replace(outside={**bar.outside, **values}), "; ".join(refused) or None)


def _gives(provider: OutsideProvider, column: OutsideColumn) -> bool:
    return column.name in provider.columns


def _old(age_s: float) -> str:
    return f"{age_s / 3_600:.1f} h old" if math.isfinite(age_s) else "not known"
