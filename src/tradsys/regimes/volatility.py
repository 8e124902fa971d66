"""Regimes without a hidden state: which third of the training bars' volatility the last bars belong to."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, cast

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.counts import check_whole
from tradsys.core.errors import ConfigError, NotEnoughBars
from tradsys.core.frames import HeldBars, as_bars, as_frames
from tradsys.core.plain_values import PlainValues
from tradsys.core.single_symbol import single_symbol
from tradsys.features.feature import masked
from tradsys.features.prices import FLOOR, LogPrices
from tradsys.features.stream.series import is_traced
from tradsys.features.windows import moving_mean


@dataclass(frozen=True, slots=True)
class VolatilityRegimes:
    """Quiet, trend and panic by the mean log true range of the last `window` bars, cut where training bars divide.

    A hundred times quicker to fit than the hidden Markov model and read like it: what calibrates the verdict on
    thousands of markets.
    """

    n_states: int = 3
    window: int = 48

    def __post_init__(self) -> None:
        check_whole(n_states=self.n_states, window=self.window)
        if self.n_states < 2 or self.window < 1:
            raise ConfigError(
                f"n_states must be at least 2 and window at least 1 bar, were {self.n_states} and {self.window}"
            )

    def fit(self, frames: HeldBars, *, seed: int) -> "FittedVolatilityFilter":
        """Learn the cuts from training bars alone, one frame a symbol; the seed is not used."""
        del seed
        frames = as_frames(frames, "VolatilityRegimes.fit")
        for bars in frames:
            single_symbol(bars, "VolatilityRegimes.fit")
        levels = np.concatenate([_level(bars, self.window)[self.window :] for bars in frames])
        if not len(levels):
            raise NotEnoughBars(
                f"volatility regimes need {self.window + 1} bars before their first value, found "
                f"{max(map(len, frames), default=0)}; load earlier history or shorten the window"
            )
        cuts = np.quantile(levels, np.arange(1, self.n_states) / self.n_states)
        return FittedVolatilityFilter(tuple(cuts.tolist()), self.window)


@dataclass(frozen=True, slots=True)
class FittedVolatilityFilter(PlainValues):
    """The regime of each bar as probabilities that are zero or one, in order of volatility: 0 is quiet."""

    kind: ClassVar[str] = "volatility"

    cuts: tuple[float, ...]
    window: int

    @property
    def n_states(self) -> int:
        return len(self.cuts) + 1

    @property
    def lookback(self) -> int:
        """The window, and the close before its first range."""
        return self.window + 1

    def filter(self, bars: HeldBars) -> FloatArray:
        """Shape (n_bars, n_states), from the last `window` bars alone; NaN in the first `lookback - 1` rows."""
        if not is_traced(bars):
            bars = as_bars(bars, "a regime filter")
            single_symbol(bars, "a regime filter")
        level, edges = _level(cast(pl.DataFrame, bars), self.window), (-np.inf, *self.cuts, np.inf)
        return masked([_between(level, low, high) for low, high in pairwise(edges)], self.lookback)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **PlainValues.to_dict(self)}


def _level(bars: pl.DataFrame, window: int) -> FloatArray:
    return moving_mean(np.log(np.maximum(LogPrices.of(bars).ranges(), FLOOR)), window)


def _between(level: FloatArray, low: float, high: float) -> FloatArray:
    inside: FloatArray = 1.0 * np.greater_equal(level, low) * np.less(level, high)
    return inside
