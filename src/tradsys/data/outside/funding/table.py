"""A table of what one symbol's exchange settled, from the columns that venues and people give it."""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.carry import CONSTANT_HOURS
from tradsys.core.errors import DataError
from tradsys.core.time import HOUR_MS, stamp
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


def missing(times: IntArray, hours: FloatArray, first: int, last: int) -> list[tuple[int, int]]:
    """Ranges inside first < t < last (ms) with a settlement that the table lacks, up to the next that it has.

    `times` (n,) rise and `hours` (n,) are the intervals where they are stated, NaN elsewhere. An unstated interval is
    that of the neighbours, the longer one where it changes, and eight hours at most.
    """
    if not len(times):
        return [(first, last)] if first < last else []
    steps = np.diff(times).astype(np.float64)
    usual = _usual(steps, hours)
    gaps = [
        (int(times[i] + usual[i]), int(times[i + 1]))
        for i in np.flatnonzero(steps > usual)
        if times[i + 1] - usual[i] > first
    ]
    opening, closing = _edge(hours[0], steps[:1]), _edge(hours[-1], steps[-1:])
    before = [(first, int(times[0]))] if times[0] - opening > first else []
    clipped = [(max(a, first), min(b, last)) for a, b in [*before, *gaps, (int(times[-1] + closing), last)]]
    return [(a, b) for a, b in clipped if a < b]


def stated_hours(rows: pl.DataFrame) -> FloatArray:
    """The intervals that stored rows carry, NaN where their source had none."""
    if "interval_hours" not in rows.columns:
        return np.full(len(rows), np.nan)
    return rows["interval_hours"].cast(pl.Float64).fill_null(np.nan).to_numpy().astype(np.float64)


def _usual(steps: FloatArray, hours: FloatArray) -> FloatArray:
    """How long each step may take, ms, (n - 1,)."""
    before, after = np.append(0.0, steps[:-1]), np.append(steps[1:], 0.0)
    neighbours = np.maximum(before, after)[: len(steps)]
    longest = float(CONSTANT_HOURS * HOUR_MS)
    unstated = np.where(neighbours > 0, np.minimum(neighbours, longest), longest)
    stated = np.fmax(hours[:-1], hours[1:]) * HOUR_MS
    return np.where(np.isfinite(stated), stated, unstated)


def _edge(stated: float, step: FloatArray) -> float:
    """The interval before the first settlement, or after the last."""
    longest = float(CONSTANT_HOURS * HOUR_MS)
    if np.isfinite(stated):
        return stated * HOUR_MS
    return min(float(step[0]), longest) if len(step) else longest
