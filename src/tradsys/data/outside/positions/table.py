"""Open interest, basis and liquidations of one source: rows in the order in which they came out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

from tradsys.core.errors import DataError
from tradsys.data.outside.align import AVAILABLE

OPEN_INTEREST, BASIS, LIQ_SELL, LIQ_BUY = "open_interest", "basis", "liq_sell", "liq_buy"
LEVELS: Final = (OPEN_INTEREST, BASIS)
"""Open interest in whatever unit, more than zero; the perpetual over its index less one, a fraction."""

AMOUNTS: Final = (LIQ_SELL, LIQ_BUY)
"""What was liquidated since the row before: longs, which are sold, and shorts, which are bought; one unit for both."""

DEFAULT_TOLERANCE: Final = timedelta(hours=1)
"""A level that came out longer ago than this at a bar's close is not known any more."""


@dataclass(frozen=True, slots=True)
class PositionTable:
    """`rows` carry `ts` (what they are about) and `available_at` (ms, UTC), sorted by the latter, and some columns.

    `step` is the time from row to row where it is known: a bar with fewer than half of its rows has no amount.
    `sentence` says where all that came from.
    """

    rows: pl.DataFrame
    sentence: str
    tolerance: timedelta = DEFAULT_TOLERANCE
    step: timedelta | None = None

    @property
    def levels(self) -> tuple[str, ...]:
        """Which levels it holds."""
        return tuple(name for name in LEVELS if name in self.rows.columns)

    @property
    def amounts(self) -> tuple[str, ...]:
        """Which amounts it holds."""
        return tuple(name for name in AMOUNTS if name in self.rows.columns)

    def level_rows(self, name: str) -> pl.DataFrame:
        """`available_at` and one level: no row about an earlier time than one that was out before it."""
        rows = self.rows.filter(pl.col(name).is_not_null())
        return rows.filter(pl.col("ts") >= pl.col("ts").cum_max()).select(AVAILABLE, name)

    def amount_rows(self) -> pl.DataFrame:
        """`available_at` and the amounts, each time once: the first answer stands, since it has been counted."""
        whole = pl.all_horizontal(pl.col(name).is_not_null() for name in self.amounts)
        rows = self.rows.filter(whole).unique("ts", keep="first", maintain_order=True)
        return rows.select(AVAILABLE, *self.amounts)


def in_order(rows: pl.DataFrame, source: str) -> pl.DataFrame:
    """Rows sorted by when they came out; a DataError where a value or a time cannot be."""
    too_soon = rows.filter(pl.col(AVAILABLE) < pl.col("ts"))
    if len(too_soon):
        raise DataError(
            f"{source}: {len(too_soon):,} rows were out before the time that they are about, the first at "
            f"{too_soon['ts'][0]:%Y-%m-%d %H:%M}; nothing is known before it has happened"
        )
    for name, which, wanted in _impossible(rows.columns):
        bad = rows.filter(which)
        if len(bad):
            raise DataError(
                f"{source}: {len(bad):,} values of {name} cannot be, the first {bad[name][0]} at "
                f"{bad['ts'][0]:%Y-%m-%d %H:%M}; wanted {wanted}"
            )
    return rows.sort(AVAILABLE, "ts", maintain_order=True)


def _impossible(columns: Iterable[str]) -> list[tuple[str, pl.Expr, str]]:
    rules = {
        OPEN_INTEREST: (pl.col(OPEN_INTEREST) <= 0, "more than zero, or an empty cell"),
        BASIS: (pl.col(BASIS).abs() >= 1, "a fraction such as -0.0005, neither percent nor basis points"),
        LIQ_SELL: (pl.col(LIQ_SELL) < 0, "zero or more"),
        LIQ_BUY: (pl.col(LIQ_BUY) < 0, "zero or more"),
    }
    return [
        (name, (which | ~pl.col(name).is_finite()).fill_null(False), wanted)
        for name, (which, wanted) in rules.items()
        if name in columns
    ]
