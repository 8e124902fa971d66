"""A table of what one symbol's exchange settled, from the columns that venues and people give it."""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import DataError
from tradsys.core.time import stamp
from tradsys.data.times import settle_times

MINUTE_MS = 60_000
_TIME = ("funding_time", "fundingtime", "calc_time", "ts", "timestamp")
_RATE = ("rate", "funding_rate", "fundingrate", "last_funding_rate")
_HOURS = ("interval_hours", "funding_interval_hours")


@dataclass(frozen=True, slots=True)
class FundingTable:
    """Rising funding times (ms), rates and the interval in hours (NaN where the table has none), each (n,)."""

    times: IntArray
    rates: FloatArray
    hours: FloatArray


def table_of(rows: pl.DataFrame, where: str) -> FundingTable:
    """Funding times to the minute, since stamps of one settlement differ by milliseconds, in order."""
    named = {re.sub(r"[^a-z0-9]+", "_", name.lower()): name for name in rows.columns}
    time, rate, hours = (next((named[one] for one in names if one in named), None) for names in (_TIME, _RATE, _HOURS))
    if time is None or rate is None:
        raise DataError(
            f"{where} holds no funding: wanted the columns funding_time, rate and perhaps interval_hours, found "
            f"{', '.join(rows.columns)}"
        )
    ms = settle_times(rows[time], where).ms
    interval = rows[hours].cast(pl.Float64, strict=False) if hours else pl.Series([None] * len(rows), dtype=pl.Float64)
    table = pl.DataFrame({"t": ms, "rate": rows[rate].cast(pl.Float64, strict=False), "hours": interval})
    bad = table["t"].is_null() | table["rate"].is_null() | ~table["rate"].is_finite()
    if bad.any():
        raise DataError(f"{where} has {bad.sum()} rows without a time or a rate; drop or mend them")
    table = table.with_columns((pl.col("t") + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS)
    table = table.unique(["t", "rate"], keep="first", maintain_order=True).sort("t")
    again = table.filter(pl.col("t").is_duplicated())
    if len(again):
        raise DataError(
            f"{where} holds {len(again)} rates of {again['t'].n_unique()} settlements that differ, first that of "
            f"{stamp(again['t'][0])}; keep the right ones"
        )
    return FundingTable(
        table["t"].to_numpy().astype(np.int64),
        table["rate"].to_numpy().astype(np.float64),
        table["hours"].fill_null(np.nan).to_numpy().astype(np.float64),
    )
