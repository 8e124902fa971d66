"""Columns of the cross-section for a run whose settings name features that read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tradsys.data.listings import Listing, read_listings
from tradsys.data.market import Market
from tradsys.data.universe import UniverseSpec
from tradsys.features.cross_section import LOOKBACKS, RANKS, attach_ranks
from tradsys.settings.config import RunConfig, UniverseSettings


@dataclass(frozen=True, slots=True)
class RankColumns:
    """How the columns of the cross-section were made, so that they can be made again."""

    universe: UniverseSpec
    listings: Mapping[str, Listing]
    lookbacks: tuple[int, ...] = LOOKBACKS


def ranks_of(config: RunConfig) -> RankColumns | None:
    """The columns that the settings ask for; None where no feature reads any."""
    if {feature.name for feature in RANKS}.isdisjoint(config.features.names or ()):
        return None
    return RankColumns(*universe_of(config.universe))


def with_ranks(market: Market, config: RunConfig) -> Market:
    """The market with ranks where a feature asks for them, else as it is."""
    columns = ranks_of(config)
    if columns is None:
        return market
    return attach_ranks(market, columns.universe, lookbacks=columns.lookbacks, listings=columns.listings)


def universe_of(settings: UniverseSettings) -> tuple[UniverseSpec, dict[str, Listing]]:
    """How the universe is chosen, and the table of listings where there is one."""
    spec = UniverseSpec(**settings.model_dump(exclude={"listings"}))
    return spec, read_listings(Path(settings.listings)) if settings.listings else {}
