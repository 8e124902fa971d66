"""What every kind of regime offers: a spec that fits, and the filter that reads bars without knowing later ones."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from tradsys.core.arrays import FloatArray
from tradsys.core.frames import HeldBars
from tradsys.regimes.markov import FittedRegimeFilter
from tradsys.regimes.volatility import FittedVolatilityFilter


class RegimeFilter(Protocol):
    """From one symbol's bars to the probability of each regime, in order of volatility: 0 is quiet."""

    @property
    def n_states(self) -> int:
        """Number of regimes."""

    @property
    def lookback(self) -> int:
        """Bars that settle a value; the first `lookback - 1` rows are NaN."""

    def filter(self, bars: HeldBars) -> FloatArray:
        """Filtered probabilities, shape (n_bars, n_states): no row knows a later bar."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers that `filter_from_dict` reads back to the last bit."""


@runtime_checkable
class Regimes(Protocol):
    """A frozen spec; fitting returns a filter."""

    @property
    def n_states(self) -> int:
        """Number of regimes."""

    def fit(self, frames: HeldBars, *, seed: int) -> RegimeFilter:
        """Fit on training bars alone, one frame a symbol."""


def filter_from_dict(content: Mapping[str, Any]) -> RegimeFilter:
    """The filter that its `to_dict` wrote, whatever its kind."""
    if content.get("kind") == FittedVolatilityFilter.kind:
        return FittedVolatilityFilter.from_dict(content)
    return FittedRegimeFilter.from_dict(content)
