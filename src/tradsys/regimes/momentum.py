"""Momentum that depends on the regime: what a rising market means in quiet, in trend and in panic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError
from tradsys.features.feature import OddColumns, check_windows, masked
from tradsys.features.prices import STANDARD_LOOKBACK, LogPrices, standard_returns
from tradsys.features.registry import register
from tradsys.features.windows import moving_sum
from tradsys.regimes.family import RegimeFilter, Regimes, filter_from_dict
from tradsys.regimes.markov import RegimeSpec

_NAMES = {3: ("quiet", "trend", "panic")}


@register
@dataclass(frozen=True, slots=True)
class RegimeMomentum(OddColumns):
    """Filtered probability of each regime times the direction of the last `horizon` bars.

    The direction is the volatility-normalised return over `horizon` bars in standard deviations, cut at one: a sign,
    but one that passes through zero. With a spec of regimes the feature fits them itself; a fitted filter
    is shared with whoever else reads it. On hourly bars this was the only family that added to
    momentum.
    """

    regimes: Regimes | RegimeFilter = field(default_factory=RegimeSpec)
    horizon: int = 24
    name: ClassVar[str] = "regime_momentum"

    def __post_init__(self) -> None:
        check_windows(self.name, horizon=self.horizon)

    def fit(self, frames: Sequence[pl.DataFrame], *, seed: int) -> "RegimeMomentum":
        """Fit the regimes on training bars, one frame a symbol; fitted ones are kept."""
        if isinstance(self.regimes, Regimes):
            return RegimeMomentum(self.regimes.fit(frames, seed=seed), self.horizon)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        n_states = self.regimes.n_states
        return tuple(f"momentum_in_{name}" for name in _NAMES.get(n_states, range(n_states)))

    @property
    def least_lookback(self) -> int:
        """What the returns need, which is known before the regimes are fitted."""
        return self.horizon - 1 + STANDARD_LOOKBACK

    @property
    def lookback(self) -> int:
        """What the regimes need, or the returns if that is more."""
        return max(self._filter.lookback, self.least_lookback)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Values in [-1, 1], shape (n_bars, n_states)."""
        returns = standard_returns(LogPrices.of(bars).returns())
        direction = np.clip(moving_sum(returns, np.full(self.horizon, self.horizon**-0.5)), -1.0, 1.0)
        return masked([state * direction for state in self._filter.filter(bars).T], self.lookback)

    @property
    def _filter(self) -> RegimeFilter:
        if isinstance(self.regimes, Regimes):
            raise ConfigError(f"{self.name} has no regimes yet; fit it on training bars, or give it a fitted filter")
        return self.regimes

    def to_dict(self) -> dict[str, Any]:
        return {"horizon": self.horizon, "regimes": self._filter.to_dict()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        return cls(filter_from_dict(content["regimes"]), content["horizon"])
