"""Stand-ins for series that cost money or close at night: a coin for gold, six exchange rates for the dollar index."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from typing import ClassVar, Final

import polars as pl

from tradsys.core.errors import DataError
from tradsys.core.time import infer_interval
from tradsys.data.outside.macro.source import MacroSource, quotes
from tradsys.data.settings import DataSettings

DXY_CONSTANT: Final = 50.14348112
DXY_WEIGHTS: Final = {
    "EURUSD": -0.576,
    "USDJPY": 0.136,
    "GBPUSD": -0.119,
    "USDCAD": 0.091,
    "USDSEK": 0.042,
    "USDCHF": 0.036,
}
"""ICE U.S. Dollar Index: exponents of the six rates, as quoted by their names; euro and pound are quoted in dollars."""

FRED_RATES: Final = {
    "EURUSD": "DEXUSEU",
    "USDJPY": "DEXJPUS",
    "GBPUSD": "DEXUSUK",
    "USDCAD": "DEXCAUS",
    "USDSEK": "DEXSDUS",
    "USDCHF": "DEXSZUS",
}
"""The same rates at noon in New York, as FRED calls them."""


def dollar_index(rates: pl.DataFrame) -> pl.Series:
    """The ICE dollar index of rows with the six rates: 50.14348112 times their weighted geometric mean.

    >>> row = dict(EURUSD=1.1370, USDJPY=115.08, GBPUSD=1.3532, USDCAD=1.2637, USDSEK=9.0555, USDCHF=0.9126)
    >>> round(dollar_index(pl.DataFrame(row))[0], 2)  # the last session of 2021 closed at 95.67
    95.67
    """
    missing = [name for name in DXY_WEIGHTS if name not in rates.columns]
    if missing:
        raise DataError(f"the dollar index needs six rates, found none for {', '.join(missing)}")
    powers = [pl.col(name).pow(weight) for name, weight in DXY_WEIGHTS.items()]
    return rates.select((DXY_CONSTANT * reduce(lambda a, b: a * b, powers)).alias("close")).to_series()


@dataclass(frozen=True, slots=True)
class SixRates:
    """The dollar index from six series of one source; a day that lacks one of them has no index."""

    rates: MacroSource

    @property
    def name(self) -> str:
        return f"six rates of {self.rates.name}"

    def fetch(self, series: str, start: date, end: date) -> pl.DataFrame:
        frames = [
            self.rates.fetch(code, start, end).select("date", pl.col("close").alias(pair))
            for pair, code in FRED_RATES.items()
        ]
        table = reduce(lambda a, b: a.join(b, on="date", how="inner"), frames)
        return quotes(self.name, series, table["date"], dollar_index(table), start=start, end=end)


@dataclass(frozen=True, slots=True)
class BarsProxy:
    """Bars of a coin that follows the series, PAXG for gold: the last close of each whole day, UTC.

    `series` is a spec of `load_bars`, a file or a series of the store. A day is whole where its last bar is there; its
    close is known at midnight.
    """

    settings: DataSettings = DataSettings()
    name: ClassVar = "bars"

    def fetch(self, series: str, start: date, end: date) -> pl.DataFrame:
        from tradsys.data.load import load

        loaded = load(series, settings=self.settings)
        interval = infer_interval(loaded.bars)
        if interval > timedelta(days=1):
            raise DataError(f"{series} has bars of {interval}, wanted a day at most; give finer bars")
        closes_at = (pl.col("ts") + interval).alias("closes_at")
        last = loaded.bars.select(closes_at, "close").filter(
            pl.col("closes_at").dt.truncate("1d") == pl.col("closes_at")
        )
        days = (last["closes_at"] - timedelta(days=1)).dt.date()
        return quotes(f"bars of {loaded.symbol}", series, days, last["close"], start=start, end=end)
