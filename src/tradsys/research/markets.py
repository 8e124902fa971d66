"""The market that the settings describe: bars, and on them whatever is configured from outside."""

from collections.abc import Sequence
from pathlib import Path

from tradsys.data.market import Market, load_market
from tradsys.data.outside.macro.join import attach_macro
from tradsys.data.outside.macro.spec import MacroSeries
from tradsys.data.settings import DataSettings
from tradsys.research.config import MacroSettings, RunConfig


def configured_market(bars: Sequence[str | Path], config: RunConfig, data: DataSettings | None = None) -> Market:
    """Bars of `--bars` with the columns of every macro series of the settings."""
    return attach_macro(load_market(bars, seed=config.seed, settings=data), macro_series(config.macro))


def macro_series(settings: MacroSettings) -> tuple[MacroSeries, ...]:
    """The series that the settings write, in alphabetical order."""
    parsed = (
        MacroSeries.parse(text, fred_url=settings.fred_url, yahoo_url=settings.yahoo_url) for text in settings.series
    )
    return tuple(sorted(parsed, key=lambda one: one.name))
