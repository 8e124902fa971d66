"""One macro series as the settings write it: `vix=fred:VIXCLS|vix.csv?lag_h=48`, the second source a fallback."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qsl

import polars as pl

from tradsys.core.errors import ConfigError, DataError, SourceError
from tradsys.data.outside.macro.bars import AROUND_THE_CLOCK, WARM_UP, MacroSeriesColumns, changes, with_availability
from tradsys.data.outside.macro.origins import BarsProxy, FredSource, SixRates, YahooSource
from tradsys.data.outside.macro.source import FileSource, MacroSource, only_source
from tradsys.data.outside.source import BarRange, OutsideColumns
from tradsys.data.settings import DataSettings

DEFAULT_LAG: Final = timedelta(days=1)
"""Between a session's close and the first bar that may know it, where nobody says when the value came out."""

FRED_LAG: Final = timedelta(days=4)
"""FRED shows a close on the next business day: a Friday's on Tuesday, where Monday is a holiday."""

H10_LAG: Final = timedelta(days=9)
"""The six rates of a week come out together on the next Monday (release H.10), or the day after a holiday."""

DEFAULT_TOLERANCE: Final = timedelta(days=7)
"""A value older than this is not known any more: the longest closures of these venues last five days."""

KNOWN: Final[dict[str, tuple[str, int]]] = {
    "dxy": ("us_futures", 1),
    "nasdaq": ("XNYS", -1),
    "qqq": ("XNYS", -1),
    "sp500": ("XNYS", -1),
    "vix": ("us_futures", 1),
    "gold": ("us_futures", 0),
    "oil_wti": ("us_futures", 0),
    "us10y": ("XNYS", 0),
}
"""Calendar of each series that has a usual one, and whether it rises (1) or falls (-1) when risk is shunned.

`us_futures` stands for venues without a calendar of their own: the dollar index, gold and oil futures, and the VIX,
which is computed on days when only futures trade. It closes at 18:00 in New York, on their half-days too: no sooner
than any of them.
"""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SOURCES: Final[dict[str, Callable[[DataSettings], MacroSource]]] = {
    "fred": FredSource,
    "yahoo": YahooSource,
    "bars": BarsProxy,
}


@dataclass(frozen=True, slots=True)
class SeriesOrigin:
    """A source, and what it calls the series."""

    source: MacroSource
    series: str

    @property
    def is_around_the_clock(self) -> bool:
        """Whether its days end at midnight UTC, whatever the series' own venue does."""
        return isinstance(self.source, BarsProxy)

    @property
    def lag(self) -> timedelta:
        """How long after a session's close the source shows it at the latest."""
        if isinstance(self.source, SixRates):
            return H10_LAG
        return FRED_LAG if isinstance(self.source, FredSource) else DEFAULT_LAG


@dataclass(frozen=True, slots=True)
class Fetched:
    """Closes of one source as `MacroSource.fetch` gives them, the calendar and lag that hold for it, and a sentence."""

    closes: pl.DataFrame
    calendar: str
    lag: timedelta
    sentence: str


