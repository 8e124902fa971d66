"""The market that settings describe: bars, and on them all that is configured from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tradsys.core.errors import ConfigError
from tradsys.data.market import Market, load_market
from tradsys.data.outside.book.book_file import BookFile
from tradsys.data.outside.funding import FundingFile
from tradsys.data.outside.macro.macro_series import MacroSeries
from tradsys.data.outside.positions.position_source import PositionSource
from tradsys.data.outside.source import OutsideSource, attach_outside
from tradsys.data.settings import DataSettings
from tradsys.data.universe import Listing, UniverseSpec, read_listings
from tradsys.features.cross_section import CROSS_SECTION, LOOKBACKS, PLACES, Compared
from tradsys.features.universe_ranks import attach_ranks
from tradsys.settings.config import RunConfig
from tradsys.settings.sections import MacroSettings, UniverseSettings


def configured_market(
    bars: Sequence[str | Path],
    config: RunConfig,
    data: DataSettings = DataSettings(),
    *,
    until: datetime | None = None,
) -> Market:
    """Bars of `--bars` with the columns of every macro series, book, source of positions, funding and rank asked for.

    `data` says where the store and the hosts are. Bars that open after `until` are left out, as if they had not come
    yet.
    """
    market = load_market(bars, seed=config.seed, settings=data)
    market = market if until is None else market.until(until)
    return with_ranks(with_outside(market, config, data), config)


def ranked_market(bars: Sequence[str | Path], config: RunConfig, data: DataSettings = DataSettings()) -> Market:
    """Bars of `--bars` with the funding that was settled: all that ranking symbols against each other reads."""
    return with_funding(load_market(bars, seed=config.seed, settings=data), config, data)


def with_outside(market: Market, config: RunConfig, data: DataSettings = DataSettings()) -> Market:
    """The market with what the settings name from outside the symbols' own trades; itself where that is nothing."""
    for sources in outside_sources(config, data):
        market = attach_outside(market, sources, data)
    return market


def outside_sources(config: RunConfig, data: DataSettings = DataSettings()) -> list[Sequence[OutsideSource]]:
    """What the settings name from outside, in the order in which it is joined: a list holds sources of one kind."""
    return [
        *([series] for series in macro_series(config.macro, data)),
        [BookFile.parse(text) for text in config.book.files],
        [PositionSource.parse(text) for text in config.positions.sources],
        [FundingFile.parse(text) for text in config.funding.files],
    ]


def with_funding(market: Market, config: RunConfig, data: DataSettings = DataSettings()) -> Market:
    """The market with what its symbols settled, as `funding.files` says; itself where there is none."""
    return attach_outside(market, [FundingFile.parse(text) for text in config.funding.files], data)


def macro_series(settings: MacroSettings, data: DataSettings = DataSettings()) -> tuple[MacroSeries, ...]:
    """What each text of `macro.series` means, in alphabetical order of the names; `data` says where the hosts are."""
    series = sorted((MacroSeries.parse(text, data) for text in settings.series), key=lambda one: one.name)
    names = [one.name for one in series]
    if len(set(names)) < len(names):
        raise ConfigError(f"each macro series needs a name of its own, found {', '.join(names)}")
    return tuple(series)


@dataclass(frozen=True, slots=True)
class RankColumns:
    """How the columns of the cross-section were made, so that they can be made again."""

    universe: UniverseSpec
    listings: Mapping[str, Listing]
    lookbacks: tuple[int, ...] = LOOKBACKS
    kinds: tuple[Compared, ...] = PLACES


def ranks_of(config: RunConfig) -> RankColumns | None:
    """The columns of the cross-section that the settings ask for; None where no feature reads any."""
    named = [feature for feature in CROSS_SECTION if feature.name in (config.features.names or ())]
    if not named:
        return None
    kinds = dict.fromkeys(kind for feature in named for kind in feature.compares)
    return RankColumns(*universe_of(config.universe), kinds=tuple(kinds))


def with_ranks(market: Market, config: RunConfig) -> Market:
    """The market with ranks where a feature asks for them, else as it is."""
    columns = ranks_of(config)
    if columns is None:
        return market
    return attach_ranks(
        market, columns.universe, lookbacks=columns.lookbacks, listings=columns.listings, kinds=columns.kinds
    )


def universe_of(settings: UniverseSettings) -> tuple[UniverseSpec, dict[str, Listing]]:
    """How the universe is chosen, and the table of listings where there is one."""
    spec = UniverseSpec(**settings.model_dump(exclude={"listings"}))
    return spec, read_listings(Path(settings.listings)) if settings.listings else {}
