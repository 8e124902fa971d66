"""Daily series of the Federal Reserve Bank of St. Louis (FRED), from its CSV download: no key is needed."""

import io
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from tradsys.core.errors import DataError
from tradsys.data.outside.macro.http import get
from tradsys.data.outside.macro.source import quotes

FRED_URL = "https://fred.stlouisfed.org"


@dataclass(frozen=True, slots=True)
class FredSource:
    """`VIXCLS`, `DGS10`, `NASDAQCOM` and the like; what it shows is the latest revision, never an earlier one."""

    base_url: str = FRED_URL

    @property
    def name(self) -> str:
        """As its rows say it."""
        return "fred"

    def fetch(self, series: str, start: date, end: date) -> pl.DataFrame:
        """The series in [start, end); days without a value, which FRED shows as a point, are left out."""
        query = {"id": series, "cosd": f"{start}", "coed": f"{end - timedelta(days=1)}"}
        body = get(self.base_url, "/graph/fredgraph.csv", query)
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
