"""Columns of the cross-section for a run whose settings name features that read them."""

from pathlib import Path

from tradsys.data.listings import Listing, read_listings
from tradsys.data.market import Market
from tradsys.data.universe import UniverseSpec
from tradsys.features.cross_section import LOOKBACKS, RANKS, attach_ranks
from tradsys.research.config import RunConfig, UniverseSettings


def with_ranks(market: Market, config: RunConfig) -> Market:
    """The market with ranks where a feature asks for them, else as it is."""
    wanted = {feature.name for feature in RANKS}
    if wanted.isdisjoint(config.features.names or ()):
        return market
    spec, listings = universe_of(config.universe)
    return attach_ranks(market, spec, lookbacks=LOOKBACKS, listings=listings)


def universe_of(settings: UniverseSettings) -> tuple[UniverseSpec, dict[str, Listing]]:
    """How the universe is chosen, and the table of listings where there is one."""
    spec = UniverseSpec(**settings.model_dump(exclude={"listings"}))
    return spec, read_listings(Path(settings.listings)) if settings.listings else {}
