"""The funding that the venue settled, as the columns that bars carry in research."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.carry import COLUMNS, CONSTANT_HOURS, Settlements, settle
from tradsys.core.time import HOUR_MS, ts_ms
from tradsys.live.outside.provider import KnownColumns
from tradsys.live.telling import Tell
from tradsys.live.venue import MarketData, VenueRefused, VenueUnknown

MINUTE_MS: Final = 60_000
BEFORE_MS: Final = 3 * CONSTANT_HOURS * HOUR_MS
"""Before the first bar: its last settlement, and the one before that, which says the interval."""


class FundingProvider:
    """Settlements of each symbol, kept from before the first bar on."""

    def __init__(self, data: MarketData, symbols: Sequence[str], interval_ms: int, *, tell: Tell) -> None:
        self._data, self._interval_ms, self._tell = data, interval_ms, tell
        self._rates: dict[str, dict[int, float]] = {symbol: {} for symbol in symbols}
        self._from_ms = 0

    @property
    def columns(self) -> tuple[str, ...]:
        return COLUMNS

    async def begin(self, first_ms: int, now_ms: int) -> None:
        del now_ms
        self._from_ms = first_ms - BEFORE_MS
        for symbol in self._rates:
            await self._read(symbol)

    async def refresh(self, close_ms: int) -> None:
        for symbol in self._rates:
            try:
                await self._read(symbol)
            except (VenueUnknown, VenueRefused) as error:
                self._tell("error", {"what": "funding", "symbol": symbol, "reason": str(error)})

    async def _read(self, symbol: str) -> None:
        """What was settled since the last that is known; stamps of one settlement differ by milliseconds."""
        known = self._rates[symbol]
        after_ms = max(known, default=self._from_ms - MINUTE_MS) + MINUTE_MS
        for when_ms, rate in await self._data.funding_rates(symbol, after_ms):
            known[(when_ms + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS] = rate

    def join(self, symbol: str, bars: pl.DataFrame) -> pl.DataFrame:
        times = np.array(sorted(self._rates[symbol]), np.int64)
        rates = np.array([self._rates[symbol][when] for when in times.tolist()], np.float64)
        funding = settle(ts_ms(bars), self._interval_ms, Settlements.of(times, rates))
        return bars.with_columns(pl.Series(name, values) for name, values in funding.columns().items())

    def known(self, symbol: str, ts_ms: int, previous_ms: int) -> KnownColumns:
        opens = pl.Series("ts", [previous_ms, ts_ms]).cast(pl.Datetime("ms", "UTC"))
        row = self.join(symbol, pl.DataFrame({"ts": opens})).row(-1, named=True)
        age_h = row["funding_age_h"]
        age_s = float("inf") if np.isnan(age_h) else age_h * 3_600
        return KnownColumns({name: row[name] for name in COLUMNS}, dict.fromkeys(COLUMNS, age_s))
