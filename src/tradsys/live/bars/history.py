"""A symbol's closed bars up to now, from the venue, page by page; a moment's failure is asked again."""

import asyncio
from typing import Final, NamedTuple

import polars as pl

from tradsys.features.stream.bar import Bar
from tradsys.live.bars.confirmation import SETTLED_MS
from tradsys.live.bars.klines import checked_frame, gaps_told, read_klines
from tradsys.live.telling import Tell
from tradsys.live.venue import MarketData, VenueUnknown

PAUSES_S: Final = (0.5, 2.0, 8.0)
"""Between attempts."""


class ReadHistory(NamedTuple):
    """Closed bars as a checked frame with a column `symbol`, and as they were answered."""

    frame: pl.DataFrame
    bars: list[Bar]


async def read_history(
    data: MarketData,
    symbol: str,
    interval_ms: int,
    n_bars: int,
    *,
    until_ms: int,
    now_ms: int,
    doubt_ms: float,
    tell: Tell,
) -> ReadHistory:
    """The last `n_bars` bars that closed by `until_ms`, however many are missing; what is wrong is a DataError.

    A bar with a successor has closed. The last one counts where it ended a while ago by the venue's time, which is
    known to `doubt_ms` (inf: not at all).
    """
    n_asked, n_before, bars = n_bars + 3, -1, list[Bar]()
    while n_before < len(bars) < n_bars:
        n_before = len(bars)
        bars = await _patiently(data, symbol, interval_ms, now_ms - n_asked * interval_ms, now_ms)
        if bars and not bars[-1].ts + interval_ms + SETTLED_MS + doubt_ms <= now_ms:
            bars.pop()
        bars = [bar for bar in bars if bar.ts + interval_ms <= until_ms]
        n_asked += 2 * (n_bars - len(bars))
    bars = bars[-n_bars:]
    frame = checked_frame(symbol, bars, interval_ms)
    n_missing, gaps = gaps_told(frame, interval_ms)
    tell("bar", {"what": "history", "symbol": symbol, "n_bars": len(frame), "n_missing": n_missing, "gaps": gaps})
    return ReadHistory(frame, bars)


async def _patiently(data: MarketData, symbol: str, interval_ms: int, start_ms: int, end_ms: int) -> list[Bar]:
    for pause_s in PAUSES_S:
        try:
            return await read_klines(data, symbol, interval_ms, start_ms, end_ms)
        except VenueUnknown:
            await asyncio.sleep(pause_s)
    return await read_klines(data, symbol, interval_ms, start_ms, end_ms)
