"""The macro series that the settings write."""

from tradsys.data.outside.macro.spec import MacroSeries
from tradsys.research.config import MacroSettings


def macro_series(settings: MacroSettings) -> tuple[MacroSeries, ...]:
    """What each text of `macro.series` means, in alphabetical order of the names."""
    parsed = (
        MacroSeries.parse(text, fred_url=settings.fred_url, yahoo_url=settings.yahoo_url) for text in settings.series
    )
    return tuple(sorted(parsed, key=lambda one: one.name))
