"""What gives a running bot columns from outside."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import polars as pl


class KnownColumns(NamedTuple):
    """Columns as they were known at a close, NaN where nothing was, and how old each is in seconds (inf: never)."""

    values: Mapping[str, float]
    age_s: Mapping[str, float]


class OutsideProvider(Protocol):
    """Asks ahead of a close, and then answers at once from what it has."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that it gives."""
        ...

    async def begin(self, first_ms: int, now_ms: int) -> None:
        """Read what bars from `first_ms` on need; whatever fails is raised, since nothing has been decided yet."""
        ...

    async def refresh(self, close_ms: int) -> None:
        """Read what is new before this close; a failure is told, and what is known ages."""
        ...

    def join(self, symbol: str, bars: pl.DataFrame) -> pl.DataFrame:
        """A symbol's bars, row for row, with the columns as they were known at each close."""
        ...

    def known(self, symbol: str, ts_ms: int, previous_ms: int) -> KnownColumns:
        """The same for the one bar that opens at `ts_ms`, after the one of `previous_ms`."""
        ...
