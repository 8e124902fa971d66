"""Where daily closes come from besides files: FRED, Yahoo, a coin's bars, and six rates for the dollar index."""

import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from typing import Any, ClassVar, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import polars as pl

from tradsys.core.errors import DataError
from tradsys.core.time import infer_interval
from tradsys.data.outside.macro.source import MacroSource, quotes
from tradsys.data.settings import DataSettings
from tradsys.data.sources.http import Client

_AGENT = "Mozilla/5.0 (compatible; tradsys)"  # it refuses what does not call itself a browser


@dataclass(frozen=True, slots=True)
class YahooSource:
    """`DX-Y.NYB`, `^IXIC`, `GC=F`, `^VIX` and the like; closes as quoted, not adjusted for dividends."""

    settings: DataSettings = DataSettings()
    name: ClassVar = "yahoo"

    def fetch(self, series: str, start: date, end: date) -> pl.DataFrame:
        """The symbol's closes in [start, end), each under its day at the exchange; days without a close are left out.

        The value of a session that is still open is not recognised here: it becomes available when its session has
        closed, after any bar that could have been there to read it.
        """
        first, last = (int(datetime.combine(day, time(), UTC).timestamp()) for day in (start, end))
        query = {"period1": str(first), "period2": str(last), "interval": "1d", "events": "history"}
        url = f"{self.settings.yahoo_url}/v8/finance/chart/{quote(series, safe='')}"
        body = Client.of(self.settings, agent=_AGENT).get(url, query)
        if body is None:
            raise DataError(f"yahoo has no chart of {series!r} (404); check the symbol, and data.yahoo_url")
        stamps, closes, zone = _parsed(series, body)
        days = pl.Series([datetime.fromtimestamp(stamp, zone).date() for stamp in stamps], dtype=pl.Date)
        return quotes(self.name, series, days, pl.Series(closes, dtype=pl.Float64), start=start, end=end)


def _parsed(series: str, body: bytes) -> tuple[list[int], list[float | None], ZoneInfo]:
    try:
        chart: dict[str, Any] = json.loads(body)["chart"]
        if chart.get("error"):
            raise DataError(f"yahoo has no chart of {series!r}: {chart['error'].get('description')}; check the symbol")
        result = chart["result"][0]
        stamps, closes = result.get("timestamp") or [], result["indicators"]["quote"][0].get("close") or []
        zone = ZoneInfo(result["meta"]["exchangeTimezoneName"])
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise DataError(f"yahoo sent no chart for {series}: {error!r}; try again, or use a file") from error
    if len(stamps) != len(closes):
        raise DataError(f"yahoo sent {len(stamps)} times and {len(closes)} closes of {series}; try again")
    return stamps, closes, zone


@dataclass(frozen=True, slots=True)
class FredSource:
    """`VIXCLS`, `DGS10`, `NASDAQCOM` and the like; what it shows is the latest revision, never an earlier one."""

    settings: DataSettings = DataSettings()
    name: ClassVar = "fred"

    def fetch(self, series: str, start: date, end: date) -> pl.DataFrame:
        """The series in [start, end); days without a value, which FRED shows as a point, are left out."""
        query = {"id": series, "cosd": f"{start}", "coed": f"{end - timedelta(days=1)}"}
        body = Client.of(self.settings).get(f"{self.settings.fred_url}/graph/fredgraph.csv", query)
        if body is None:
            raise DataError(f"fred has no series {series!r} (404); check the name, and data.fred_url")
        try:
            table = pl.read_csv(io.BytesIO(body), infer_schema=False)
        except pl.exceptions.PolarsError as error:
            raise DataError(f"fred sent no table for {series}: {error}; check the name") from error
        if table.width != 2 or table.columns[1] != series or not table.columns[0].lower().endswith("date"):
            raise DataError(f"fred has no series {series!r}: its reply has the columns {', '.join(table.columns)[:80]}")
        days = table.to_series(0).str.to_date("%Y-%m-%d", strict=False)
        text = table.to_series(1)
        closes = text.cast(pl.Float64, strict=False)
        unread = days.is_null() | (closes.is_null() & text.is_not_null() & ~text.is_in([".", ""]))
        if unread.any():
            raise DataError(f"fred sent lines of {series} that are no day and number: {table.filter(unread).row(0)}")
        return quotes(self.name, series, days, closes, start=start, end=end)


