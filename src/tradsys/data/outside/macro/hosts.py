"""Daily closes from hosts that need no key: FRED's CSV download, and the chart endpoint that yfinance reads."""

import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

import polars as pl

from tradsys.core.errors import DataError
from tradsys.data.outside.macro.source import quotes
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
