"""The funding that perpetuals' exchanges settled, from a file or the store as the settings write it, joined to bars."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.carry import COLUMNS, CONSTANT_HOURS, Funding, Settlements, settle
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.time import HOUR_MS, interval_ms, stamp, ts_ms
from tradsys.data.files import read_table
from tradsys.data.outside.source import BarRange, OutsideColumns, one_each, split_place
from tradsys.data.pairs import is_pair, is_related
from tradsys.data.settings import DataSettings
from tradsys.data.store.series import FUNDING, SeriesId, is_series
from tradsys.data.store.store import SeriesStore
from tradsys.data.times import settle_times

MINUTE_MS = 60_000
MOST_USUAL = 3e-3
"""A median rate beyond this is in percent."""
_TIME = ("funding_time", "fundingtime", "calc_time", "ts", "timestamp")
_RATE = ("rate", "funding_rate", "fundingrate", "last_funding_rate")
_HOURS = ("interval_hours", "funding_interval_hours")


class FundingTable(NamedTuple):
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
    usual = float(np.median(table["rate"].abs().to_numpy())) if len(table) else 0.0
    if usual > MOST_USUAL:
        raise DataError(
            f"{where}: half of all rates are beyond {usual:.2%}, wanted fractions such as 0.0001; are they in percent? "
            "divide them by 100"
        )
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


def missing_settlements(rows: pl.DataFrame, first: int, last: int) -> list[tuple[int, int]]:
    """The `missing` ones of stored rows, whose intervals are stated where their source had any."""
    hours = np.full(len(rows), np.nan)
    if "interval_hours" in rows.columns:
        hours = rows["interval_hours"].cast(pl.Float64).fill_null(np.nan).to_numpy().astype(np.float64)
    return missing(ts_ms(rows), hours, first, last)


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


_N_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class FundingColumns:
    """One symbol's funding; without a table none is ever paid."""

    symbol: str
    place: str
    table: FundingTable | None

    @property
    def columns(self) -> tuple[str, ...]:
        return COLUMNS

    @property
    def sentence(self) -> str:
        if self.table is None:
            return f"funding of {self.symbol}: none is ever paid"
        hours = Settlements.of(*self.table).hours
        every = " or ".join(f"{one:g}" for one in np.unique(hours[np.isfinite(hours)])) or f"{CONSTANT_HOURS}"
        return (
            f"funding of {self.symbol}: {len(self.table.times):,} settlements, every {every} hours, from {self.place}"
        )

    def join(self, bars: pl.DataFrame, interval: timedelta) -> pl.DataFrame:
        """The bars with their funding; a DataError names the ranges whose settlements the table lacks.

        What is missing never counts as zero.
        """
        ts, bar_ms = ts_ms(bars), interval_ms(interval)
        funding = Funding.none(len(ts)) if self.table is None else self._settled(self.table, ts, bar_ms)
        return bars.with_columns(pl.Series(name, values) for name, values in funding.columns().items())

    def _settled(self, table: FundingTable, ts: IntArray, bar_ms: int) -> Funding:
        lacking = missing(table.times, table.hours, int(ts[0]), int(ts[-1]) + bar_ms)
        if lacking:
            shown = ", ".join(f"{stamp(a)} to {stamp(b)}" for a, b in lacking[:_N_SHOWN])
            more = f" and {len(lacking) - _N_SHOWN:,} more ranges" if len(lacking) > _N_SHOWN else ""
            raise DataError(
                f"funding of {self.symbol} is missing from {shown}{more}, where there are bars ({stamp(int(ts[0]))} to "
                f"{stamp(int(ts[-1]) + bar_ms)}); fetch it, shorten the bars, or, where the exchange settled at "
                "another interval, say so in a column interval_hours"
            )
        return settle(ts, bar_ms, Settlements.of(*table))


