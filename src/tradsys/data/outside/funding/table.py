"""One symbol's funding as the settings write it, `BTCUSDT=funding.csv` or a stored series, and how it is read."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.time import stamp
from tradsys.data.files import read_table
from tradsys.data.outside.place import split_place
from tradsys.data.settings import DataSettings
from tradsys.data.store.series import FUNDING, SeriesId, is_series
from tradsys.data.store.store import Store
from tradsys.data.times import settle_times

NONE = "none"
"""Instead of a file: a symbol that pays no funding, such as one of a spot market."""

MINUTE_MS = 60_000
_TIME = ("funding_time", "fundingtime", "calc_time", "ts", "timestamp")
_RATE = ("rate", "funding_rate", "fundingrate", "last_funding_rate")
_HOURS = ("interval_hours", "funding_interval_hours")


@dataclass(frozen=True, slots=True)
class Table:
    """Rising funding times (ms), rates and the hours that the table tells (NaN where it does not), each (n,)."""

    times: IntArray
    rates: FloatArray
    hours: FloatArray


@dataclass(frozen=True, slots=True)
class FundingFile:
    """Where one symbol's funding is, the symbol empty for the only one."""

    symbol: str
    place: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `[SYMBOL=]FILE`, `[SYMBOL=]VENUE:SYMBOL:funding` or `SYMBOL=none` says.

        >>> FundingFile.parse("BTCUSDT=funding.csv")
        FundingFile(symbol='BTCUSDT', place='funding.csv')
        """
        wanted = f"funding is FILE, SYMBOL=FILE, VENUE:SYMBOL:{FUNDING} or SYMBOL={NONE}, such as BTCUSDT=funding.csv"
        symbol, place, _ = split_place(text, "funding", wanted)
        return cls(symbol, place)

    @property
    def series(self) -> SeriesId | None:
        """The stored series that is meant, None for a file."""
        if Path(self.place).expanduser().exists() or not is_series(self.place):
            return None
        return SeriesId.parse(self.place)

    def each(self) -> list["FundingFile"]:
        """One a symbol: a file whose column `symbol` names several is those of all of them, unless one was named."""
        if self.symbol or self.place == NONE or self.series is not None:
            return [self]
        symbols = _symbols(self._rows())
        return [FundingFile(symbol, self.place) for symbol in symbols] if len(symbols) > 1 else [self]

    def _rows(self) -> pl.DataFrame:
        path = Path(self.place).expanduser()
        if not path.exists():
            raise DataError(f"no file {path} of funding; give a Parquet, Feather or CSV file, or a stored series")
        return read_table(path)[0]

    def read(self, data: DataSettings | None = None) -> Table:
        """The whole table, each settlement once; a DataError names what cannot be one."""
        series = self.series
        if series is None:
            rows = self._rows()
            symbols = _symbols(rows)
            if len(symbols) > 1 and self.symbol not in symbols:
                raise DataError(f"{self.place} tells of {', '.join(symbols)} and not of {self.symbol}; add its rows")
            return table_of(rows.filter(pl.col("symbol") == self.symbol) if len(symbols) > 1 else rows, self.place)
        if series.interval != FUNDING:
            raise ConfigError(f"{series} holds no funding; name {series.exchange}:{series.symbol}:{FUNDING}")
        rows = Store((data or DataSettings.load()).root).read(series)
        if rows.is_empty():
            raise ConfigError(f"{series} is not in the store; fetch it: tradsys data download {series} --from DAY")
        return table_of(rows, str(series))


def _symbols(rows: pl.DataFrame) -> list[str]:
    return rows["symbol"].cast(pl.String).unique(maintain_order=True).to_list() if "symbol" in rows.columns else []


def table_of(rows: pl.DataFrame, where: str) -> Table:
    """Funding times to the minute, since stamps of one settlement differ by milliseconds, in order."""
    named = {re.sub(r"[^a-z0-9]+", "_", name.lower()): name for name in rows.columns}
    time, rate, hours = (next((named[one] for one in names if one in named), None) for names in (_TIME, _RATE, _HOURS))
    if time is None or rate is None:
        raise DataError(
            f"{where} holds no funding: wanted the columns funding_time, rate and perhaps interval_hours, found "
            f"{', '.join(rows.columns)}"
        )
    ms = settle_times(rows[time], where).ms
    told = rows[hours].cast(pl.Float64, strict=False) if hours else pl.Series([None] * len(rows), dtype=pl.Float64)
    table = pl.DataFrame({"t": ms, "rate": rows[rate].cast(pl.Float64, strict=False), "hours": told})
    bad = table["t"].is_null() | table["rate"].is_null() | ~table["rate"].is_finite()
    if bad.any():
        raise DataError(f"{where} has {bad.sum()} rows without a time or a rate; drop or mend them")
    table = table.with_columns((pl.col("t") + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS)
    table = table.unique(["t", "rate"], keep="first", maintain_order=True).sort("t")
    again = table.filter(pl.col("t").is_duplicated())
    if len(again):
        raise DataError(
            f"{where} tells {len(again)} rates of {again['t'].n_unique()} settlements that differ, first that of "
            f"{stamp(again['t'][0])}; keep the right ones"
        )
    return Table(
        table["t"].to_numpy().astype(np.int64),
        table["rate"].to_numpy().astype(np.float64),
        table["hours"].fill_null(np.nan).to_numpy().astype(np.float64),
    )
