"""A symbol among the others of its universe, and what all of them do, as features of what `universe_ranks` attached."""

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from tradsys.features.feature import AttachedColumns, OddColumns, VolatilityColumns, Windowed
from tradsys.features.registry import register

LOOKBACKS: Final = (24, 72, 168)

type Compared = Literal["strength", "place", "market", "dispersion", "funding"]
"""What columns say: a symbol's momentum among the others', the mean and spread of all, and the place of its funding."""

PLACES: Final[tuple[Compared, ...]] = ("strength", "place")


@register
@dataclass(frozen=True, slots=True)
class RelativeStrength(AttachedColumns, Windowed, OddColumns):
    """Vol-normalised momentum less the universe's median."""

    lookbacks: tuple[int, ...] = LOOKBACKS
    name: ClassVar[str] = "relative_strength"
    patterns: ClassVar[tuple[str, ...]] = ("rank_strength_{lookbacks}",)
    compares: ClassVar[tuple[Compared, ...]] = PLACES


@register
@dataclass(frozen=True, slots=True)
class MomentumRank(AttachedColumns, Windowed, OddColumns):
    """Rank of vol-normalised momentum in the universe, -1 for the weakest to 1 for the strongest."""

    lookbacks: tuple[int, ...] = LOOKBACKS
    name: ClassVar[str] = "momentum_rank"
    patterns: ClassVar[tuple[str, ...]] = ("rank_place_{lookbacks}",)
    compares: ClassVar[tuple[Compared, ...]] = PLACES


@register
@dataclass(frozen=True, slots=True)
class MarketMomentum(AttachedColumns, Windowed, OddColumns):
    """Mean vol-normalised momentum of the universe: where all of it moved."""

    lookbacks: tuple[int, ...] = LOOKBACKS
    name: ClassVar[str] = "market_momentum"
    patterns: ClassVar[tuple[str, ...]] = ("rank_market_{lookbacks}",)
    compares: ClassVar[tuple[Compared, ...]] = ("market",)


@register
@dataclass(frozen=True, slots=True)
class MomentumDispersion(AttachedColumns, Windowed, VolatilityColumns):
    """How far the universe's vol-normalised momenta lie apart, their standard deviation: it knows no direction."""

    lookbacks: tuple[int, ...] = LOOKBACKS
    name: ClassVar[str] = "momentum_dispersion"
    patterns: ClassVar[tuple[str, ...]] = ("rank_dispersion_{lookbacks}",)
    compares: ClassVar[tuple[Compared, ...]] = ("dispersion",)


@register
@dataclass(frozen=True, slots=True)
class FundingRank(AttachedColumns, OddColumns):
    """Rank in the universe of what longs pay in eight hours, -1 for the least to 1 for the most."""

    name: ClassVar[str] = "funding_rank"
    columns: ClassVar[tuple[str, ...]] = ("rank_funding",)
    compares: ClassVar[tuple[Compared, ...]] = ("funding",)


RANKS = (RelativeStrength(), MomentumRank())
"""What a symbol's momentum is among the others'."""

CROSS_SECTION = (*RANKS, MarketMomentum(), MomentumDispersion(), FundingRank())
"""Every feature that compares symbols; `compares` is what it has attached to the bars."""
