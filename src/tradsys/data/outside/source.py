"""What every source of outside columns offers: read from a line of the settings, and joined to any frame of bars.

A book, positions, funding and macro series differ in what they hold and in who may have several of them; to whoever
joins them to bars they are alike. Nothing here needs a `Market`: a bot that has bars alone joins them the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, Self, cast

import polars as pl

from tradsys.data.settings import DataSettings


@dataclass(frozen=True, slots=True)
class BarRange:
    """The bars that outside columns are wanted for: whose, how long each, from the first open to the last close.

    `data` says where stores and hosts are.
    """

    symbols: tuple[str, ...]
    interval: timedelta
    opens: datetime
    closes: datetime
    data: DataSettings = DataSettings()

    @classmethod
    def of(cls, bars: pl.DataFrame, interval: timedelta, symbols: tuple[str, ...], data: DataSettings) -> Self:
        """Of bars of these symbols, at least one bar."""
        first, last = (cast(datetime, value) for value in (bars["ts"].min(), bars["ts"].max()))
        return cls(symbols, interval, first, last + interval, data)


class OutsideColumns(Protocol):
    """What was read for one symbol."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that bars get, in their order; the same for all symbols that were read together."""

    @property
    def sentence(self) -> str:
        """Where the columns come from and what was found there; complete once they have been joined."""

    def join(self, bars: pl.DataFrame, interval: timedelta) -> pl.DataFrame:
        """The symbol's bars, row for row, with `columns`: Float64, as known at each close, NaN where nothing was."""


class OutsideSource(Protocol):
    """One source as the settings write it: a frozen value that keeps nothing of what it reads."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """What a line of the settings says; a ConfigError where it cannot be."""

    @classmethod
    def read(cls, sources: Sequence[Self], bars: BarRange) -> dict[str, OutsideColumns]:
        """What all these sources hold for the symbols of the bars; a symbol of which they know nothing is left out."""
