"""A venue's klines as bars: read page by page, put in order, and compared with what was handed out."""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import polars as pl

from tradsys.core.bars import find_gaps, validate_bars
from tradsys.core.errors import DataError
from tradsys.core.time import stamp, ts_ms
from tradsys.features.stream.bar import Bar
from tradsys.features.stream.feature_stream import frame_of
from tradsys.live.venue import Kline, MarketData

PAGE: Final = 1_000
FEW: Final = 100
"""Bars that every venue gives in one page."""


async def read_klines(data: MarketData, symbol: str, interval_ms: int, start_ms: int, end_ms: int) -> list[Bar]:
    """Bars that open from `start_ms` on, in order, each once; the last may be open, and may lie beyond `end_ms`.

    Pages are asked for until one reaches `end_ms` or brings nothing new.
    """
    found: dict[int, Bar] = {}
    cursor = start_ms
    while True:
        n_wanted = (end_ms - cursor) // interval_ms + 2
        page = await data.klines(symbol, interval_ms, cursor, limit=min(max(n_wanted, 1), PAGE))
        fresh = {kline.ts_ms: bar_of(kline) for kline in page if kline.ts_ms >= cursor}
        found |= fresh
        if not fresh or n_wanted <= FEW or max(fresh) >= end_ms - interval_ms:
            return [found[ts] for ts in sorted(found)]
        cursor = max(fresh) + interval_ms


def bar_of(kline: Kline) -> Bar:
    """The same as a bar; numbers that a venue leaves out are left out."""
    extra = {name: value for name, value in kline.extra.items() if not math.isnan(value)}
    return Bar(kline.ts_ms, kline.open, kline.high, kline.low, kline.close, kline.volume, extra)


def checked_frame(symbol: str, bars: Sequence[Bar], interval_ms: int) -> pl.DataFrame:
    """Closed bars of one symbol as a frame with a column `symbol`; a DataError names every defect. Gaps stay gaps."""
    if not bars:
        raise DataError(f"the venue has no closed bars of {symbol} in that time; check the symbol and the interval")
    frame = frame_of(bars)
    checked = validate_bars(frame, interval=timedelta(milliseconds=interval_ms))
    return checked.select(pl.lit(symbol).alias("symbol"), *checked.columns)


def gaps_told(frame: pl.DataFrame, interval_ms: int) -> tuple[int, str]:
    """How many bars are missing inside a history, and the gaps in words."""
    gaps = find_gaps(ts_ms(frame), timedelta(milliseconds=interval_ms))
    return sum(gap.n_missing for gap in gaps), "; ".join(map(str, gaps[:5]))


def revision(known: Sequence[Bar], answered: Sequence[Bar]) -> str | None:
    """How the venue's bars of today differ from those that were handed out; None where they do not.

    Only bars from the first answered one on are compared.
    """
    now = {bar.ts: bar for bar in answered}
    if not now:
        return None
    first = min(now)
    for bar in known:
        if bar.ts >= first and bar != (new := now.get(bar.ts)):
            if new is None:
                return f"the venue no longer has the bar of {stamp(bar.ts)}"
            return f"the venue revised the bar of {stamp(bar.ts)}: {_difference(bar, new)}"
    return None


def _difference(old: Bar, new: Bar) -> str:
    before, after = ({**bar._asdict(), **bar.outside} for bar in (old, new))
    names = [name for name in {**before, **after} if name not in ("ts", "outside")]
    changed = [name for name in names if before.get(name) != after.get(name)]
    return ", ".join(f"{name} {before.get(name)} is now {after.get(name)}" for name in changed)
