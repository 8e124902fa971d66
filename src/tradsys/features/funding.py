"""Funding features: what longs pay shorts, against what is usual and what it was; read from columns of the bars."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.carry import CONSTANT_HOURS
from tradsys.core.outside import outside_values
from tradsys.features.feature import Feature, OddColumns, Windowed, masked
from tradsys.features.positions import change, known_mean, known_zscore
from tradsys.features.registry import register

_NEEDS: Final = ("funding_rate", "funding_hours")


def funding_8h(bars: pl.DataFrame) -> FloatArray:
    """The rate that was settled last before each close, as a fraction in eight hours, (n_bars,); NaN before any."""
    rate, hours = (outside_values(bars, name) for name in _NEEDS)
    return np.asarray(np.divide(rate * CONSTANT_HOURS, hours, out=np.full(len(rate), np.nan), where=hours > 0.0))


@register
@dataclass(frozen=True, slots=True)
class FundingLevel(Windowed, OddColumns):
    """What longs paid last, in eight hours, its mean over a window, and how unusual the last one is.

    Seen from the other currency the short is the long, and it changes sign.
    """

    window: int = 168
    usual: int = 720
    name: ClassVar[str] = "funding_level"
    patterns: ClassVar[tuple[str, ...]] = ("funding_8h", "funding_mean_{window}", "funding_z_{usual}")
    needs: ClassVar[tuple[str, ...]] = _NEEDS

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Shape (n_bars, 3), NaN where no settlement is known."""
        rate = funding_8h(bars)
        return masked([rate, known_mean(rate, self.window), known_zscore(rate, self.usual)], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class FundingChange(Windowed, OddColumns):
    """What longs pay in eight hours less what they paid some bars ago."""

    windows: tuple[int, ...] = (24, 168)
    name: ClassVar[str] = "funding_change"
    patterns: ClassVar[tuple[str, ...]] = ("funding_change_{windows}",)
    behind: ClassVar[int] = 1  # the bar that the change starts from
    needs: ClassVar[tuple[str, ...]] = _NEEDS

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Shape (n_bars, n_windows), NaN where no settlement is known now or was known then."""
        rate = funding_8h(bars)
        return masked([change(rate, window) for window in self.windows], self.lookback)


FUNDING: Final[tuple[Feature, ...]] = (FundingLevel(), FundingChange())
"""Every feature of this file; `funding_rank` compares symbols and stands with the ranks."""