@dataclass(frozen=True, slots=True)
class MacroSeries:
    """Where a series comes from, when its sessions close, and from when on and how long a close counts as known.

    Without a `lag` its source's own holds. `risk` is 1 where the series rises when risk is shunned, -1 where it falls,
    0 where it says neither.
    """

    name: str
    origins: tuple[SeriesOrigin, ...]
    calendar: str
    lag: timedelta | None = None
    tolerance: timedelta = DEFAULT_TOLERANCE
    risk: int = 0

    @classmethod
    def parse(cls, text: str, settings: DataSettings = DataSettings()) -> Self:
        """The series that `NAME=SOURCE[|SOURCE][?calendar=..&lag_h=..&tolerance_days=..&risk=..]` describes.

        A source is a file, `fred:ID`, `yahoo:SYMBOL`, `bars:SPEC` (a coin in its place) or `rates:fred` (the dollar
        index from six rates). `settings` say where the hosts are and how patiently they are asked.

        >>> MacroSeries.parse("vix=fred:VIXCLS").calendar
        'us_futures'
        """
        name, equals, rest = text.partition("=")
        name = name.strip()
        if not equals or not rest or not _NAME.fullmatch(name):
            raise ConfigError(
                f"a macro series is NAME=SOURCE, such as dxy=dxy.parquet or vix=fred:VIXCLS; found {text!r}"
            )
        sources, _, query = rest.partition("?")
        origins = tuple(_origin(name, one.strip(), settings) for one in sources.split("|"))
        options = _options(text, query)
        calendar, risk = KNOWN.get(name, (None, 0))
        if all(origin.is_around_the_clock for origin in origins):
            calendar = AROUND_THE_CLOCK
        calendar = options.pop("calendar", calendar)
        if calendar is None:
            raise ConfigError(
                f"{name} has no usual calendar; add one of exchange_calendars, such as {name}={sources}?calendar=XNYS, "
                f"or {AROUND_THE_CLOCK}"
            )
        return replace(cls(name, origins, calendar, risk=risk), **options)

    @classmethod
    def read(cls, sources: Sequence[Self], bars: BarRange) -> dict[str, OutsideColumns]:
        """The one series, the same for every symbol of the bars; several are joined one after the other."""
        (series,) = sources
        fetched = series.fetch((bars.opens - WARM_UP).date(), bars.closes.date() + timedelta(days=1))
        published = with_availability(series.name, fetched.closes, fetched.calendar, fetched.lag)
        columns = MacroSeriesColumns(series.name, changes(series.name, published), series.tolerance, fetched.sentence)
        return dict.fromkeys(bars.symbols, columns)

    def fetch(self, start: date, end: date) -> Fetched:
        """All closes in [start, end) from the first source that has any.

        A fallback is taken whole, and named: closes of two sources are never mixed.
        """
        refused: list[str] = []
        for origin in self.origins:
            try:
                closes = origin.source.fetch(origin.series, start, end)
                source = only_source(self.name, closes)
            except (DataError, SourceError) as error:
                if len(self.origins) == 1:
                    raise
                refused.append(" ".join(str(error).split()))
                continue
            instead = f", in place of a source that failed ({'; '.join(refused)})" if refused else ""
            calendar = AROUND_THE_CLOCK if origin.is_around_the_clock else self.calendar
            lag = origin.lag if self.lag is None else self.lag
            hours = lag / timedelta(hours=1)
            sentence = f"{len(closes):,} closes from {source}{instead}, known {hours:g} h after the close of {calendar}"
            return Fetched(closes, calendar, lag, f"{self.name}: {sentence}")
        raise DataError(f"no source of {self.name} has any closes: {'; '.join(refused)}")


def _origin(name: str, text: str, settings: DataSettings) -> SeriesOrigin:
    kind, colon, series = text.partition(":")
    if not colon or kind not in (*_SOURCES, "rates"):
        return SeriesOrigin(FileSource(Path(text).expanduser()), name)
    if kind in _SOURCES:
        return SeriesOrigin(_SOURCES[kind](settings), series)
    if series != "fred":
        raise ConfigError(f"the six rates of the dollar index come from rates:fred, found {text!r}")
    return SeriesOrigin(SixRates(FredSource(settings)), series)


def _options(text: str, query: str) -> dict[str, Any]:
    readers: dict[str, tuple[str, Callable[[str], Any]]] = {
        "calendar": ("calendar", str),
        "lag_h": ("lag", lambda value: timedelta(hours=float(value))),
        "tolerance_days": ("tolerance", lambda value: timedelta(days=float(value))),
        "risk": ("risk", int),
    }
    given: dict[str, Any] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in readers:
            raise ConfigError(
                f"{text!r} sets {key!r}, which is no option of a macro series; known are {', '.join(readers)}"
            )
        field, read = readers[key]
        try:
            given[field] = read(value)
        except ValueError:
            raise ConfigError(f"{key} of {text!r} cannot be {value!r}; give a number") from None
    if given.get("lag", DEFAULT_LAG) < timedelta(0) or given.get("tolerance", DEFAULT_TOLERANCE) <= timedelta(0):
        raise ConfigError(f"lag_h must not be negative and tolerance_days must be positive in {text!r}")
    if given.get("risk", 0) not in (-1, 0, 1):
        raise ConfigError(f"risk is -1, 0 or 1 in {text!r}")
    return given