NONE = "none"
"""Instead of a file: a symbol that pays no funding, such as one of a spot market."""


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

    @classmethod
    def read(cls, sources: Sequence[Self], bars: BarRange) -> dict[str, OutsideColumns]:
        """The funding of every symbol: one without any beside others that have some is a ConfigError."""
        each = [one for source in sources for one in source._each(bars.symbols)]
        files = one_each(each, bars.symbols, "funding", "tables of funding")
        without = [symbol for symbol in bars.symbols if symbol not in files]
        if without:
            raise ConfigError(
                f"{', '.join(without)} has no funding beside symbols that have; give SYMBOL=FILE, or "
                f"{without[0]}={NONE} where it pays none"
            )
        for symbol, one in files.items():
            one._refuse_foreign(symbol)
        return {
            symbol: FundingColumns(symbol, files[symbol].place, files[symbol].table(bars.data))
            for symbol in bars.symbols
        }

    @property
    def series(self) -> SeriesId | None:
        """The stored series that is meant, None for a file."""
        if Path(self.place).expanduser().exists() or not is_series(self.place):
            return None
        return SeriesId.parse(self.place)

    @property
    def own_symbol(self) -> str:
        """The symbol that a stored series is of, empty for a file."""
        return "" if self.series is None else self.series.symbol

    def table(self, data: DataSettings = DataSettings()) -> FundingTable | None:
        """All of it, each settlement once, None where none is ever paid; a DataError names what cannot be one."""
        if self.place == NONE:
            return None
        series = self.series
        if series is None:
            rows = self._rows()
            symbols = _symbols(rows)
            if len(symbols) > 1 and self.symbol not in symbols:
                raise DataError(f"{self.place} holds {', '.join(symbols)} and not {self.symbol}; add its rows")
            return table_of(rows.filter(_column(rows) == self.symbol) if len(symbols) > 1 else rows, self.place)
        if series.interval != FUNDING:
            raise ConfigError(f"{series} holds no funding; name {series.exchange}:{series.symbol}:{FUNDING}")
        rows = SeriesStore(data.root).read(series)
        if rows.is_empty():
            raise ConfigError(f"{series} is not in the store; fetch it: tradsys data download {series} --from DAY")
        return table_of(rows, str(series))

    def _each(self, wanted: Sequence[str]) -> list["FundingFile"]:
        """One a symbol that has bars, where the file's column `symbol` names several and none was named."""
        if self.symbol or self.place == NONE or self.series is not None:
            return [self]
        symbols = _symbols(self._rows())
        return [FundingFile(one, self.place) for one in symbols if one in wanted] if len(symbols) > 1 else [self]

    def _refuse_foreign(self, wanted: str) -> None:
        """A ConfigError where the file's only symbol is another one than that of the bars."""
        if self.place == NONE or self.series is not None:
            return
        symbols = _symbols(self._rows())
        if len(symbols) != 1 or is_related(symbols[0], wanted):
            return
        if not self.symbol:
            raise ConfigError(
                f"{self.place} holds the funding of {symbols[0]}, wanted that of {wanted}; give its own, or say that "
                f"they are one with {wanted}={self.place}"
            )
        if is_pair(symbols[0]) and is_pair(wanted):
            raise ConfigError(f"{self.place} holds the funding of {symbols[0]}, not of {wanted}; give that of {wanted}")

    def _rows(self) -> pl.DataFrame:
        path = Path(self.place).expanduser()
        if not path.exists():
            raise DataError(f"no file {path} of funding; give a Parquet, Feather or CSV file, or a stored series")
        return read_table(path)[0]


def _column(rows: pl.DataFrame) -> pl.Series:
    name = next(name for name in rows.columns if name.strip().lower() == "symbol")
    return rows[name].cast(pl.String).str.strip_chars()


def _symbols(rows: pl.DataFrame) -> list[str]:
    """The names in the column `symbol`, however it is written; a row without one belongs to nobody."""
    if all(name.strip().lower() != "symbol" for name in rows.columns):
        return []
    found = _column(rows).replace("", None)
    if found.null_count() not in (0, len(found)):
        raise DataError(f"{found.null_count():,} rows of funding name no symbol beside others that do; fill them in")
    return found.drop_nulls().unique(maintain_order=True).to_list()
