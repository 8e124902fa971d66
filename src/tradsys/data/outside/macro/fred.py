"""Daily series of the Federal Reserve Bank of St. Louis (FRED), from its CSV download: no key is needed."""

import io
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from tradsys.core.errors import DataError
from tradsys.data.outside.macro.source import quotes
from tradsys.data.settings import DataSettings
from tradsys.data.sources.http import Client


@dataclass(frozen=True, slots=True)
class FredSource:
    """`VIXCLS`, `DGS10`, `NASDAQCOM` and the like; what it shows is the latest revision, never an earlier one."""

    settings: DataSettings = DataSettings()

    @property
    def name(self) -> str:
        """As its rows say it."""
        return "fred"

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
