"""Regimes of a market from the ranges of its bars: the spec, and the filter that fitting it on training bars gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.counts import check_whole
from tradsys.core.errors import ConfigError, NotEnoughBars
from tradsys.core.frames import HeldBars, as_bars, as_frames
from tradsys.core.seeds import derive
from tradsys.core.single_symbol import single_symbol
from tradsys.core.time import HOUR_MS
from tradsys.features.feature import masked
from tradsys.features.prices import FLOOR, LogPrices
from tradsys.features.stream.series import is_traced, ohlcv
from tradsys.features.windows import looked_up, moving_mean
from tradsys.regimes.fitted import FittedRegimes
from tradsys.regimes.model import RegimeModel

_LIMIT = 3.0


@dataclass(frozen=True, slots=True)
class RangeObservation:
    """Log true range of the bar, less the daily rhythm of its hour, less its mean over the last `reference` bars.

    One number a bar, at any price, the same for a market and its mirror image. The range tells the volatility of a
    single bar so much better than its return that no average has to delay it. Without the rhythm, which is learnt
    from training bars, the states would be the hours of the day. The reference makes symbols and years comparable and
    must be long against a regime's stay: on the simulated regimes 168, 240 and 336 bars find 60, 87 and 90% of the
    states.
    """

    reference: int = 240

    def __post_init__(self) -> None:
        check_whole(reference=self.reference)
        if self.reference < 2:
            raise ConfigError(f"reference counts bars and must be at least 2, was {self.reference}; 240 is usual")

    def fit(self, frames: Sequence[pl.DataFrame]) -> "FittedRangeObservation":
        """Learn the daily rhythm from training bars, one frame a symbol; hours never seen count as ordinary."""
        total, count = np.zeros(24), np.zeros(24)
        for bars in frames:
            ranges, hour = _log_ranges(bars), _hours(bars)
            total += np.bincount(hour, ranges - ranges.mean(), 24)
            count += np.bincount(hour, minlength=24)
        rhythm = total / np.maximum(count, 1)
        return FittedRangeObservation(self.reference, tuple(rhythm.tolist()))


@dataclass(frozen=True, slots=True)
class FittedRangeObservation:
    """The observation with the rhythm it was fitted to: log range of each UTC hour over that of the day."""

    reference: int
    rhythm: tuple[float, ...]

    @property
    def lookback(self) -> int:
        """The reference, and the close before its first bar."""
        return self.reference + 1

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Observations of shape (n_bars, 1), cut at three; NaN in the first `lookback - 1` rows."""
        ranges = _log_ranges(bars) - looked_up(_hours(bars), np.array(self.rhythm))
        return masked([np.clip(ranges - moving_mean(ranges, self.reference), -_LIMIT, _LIMIT)], self.lookback)


def _log_ranges(bars: pl.DataFrame) -> FloatArray:
    log: FloatArray = np.log(np.maximum(LogPrices.of(bars).ranges(), FLOOR))
    return log


def _hours(bars: pl.DataFrame) -> IntArray:
    return ohlcv(bars).ts // HOUR_MS % 24


@dataclass(frozen=True, slots=True)
class RegimeSpec:
    """Quiet, trend and panic: a hidden Markov model of bar ranges, shared by all symbols.

    A filtered probability reads the last `window` observations, so that a bot that has loaded `lookback` bars sees
    what the research run saw. The model forgets faster than that: on real hourly bars what lies 160 bars back moves
    nothing above 1e-15, on the simulated regimes 1e-11. At most `max_rows` of the latest training rows are fitted,
    shared equally by the symbols.
    """

    n_states: int = 3
    n_starts: int = 10
    observation: RangeObservation = field(default_factory=RangeObservation)
    window: int = 160
    max_rows: int = 40_000

    def __post_init__(self) -> None:
        check_whole(window=self.window, max_rows=self.max_rows)
        if self.window < 1 or self.max_rows < 1:
            raise ConfigError(
                f"window and max_rows count and must be at least 1, were {self.window} and {self.max_rows}"
            )
        self._model(0)

    @property
    def lookback(self) -> int:
        """Bars that settle a filtered probability, once it is fitted."""
        return self.observation.reference + self.window

    def fit(
        self, frames: HeldBars, *, seed: int, start_from: "FittedRegimeFilter | None" = None
    ) -> "FittedRegimeFilter":
        """Fit on training bars alone, one frame a symbol; `start_from`, fitted on earlier bars, saves the starts."""
        frames = as_frames(frames, "RegimeSpec.fit")
        for bars in frames:
            single_symbol(bars, "RegimeSpec.fit")
        observation = self.observation.fit(frames)
        values = [observation.compute(bars)[observation.lookback - 1 :] for bars in frames]
        if not any(map(len, values)):
            raise NotEnoughBars(
                f"regimes need {observation.lookback} bars before their first observation, found "
                f"{max(map(len, frames), default=0)}; load earlier history or shorten the reference"
            )
        share = self.max_rows // len(frames)
        runs = [run[-share:] for run in values]
        earlier = None if start_from is None else start_from.regimes
        regimes = self._model(seed).fit(np.concatenate(runs), [len(run) for run in runs], start_from=earlier)
        return FittedRegimeFilter(observation, regimes, self.window)

    def _model(self, seed: int) -> RegimeModel:
        return RegimeModel(self.n_states, self.n_starts, derive(seed, "regime model"), order="mean", has_units=False)


@dataclass(frozen=True, slots=True)
class FittedRegimeFilter:
    """From one symbol's bars to the probability of each regime, in order of volatility: 0 is quiet."""

    observation: FittedRangeObservation
    regimes: FittedRegimes
    window: int

    @property
    def n_states(self) -> int:
        return self.regimes.n_states

    @property
    def lookback(self) -> int:
        return self.observation.lookback + self.window - 1

    def filter(self, bars: HeldBars) -> FloatArray:
        if is_traced(bars):
            return self.regimes.filter_windows(self.observation.compute(cast(pl.DataFrame, bars)), self.window)
        bars = as_bars(bars, "a regime filter")
        single_symbol(bars, "a regime filter")
        return self._probabilities(bars, lambda X: self.regimes.filter_windows(X, self.window))

    def smoothed_proba(self, bars: HeldBars) -> FloatArray:
        """For plots only: shape (n_bars, n_states), knowing the future; traded on, they invent profit."""
        return self._probabilities(as_bars(bars, "a regime filter"), self.regimes.smoothed_proba)

    def _probabilities(self, bars: pl.DataFrame, read: Callable[[FloatArray], FloatArray]) -> FloatArray:
        X = self.observation.compute(bars)
        out = np.full((len(X), self.n_states), np.nan)
        first = self.observation.lookback - 1
        if len(X) > first:
            out[first:] = read(X[first:])
        return out

    def to_dict(self) -> dict[str, Any]:
        return {
            "reference": self.observation.reference,
            "rhythm": self.observation.rhythm,
            "window": self.window,
            "regimes": self.regimes.to_dict(),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        observation = FittedRangeObservation(content["reference"], tuple(content["rhythm"]))
        return cls(observation, FittedRegimes.from_dict(content["regimes"]), content["window"])