DXY_CONSTANT: Final = 50.14348112
DXY_WEIGHTS: Final = {
    "EURUSD": -0.576,
    "USDJPY": 0.136,
    "GBPUSD": -0.119,
    "USDCAD": 0.091,
    "USDSEK": 0.042,
    "USDCHF": 0.036,
}
"""ICE U.S. Dollar Index: exponents of the six rates, as quoted by their names; euro and pound are quoted in dollars."""

FRED_RATES: Final = {
    "EURUSD": "DEXUSEU",
    "USDJPY": "DEXJPUS",
    "GBPUSD": "DEXUSUK",
    "USDCAD": "DEXCAUS",
    "USDSEK": "DEXSDUS",
    "USDCHF": "DEXSZUS",
}
"""The same rates at noon in New York, as FRED calls them."""


def dollar_index(rates: pl.DataFrame) -> pl.Series:
    """The ICE dollar index of rows with the six rates: 50.14348112 times their weighted geometric mean.

    >>> row = dict(EURUSD=1.1370, USDJPY=115.08, GBPUSD=1.3532, USDCAD=1.2637, USDSEK=9.0555, USDCHF=0.9126)
    >>> round(dollar_index(pl.DataFrame(row))[0], 2)  # the last session of 2021 closed at 95.67
    95.67
    """
    missing = [name for name in DXY_WEIGHTS if name not in rates.columns]
    if missing:
        raise DataError(f"the dollar index needs six rates, found none for {', '.join(missing)}")
    powers = [pl.col(name).pow(weight) for name, weight in DXY_WEIGHTS.items()]
    return rates.select((DXY_CONSTANT * reduce(lambda a, b: a * b, powers)).alias("close")).to_series()


@dataclass(frozen=True, slots=True)
class SixRates:
    """The dollar index from six series of one source; a day that lacks one of them has no index."""

    rates: MacroSource

    @property
    def name(self) -> str:
        return f"six rates of {self.rates.name}"

    def fetch(self, series: str, start: date, end: date) -> pl.DataFrame:
        frames = [
            self.rates.fetch(code, start, end).select("date", pl.col("close").alias(pair))
            for pair, code in FRED_RATES.items()
        ]
        table = reduce(lambda a, b: a.join(b, on="date", how="inner"), frames)
        return quotes(self.name, series, table["date"], dollar_index(table), start=start, end=end)


@dataclass(frozen=True, slots=True)
class BarsProxy:
    """Bars of a coin that follows the series, PAXG for gold: the last close of each whole day, UTC.

    `series` is a spec of `load_bars`, a file or a series of the store. A day is whole where its last bar is there; its
    close is known at midnight.
    """

    settings: DataSettings = DataSettings()
    name: ClassVar = "bars"

    def fetch(self, series: str, start: date, end: date) -> pl.DataFrame:
        from tradsys.data.load import load

        loaded = load(series, settings=self.settings)
        interval = infer_interval(loaded.bars)
        if interval > timedelta(days=1):
            raise DataError(f"{series} has bars of {interval}, wanted a day at most; give finer bars")
        closes_at = (pl.col("ts") + interval).alias("closes_at")
        last = loaded.bars.select(closes_at, "close").filter(
            pl.col("closes_at").dt.truncate("1d") == pl.col("closes_at")
        )
        days = (last["closes_at"] - timedelta(days=1)).dt.date()
        return quotes(f"bars of {loaded.symbol}", series, days, last["close"], start=start, end=end)
