"""Which columns from outside a deployed predictor reads, who gives each to a bot, and what a stale one means."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from tradsys.bundle.deployment import OutsideColumn
from tradsys.core.errors import ConfigError
from tradsys.data.outside.macro.bars import column
from tradsys.data.outside.macro.macro_series import MacroSeries
from tradsys.data.outside.positions.table import DEFAULT_TOLERANCE
from tradsys.predictor.outside_needs import outside_needs
from tradsys.predictor.predictor import Predictor
from tradsys.settings.config import RunConfig

VENUE: Final = "venue"
MACRO: Final = "macro:"
"""A provider of a macro series is this and the series as the settings write it."""

_GIVEN: Final = ("funding", "macro", "rank")
"""Families of columns that a bot has a provider of (`live.outside`); it refuses a bundle that needs another."""

_NOT_GIVEN: Final = ("rank_funding",)
"""Columns of those families that it has none of: a bot's ranks are made of prices alone."""

_NOBODY: Final = "the funding of all symbols"
"""Their provider, which there is not: `tradsys trade` refuses the bundle by this name."""

_FUNDING_AGE = timedelta(hours=9)
"""The longest usual interval is eight hours, and a settlement is told within minutes."""


def deployed_columns(predictor: Predictor, config: RunConfig) -> tuple[OutsideColumn, ...]:
    """Every column that the predictor needs; a ConfigError for one that nobody could give.

    What a model reads may be missing, and then there is no forecast. Without the funding that was settled a trade
    would be taken for cheaper than it is, so that then none is entered.
    """
    return tuple(deployed_column(name, predictor.interval, config) for name in outside_needs(predictor))


def nobody_gives(columns: Sequence[OutsideColumn]) -> tuple[str, ...]:
    """Those of the columns that no bot is given yet: of books, of positions, and ranks of funding."""
    names = (one.name for one in columns)
    return tuple(name for name in names if name.partition("_")[0] not in _GIVEN or name in _NOT_GIVEN)


def deployed_column(name: str, interval: timedelta, config: RunConfig) -> OutsideColumn:
    """Who gives a column of this name, and what a stale one means."""
    family = name.partition("_")[0]
    if family == "macro":
        text, series = _series_of(name, config)
        return OutsideColumn(name, MACRO + text, series.tolerance.total_seconds(), "nan")
    if family == "funding":
        return OutsideColumn(name, VENUE, _FUNDING_AGE.total_seconds(), "refuse")
    if family == "flow":
        return OutsideColumn(name, VENUE, DEFAULT_TOLERANCE.total_seconds(), "nan")
    if name in _NOT_GIVEN:
        return OutsideColumn(name, _NOBODY, interval.total_seconds(), "nan")
    return OutsideColumn(name, family, interval.total_seconds(), "nan")


def _series_of(name: str, config: RunConfig) -> tuple[str, MacroSeries]:
    """The text of the settings that describes the series of a column, and the series."""
    texts = {MacroSeries.parse(text).name: text for text in config.macro.series}
    for series in sorted(texts, key=len, reverse=True):  # a longer name may begin with a shorter one
        if name.startswith(column(series, "")):
            return texts[series], MacroSeries.parse(texts[series])
    raise ConfigError(
        f"the predictor reads {name}, of which macro.series has no series ({', '.join(texts) or 'none'}); run again "
        "with --macro"
    )
