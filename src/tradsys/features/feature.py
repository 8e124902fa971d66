"""What every feature is: a frozen spec that turns one symbol's bars into columns, row for row, looking only back."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError
from tradsys.features.stream.series import Columns, recorded_by


class Columnar(Protocol):
    """Anything that computes columns from bars: a feature, or the filter of the regimes."""

    @property
    def name(self) -> str:
        """Its name in messages, and for a feature in `FeatureSet.from_names`."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, with their main parameter: `ret_24`."""

    @property
    def lookback(self) -> int:
        """Bars that settle a value, its own included; the first `lookback - 1` rows are NaN, all later ones finite."""

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Values of shape (n_bars, n_columns); where bars are missing, their neighbours adjoin."""


class Feature(Columnar, Protocol):
    """Columns computed from the bars up to each row, and the promises that the battery of features checks."""

    @property
    def is_odd(self) -> tuple[bool, ...]:
        """Columns that only change sign when the market is mirrored (each price replaced by its inverse)."""

    @property
    def is_volatility(self) -> tuple[bool, ...]:
        """Columns that tell how far prices may move, not where to: all that the volatility-only baseline reads."""


@runtime_checkable
class FittableFeature(Protocol):
    """A feature with something to learn from training bars before it can be computed."""

    def fit(self, frames: Sequence[pl.DataFrame], *, seed: int) -> Feature:
        """The feature that was learnt from training bars alone, one frame a symbol."""


@runtime_checkable
class OutsideFeature(Protocol):
    """A feature of columns that came from outside the symbol's trades: NaN where they say nothing, not only at first.

    Rows without a value train no model and get no forecast.
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that the bars must carry, as `core.outside` names them."""


@runtime_checkable
class OutsideSeries(Protocol):
    """A feature that reads a series of its own besides the bars, a macro close for instance."""

    def until(self, time_ms: int) -> Feature:
        """The feature with what its series had published by `time_ms`: what `tradsys lookahead` cuts bars against."""


class _OneKind(ABC):
    """Columns that are all of one kind: they know a direction, or they tell how far prices may move."""

    __slots__ = ()
    _knows_direction: ClassVar[bool]

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Each feature names its own."""

    @property
    def is_odd(self) -> tuple[bool, ...]:
        """The same for every column: whether they change sign with the market."""
        return (self._knows_direction,) * len(self.columns)

    @property
    def is_volatility(self) -> tuple[bool, ...]:
        """The same for every column: whether they tell how far prices may move."""
        return (not self._knows_direction,) * len(self.columns)


class OddColumns(_OneKind):
    """All columns know a direction: they change sign with the market."""

    __slots__ = ()
    _knows_direction = True


class VolatilityColumns(_OneKind):
    """All columns tell how far prices may move, and know no direction."""

    __slots__ = ()
    _knows_direction = False


@recorded_by(lambda columns, lookback: Columns(tuple(columns)))
def masked(columns: Sequence[FloatArray], lookback: int) -> FloatArray:
    """Columns of shape (n_bars,) side by side, NaN in the rows that have not seen `lookback` bars yet."""
    values = np.column_stack(columns)
    values[: lookback - 1] = np.nan
    return values


def check_windows(feature: str, **windows: int | tuple[int, ...]) -> None:
    """Refuse windows of less than one bar, and an empty list of them."""
    for setting, value in windows.items():
        sizes = value if isinstance(value, tuple) else (value,)
        if not sizes or min(sizes) < 1:
            raise ConfigError(f"{feature}: {setting} counts bars and must be at least 1, was {value}")
