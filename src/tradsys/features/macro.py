"""What other markets say: their returns and standard scores, and how far they moved; read from columns of the bars."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Self

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.outside import outside_columns, outside_values
from tradsys.features.feature import AttachedColumns, Feature, PlainColumns, VolatilityColumns
from tradsys.features.registry import register

_FAMILY: Final = "macro_"
_HOURS_A_DAY: Final = 24.0


def macro_series(bars: pl.DataFrame, ending: str) -> tuple[str, ...]:
    """The series of which the bars carry a column `macro_<series>_<ending>`, in alphabetical order."""
    columns = (name for name in outside_columns(bars) if name.startswith(_FAMILY) and name.endswith(f"_{ending}"))
    return tuple(sorted(name.removeprefix(_FAMILY).removesuffix(f"_{ending}") for name in columns))


class _MacroColumns:
    """The series are those that the training bars carry, unless they are named."""

    __slots__ = ()
    name: ClassVar[str]
    reads: ClassVar[tuple[str, ...]]
    """Endings of the columns of each series that it reads."""
    series: tuple[str, ...]
    lookback: ClassVar[int] = 1

    def fit(self, frames: Sequence[pl.DataFrame], *, seed: int) -> Self:
        """See which series the bars carry; the seed is not used."""
        del seed
        if self.series:
            return self
        found = macro_series(frames[0], self.reads[0]) if frames else ()
        if not found:
            raise DataError(
                f"{self.name} needs bars with columns such as macro_dxy_{self.reads[0]}, found none; give a series "
                "with --macro dxy=FILE, or leave the feature out"
            )
        return replace(self, series=found)  # type: ignore[type-var]

    @property
    def needs(self) -> tuple[str, ...]:
        return self._of_each(self.reads)

    def _of_each(self, endings: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{_FAMILY}{one}_{what}" for one in self.known_series for what in endings)

    @property
    def known_series(self) -> tuple[str, ...]:
        """The series, of which there must be some by now."""
        if not self.series:
            raise ConfigError(f"{self.name} does not know its series yet; fit it, or name them")
        return self.series


@register
@dataclass(frozen=True, slots=True)
class MacroReturns(_MacroColumns, AttachedColumns, PlainColumns):
    """Return of the last session and of the last week in usual deviations, and the close's standard score.

    Three columns a series, all of which may know a direction; none turns round when the bars' own market is mirrored.
    On the development bars such columns made forecasts worse: they are in no default set.
    """

    series: tuple[str, ...] = ()
    name: ClassVar[str] = "macro_returns"
    reads: ClassVar[tuple[str, ...]] = ("r1", "r5", "z")

    @property
    def columns(self) -> tuple[str, ...]:
        return self._of_each(self.reads)


@register
@dataclass(frozen=True, slots=True)
class MacroRisk(_MacroColumns, VolatilityColumns):
    """How far other markets moved: the last session's and the last week's size, and the week's volatility over usual.

    The fourth column of a series is the age of what is known, in days: what a weekend or a holiday leaves unsaid. Sizes
    know no direction, and serve the volatility-only baseline too.
    """

    series: tuple[str, ...] = ()
    name: ClassVar[str] = "macro_risk"
    reads: ClassVar[tuple[str, ...]] = ("r1", "r5", "vol", "age_h")

    @property
    def columns(self) -> tuple[str, ...]:
        return self._of_each(("size1", "size5", "vol", "age"))

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Shape (n_bars, 4 n_series), NaN where nothing was known."""
        parts = []
        for one in self.known_series:
            day, week, vol, age_h = (outside_values(bars, f"{_FAMILY}{one}_{what}") for what in self.reads)
            parts += [np.abs(day), np.abs(week), vol, age_h / _HOURS_A_DAY]
        return np.column_stack(parts)


MACRO: Final[tuple[Feature, ...]] = (MacroReturns(), MacroRisk())
"""Both families of columns; `MacroRisk` joins the default set where macro series are configured."""
