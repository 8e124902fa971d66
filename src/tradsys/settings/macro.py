"""The macro series that the settings write."""

from tradsys.data.outside.macro.spec import MacroSeries
from tradsys.data.settings import DataSettings
from tradsys.settings.config import MacroSettings


def macro_series(settings: MacroSettings, data: DataSettings | None = None) -> tuple[MacroSeries, ...]:
    """What each text of `macro.series` means, in alphabetical order of the names; `data` says where the hosts are."""
    return tuple(sorted((MacroSeries.parse(text, data) for text in settings.series), key=lambda one: one.name))
