"""What every feature is: a frozen spec that turns one symbol's bars into columns, row for row, looking only back."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import product
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.counts import check_whole
from tradsys.core.errors import ConfigError
from tradsys.core.outside import outside_values
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
    """Columns that are all of one kind: they know a direction, or tell how far prices may move, or neither."""

    __slots__ = ()
    _odd: ClassVar[bool] = False
    _volatility: ClassVar[bool] = False

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Each feature names its own."""

    @property
    def is_odd(self) -> tuple[bool, ...]:
        return (self._odd,) * len(self.columns)

    @property
    def is_volatility(self) -> tuple[bool, ...]:
        return (self._volatility,) * len(self.columns)


class OddColumns(_OneKind):
    """All columns know a direction: they change sign with the market."""

    __slots__ = ()
    _odd = True


class VolatilityColumns(_OneKind):
    """All columns tell how far prices may move, and know no direction."""

    __slots__ = ()
    _volatility = True


class PlainColumns(_OneKind):
    """No column changes sign with the market, and none tells how far prices may move."""

    __slots__ = ()


class Windowed:
    """Every setting is a window in bars or a tuple of them, and `patterns` name the columns: `ret_{horizons}`."""

    __slots__ = ()
    name: ClassVar[str]
    patterns: ClassVar[tuple[str, ...]]
    behind: ClassVar[int] = 0
    """Bars that the earliest row of the longest window looks back on."""

    def __post_init__(self) -> None:
        check_windows(self.name, **self._windows)

    @property
    def _windows(self) -> dict[str, int | tuple[int, ...]]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column for pattern in self.patterns for column in self._named(pattern))

    def _named(self, pattern: str) -> Iterator[str]:
        """`ret_1` and `ret_24` for the pattern `ret_{horizons}` with horizons of 1 and 24."""
        inside = {name: _sizes(window) for name, window in self._windows.items() if f"{{{name}}}" in pattern}
        for sizes in product(*inside.values()):
            yield pattern.format(**dict(zip(inside, sizes, strict=True)))

    @property
    def lookback(self) -> int:
        return self.behind + max(max(_sizes(window)) for window in self._windows.values())


class AttachedColumns(_OneKind):
    """Columns of the bars as they are, under their names: what came from outside was settled before the bar closed."""

    __slots__ = ()
    lookback: ClassVar[int] = 1

    @property
    def needs(self) -> tuple[str, ...]:
        return self.columns

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Shape (n_bars, n_columns), NaN where nothing was known."""
        return np.column_stack([outside_values(bars, column) for column in self.columns])


@recorded_by(lambda columns, lookback: Columns(tuple(columns)))
def masked(columns: Sequence[FloatArray], lookback: int) -> FloatArray:
    """Columns of shape (n_bars,) side by side, NaN in the rows that have not seen `lookback` bars yet."""
    values = np.column_stack(columns)
    values[: lookback - 1] = np.nan
    return values


def check_windows(feature: str, **windows: int | tuple[int, ...]) -> None:
    """Refuse windows of less than one bar, and an empty list of them."""
    for setting, value in windows.items():
        for size in _sizes(value):
            check_whole(**{f"{feature}: {setting}": size})
        if min(_sizes(value), default=0) < 1:
            raise ConfigError(f"{feature}: {setting} counts bars and must be at least 1, was {value}")


def _sizes(window: int | tuple[int, ...]) -> tuple[int, ...]:
    return window if isinstance(window, tuple) else (window,)
