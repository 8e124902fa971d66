"""Funding joined to bars: what each bar pays, and what had been settled when it closed."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.errors import DataError
from tradsys.core.funding import COLUMNS, CONSTANT_HOURS, Funding, Settlements, settle
from tradsys.core.time import interval_ms, stamp, ts_ms
from tradsys.data.outside.funding.holes import missing
from tradsys.data.outside.funding.table import FundingTable

_N_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class FundingColumns:
    """One symbol's funding; without a table none is ever paid."""

    symbol: str
    place: str
    table: FundingTable | None

    @property
    def columns(self) -> tuple[str, ...]:
        """`funding_due` and so on."""
        return COLUMNS

    @property
    def sentence(self) -> str:
        """How many settlements there are, how often, and where from."""
        if self.table is None:
            return f"funding of {self.symbol}: none is ever paid"
        hours = Settlements.of(self.table.times, self.table.rates, self.table.hours).hours
        every = " or ".join(f"{one:g}" for one in np.unique(hours[np.isfinite(hours)])) or f"{CONSTANT_HOURS}"
        return (
            f"funding of {self.symbol}: {len(self.table.times):,} settlements, every {every} hours, from {self.place}"
        )

    def join(self, bars: pl.DataFrame, interval: timedelta) -> pl.DataFrame:
        """The bars with their funding; a DataError names the ranges whose settlements the table lacks.

        What is missing never counts as zero.
        """
        funding = self._funding(bars, interval_ms(interval))
        return bars.with_columns(pl.Series(name, values) for name, values in funding.columns().items())

    def _funding(self, bars: pl.DataFrame, bar_ms: int) -> Funding:
        ts = ts_ms(bars)
        if self.table is None:
            return Funding.none(len(ts))
        lacking = missing(self.table.times, self.table.hours, int(ts[0]), int(ts[-1]) + bar_ms)
        if lacking:
            shown = ", ".join(f"{stamp(a)} to {stamp(b)}" for a, b in lacking[:_N_SHOWN])
            more = f" and {len(lacking) - _N_SHOWN:,} more ranges" if len(lacking) > _N_SHOWN else ""
            raise DataError(
                f"funding of {self.symbol} is missing from {shown}{more}, where there are bars ({stamp(int(ts[0]))} to "
                f"{stamp(int(ts[-1]) + bar_ms)}); fetch it, shorten the bars, or, where the exchange settled at "
                "another interval, say so in a column interval_hours"
            )
        return settle(ts, bar_ms, Settlements.of(self.table.times, self.table.rates, self.table.hours))
