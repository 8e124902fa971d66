"""A macro series for a running bot: read as research reads it, anew every hour, off the way of the bars."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import polars as pl

from tradsys.core.bars import TS
from tradsys.core.errors import ConfigError, DataError, SourceError
from tradsys.core.time import HOUR_MS, from_ms
from tradsys.data.outside.macro.bars import AGE, CHANGES, MacroSeriesColumns, column
from tradsys.data.outside.macro.macro_series import MacroSeries
from tradsys.data.outside.source import BarRange
from tradsys.data.settings import DataSettings
from tradsys.live.outside.provider import KnownColumns
from tradsys.live.telling import Tell

EVERY_MS: Final = HOUR_MS
"""Daily closes are known a day after they came about: an hour more is nothing."""

type InThread = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs what blocks, files and hosts, beside the loop."""


async def at_once(work: Callable[[], Any]) -> Any:
    """Runs it in the loop, which waits: on a tape nothing else has to be done meanwhile."""
    return work()


class MacroProvider:
    """One series, `text` as the settings write it; the same for every symbol."""

    def __init__(
        self,
        text: str,
        data: DataSettings,
        interval_ms: int,
        *,
        tell: Tell,
        in_thread: InThread = asyncio.to_thread,
    ) -> None:
        self._series, self._data = MacroSeries.parse(text, data), data
        self._interval, self._tell, self._in_thread = timedelta(milliseconds=interval_ms), tell, in_thread
        self._from_ms, self._read_ms = 0, 0
        self._known: MacroSeriesColumns | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column(self._series.name, what) for what in (*CHANGES, AGE))

    async def begin(self, first_ms: int, now_ms: int) -> None:
        self._from_ms, self._read_ms = first_ms, now_ms
        self._known = await self._in_thread(lambda: self._read(now_ms))

    async def refresh(self, close_ms: int) -> None:
        """Begin to read anew where the last time is an hour ago; a close does not wait for slow hosts."""
        if close_ms - self._read_ms < EVERY_MS or (self._reading is not None and not self._reading.done()):
            return
        self._read_ms = close_ms
        self._reading = asyncio.create_task(self._read_again(close_ms))
        await asyncio.sleep(0)

    async def _read_again(self, close_ms: int) -> None:
        try:
            self._known = await self._in_thread(lambda: self._read(close_ms))
        except (DataError, SourceError, ConfigError) as error:
            self._tell("error", {"what": "macro", "series": self._series.name, "reason": str(error)})

    def _read(self, until_ms: int) -> MacroSeriesColumns:
        """What the source holds for bars up to then; blocks."""
        span = BarRange(("",), self._interval, from_ms(self._from_ms), from_ms(until_ms), self._data)
        read = MacroSeries.read([self._series], span)[""]
        assert isinstance(read, MacroSeriesColumns)
        return read

    def join(self, symbol: str, bars: pl.DataFrame) -> pl.DataFrame:
        if self._known is None:
            raise ConfigError(f"macro series {self._series.name} was not read yet; call begin first")
        return self._known.join(bars, self._interval)

    def known(self, symbol: str, ts_ms: int, previous_ms: int) -> KnownColumns:
        opens = pl.Series("ts", [ts_ms]).cast(TS)
        row = self.join(symbol, pl.DataFrame({"ts": opens})).row(0, named=True)
        age_h = row[column(self._series.name, AGE)]
        age_s = math.inf if math.isnan(age_h) else age_h * 3_600
        return KnownColumns({name: row[name] for name in self.columns}, dict.fromkeys(self.columns, age_s))
