"""Momentum of a symbol among the others of its universe, as features: what `universe_ranks` attached to the bars."""

from dataclasses import dataclass
from typing import ClassVar, Final

from tradsys.features.feature import AttachedColumns, OddColumns, Windowed
from tradsys.features.registry import register

LOOKBACKS: Final = (24, 72, 168)


@register
@dataclass(frozen=True, slots=True)
class RelativeStrength(AttachedColumns, Windowed, OddColumns):
    """Vol-normalised momentum less the universe's median."""

    lookbacks: tuple[int, ...] = LOOKBACKS
    name: ClassVar[str] = "relative_strength"
    patterns: ClassVar[tuple[str, ...]] = ("rank_strength_{lookbacks}",)


@register
@dataclass(frozen=True, slots=True)
class MomentumRank(AttachedColumns, Windowed, OddColumns):
    """Rank of vol-normalised momentum in the universe, -1 for the weakest to 1 for the strongest."""

    lookbacks: tuple[int, ...] = LOOKBACKS
    name: ClassVar[str] = "momentum_rank"
    patterns: ClassVar[tuple[str, ...]] = ("rank_place_{lookbacks}",)


RANKS = (RelativeStrength(), MomentumRank())
