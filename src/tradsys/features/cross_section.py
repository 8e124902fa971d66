"""Momentum of a symbol among the others of its universe, as features: what `universe_ranks` attached to the bars."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.outside import outside_values
from tradsys.features.feature import OddColumns, check_windows
from tradsys.features.registry import register

LOOKBACKS: Final = (24, 72, 168)


class _Ranked(OddColumns):
    """Columns of the cross-section as they are, one a lookback."""

    __slots__ = ()
    name: ClassVar[str]
    lookbacks: tuple[int, ...]
    lookback: ClassVar[int] = 1
    _what: ClassVar[str]

    @property
    def needs(self) -> tuple[str, ...]:
        """`rank_<what>_<bars>`."""
        return tuple(f"rank_{self._what}_{lookback}" for lookback in self.lookbacks)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the bars, under their names."""
        return self.needs

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Values of shape (n_bars, n_lookbacks), NaN where the symbol was not ranked."""
        return np.column_stack([outside_values(bars, name) for name in self.needs])


@register
@dataclass(frozen=True, slots=True)
class RelativeStrength(_Ranked):
    """Vol-normalised momentum less the universe's median."""

    lookbacks: tuple[int, ...] = LOOKBACKS
    name: ClassVar[str] = "relative_strength"
    _what: ClassVar[str] = "strength"

    def __post_init__(self) -> None:
        check_windows(self.name, lookbacks=self.lookbacks)


@register
@dataclass(frozen=True, slots=True)
class MomentumRank(_Ranked):
    """Rank of vol-normalised momentum in the universe, -1 for the weakest to 1 for the strongest."""

    lookbacks: tuple[int, ...] = LOOKBACKS
    name: ClassVar[str] = "momentum_rank"
    _what: ClassVar[str] = "place"

    def __post_init__(self) -> None:
        check_windows(self.name, lookbacks=self.lookbacks)


RANKS = (RelativeStrength(), MomentumRank())
