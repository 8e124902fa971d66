"""Order-book features: imbalance, microprice, order flow, spread and depth; read from columns of the bars."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Self

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.outside import outside_columns, outside_values
from tradsys.features.feature import AttachedColumns, Feature, FittableFeature, OddColumns, VolatilityColumns
from tradsys.features.registry import register

_IMBALANCE: Final = "book_imbalance_"


@register
@dataclass(frozen=True, slots=True)
class BookPressure(AttachedColumns, OddColumns):
    """Imbalances of the best levels and the microprice, at the close and over the bar.

    Two columns a depth in `levels`, which are those that the training bars carry unless they are named. Seen from the
    other currency bids are asks: all change sign with the market. The skill of an imbalance lasts seconds,
    so that over hourly bars it belongs to execution: in no default set.
    """

    levels: tuple[int, ...] = ()
    name: ClassVar[str] = "book_pressure"

    def fit(self, frames: Sequence[pl.DataFrame], *, seed: int) -> Self:
        """See which depths the bars carry; the seed is not used."""
        del seed
        if self.levels:
            return self
        names = outside_columns(frames[0]) if frames else ()
        found = {name.removeprefix(_IMBALANCE).removesuffix("_mean") for name in names if name.startswith(_IMBALANCE)}
        if not found:
            raise DataError(
                f"{self.name} needs bars with columns such as {_IMBALANCE}5, found none; give a book with --book FILE, "
                "or leave the feature out"
            )
        return replace(self, levels=tuple(sorted(map(int, found))))

    @property
    def columns(self) -> tuple[str, ...]:
        if not self.levels:
            raise ConfigError(f"{self.name} does not know its levels yet; fit it, or name them")
        imbalances = (f"{_IMBALANCE}{level}{end}" for level in self.levels for end in ("", "_mean"))
        return (*imbalances, "book_microprice", "book_microprice_mean")


@register
@dataclass(frozen=True, slots=True)
class OrderFlow(AttachedColumns, OddColumns):
    """The bar's order flow at the best prices over the mean size there, where states followed closely enough to tell.

    It is NaN where no state of the bar continued the one before: a book that was recorded once in minutes has no flow;
    leave the feature out there.
    """

    name: ClassVar[str] = "order_flow"
    columns: ClassVar[tuple[str, ...]] = ("book_ofi",)


@register
@dataclass(frozen=True, slots=True)
class BookShape(VolatilityColumns):
    """Log of the spread at the close and over the bar, and the slope of depth: they know no direction."""

    name: ClassVar[str] = "book_shape"
    needs: ClassVar[tuple[str, ...]] = ("book_spread", "book_spread_mean", "book_slope", "book_slope_mean")
    columns: ClassVar[tuple[str, ...]] = ("book_log_spread", "book_log_spread_mean", "book_slope", "book_slope_mean")
    lookback: ClassVar[int] = 1

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Shape (n_bars, 4), NaN where there was no book; a spread is never zero, since such a book has ended."""
        spread, spread_mean, slope, slope_mean = (outside_values(bars, column) for column in self.needs)
        return np.column_stack([np.log(spread), np.log(spread_mean), slope, slope_mean])


BOOK: Final[tuple[Feature | FittableFeature, ...]] = (BookPressure(), OrderFlow(), BookShape())
"""Every feature of this file; for your own sets."""
