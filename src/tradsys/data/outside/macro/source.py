"""What every source of daily closes offers, each row with where it came from; the simplest is a file."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

import polars as pl

from tradsys.core.bars import TS
from tradsys.core.defects import ROW
from tradsys.core.errors import DataError
from tradsys.data.decimals import with_points
from tradsys.data.files import numbers, read_table
from tradsys.data.levels import one_level
from tradsys.data.outside.align import AVAILABLE


class MacroSource(Protocol):
    """A frozen spec; fetching asks a file, a host or other bars, and keeps nothing."""

    @property
    def name(self) -> str:
        """What its rows carry in `source`."""

    def fetch(self, series: str, start: date, end: date) -> pl.DataFrame:
        """Closes of the sessions in [start, end): `date`, `close`, `source`, sorted by date, a session a row.

        `series` is what the source calls it. Where the source knows when a value could first be read, a column
        `available_at` (ms, UTC) says so, and a revision is a row of its own.
        """


def quotes(
    source: str,
    series: str,
    dates: pl.Series,
    closes: pl.Series,
    *,
    start: date,
    end: date,
    available: pl.Series | None = None,
    origin: pl.Series | None = None,
) -> pl.DataFrame:
    """Rows as `MacroSource.fetch` promises them; rows without a close are left out, what cannot be is refused."""
    columns = {"date": dates.cast(pl.Date), "close": closes.cast(pl.Float64)}
    columns["source"] = pl.repeat(source, len(dates), eager=True) if origin is None else origin.cast(pl.String)
    if available is not None:
        columns[AVAILABLE] = available.cast(TS)
    frame = pl.DataFrame(columns)
    keys = ["date"] if available is None else ["date", AVAILABLE]
    frame = frame.filter(pl.col("close").is_not_null() & pl.col("close").is_not_nan()).sort(keys, maintain_order=True)
    if frame["close"].is_infinite().any():
        raise DataError(f"{series} of {source} holds infinite closes; correct the file")
    twice = frame.filter(pl.struct(keys).is_duplicated())
    if len(twice):
        days = twice["date"].unique(maintain_order=True).to_list()
        shown = ", ".join(map(str, days[:3])) + (f" and {len(days) - 3} more" if len(days) > 3 else "")
        raise DataError(
            f"{series} of {source} has {shown} twice; keep one row a session, or give the time at which "
            f"a revision came out in a column {AVAILABLE}"
        )
    frame = frame.filter(pl.col("date").is_between(start, end, closed="left"))
    if frame.is_empty():
        raise DataError(f"{source} has no close of {series} from {start} up to {end}; check the name and the range")
    return frame


def only_source(series: str, frame: pl.DataFrame) -> str:
    """The one source of all rows; a DataError where two were mixed, since their closes need not continue each other."""
    found = frame["source"].value_counts().sort("count", descending=True)
    if len(found) > 1:
        parts = ", ".join(f"{n:,} rows of {name}" for name, n in found.iter_rows())
        raise DataError(
            f"{series} must come from one source, found {parts}; keep the rows of one, or name the second as a "
            "fallback (first|second), which is taken whole and named"
        )
    return str(found["source"][0])


_DATES = ("date", "observation_date", "day", "session")


@dataclass(frozen=True, slots=True)
class FileSource:
    """A Parquet, Feather or CSV file of one series; columns `source` and `available_at` are read where there are any.

    `available_at` carries a zone or an offset; without one a time is UTC. It says when the row could first be read:
    rows of one date with different times are revisions.
    """

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def fetch(self, series: str, start: date, end: date) -> pl.DataFrame:
        if not self.path.exists():
            raise DataError(
                f"no file {self.path} for {series}; give a CSV or Parquet file with the columns date, close"
            )
        table, _ = one_level(read_table(self.path)[0])
        if "symbol" in table.columns and table["symbol"].n_unique() > 1:
            names = " and ".join(table["symbol"].unique(maintain_order=True).to_list())
            raise DataError(f"{self.path} holds closes of {names}, wanted one series; keep one a file")
        plain = {name.strip().lower(): name for name in table.columns if name != ROW}
        day = next((plain[name] for name in _DATES if name in plain), None)
        if day is None or "close" not in plain:
            raise DataError(
                f"{self.path} holds no closes of {series}: wanted columns date and close, found {', '.join(plain)}"
            )
        table = _without_ticker_line(table, day, plain["close"])
        table, _ = with_points(table, [plain["close"]], str(self.path))
        given = {key: table[plain[key]] for key in ("source", AVAILABLE) if key in plain}
        return quotes(
            self.name,
            series,
            self._days(table, day),
            numbers(table[plain["close"]], self.path),
            start=start,
            end=end,
            available=self._times(given[AVAILABLE]) if AVAILABLE in given else None,
            origin=given.get("source"),
        )

    def _days(self, table: pl.DataFrame, name: str) -> pl.Series:
        column = table[name]
        if column.dtype == pl.String:
            day = column.str.strip_chars().str.slice(0, 10)
            return self._all_read(day.str.to_date("%Y-%m-%d", strict=False), table, name, "days like 2024-03-01")
        if column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
            return self._all_read(column.dt.date(), table, name, "days")  # the zone's own, not that of UTC
        raise DataError(f"{self.path}: {name} must hold days like 2024-03-01, is {column.dtype}; convert the column")

    def _times(self, column: pl.Series) -> pl.Series:
        if isinstance(column.dtype, pl.Datetime):
            return column.dt.replace_time_zone("UTC") if column.dtype.time_zone is None else column
        text = column.cast(pl.String).str.strip_chars()
        text = text.str.replace(r"[T ]", " ").str.replace(r"\s*Z$", "+00:00")
        text = text.str.replace(r"([+-]\d{2}):?(\d{2})$", "$1:$2").str.replace(r" (\d{2}:\d{2})([+-]|$)", " $1:00$2")
        text = text.str.replace(r"(\d{2}:\d{2}:\d{2})$", "$1+00:00")
        value = text.str.to_datetime("%Y-%m-%d %H:%M:%S%:z", time_unit="ms", strict=False)
        return self._all_read(value, pl.DataFrame({AVAILABLE: column}), AVAILABLE, "times like 2024-03-01 21:00:00Z")

    def _all_read(self, read: pl.Series, table: pl.DataFrame, name: str, wanted: str) -> pl.Series:
        unread = read.is_null().arg_true()
        if len(unread):
            shown = ", ".join(repr(table[name][int(row)]) for row in unread[:3])
            raise DataError(f"{self.path}: {len(unread):,} cells of {name} are no {wanted}, such as {shown}; mend them")
        return read


def _without_ticker_line(table: pl.DataFrame, day: str, close: str) -> pl.DataFrame:
    """Without the line under the header in which yfinance repeats the ticker, and the blank one that may follow it."""
    if table.schema[day] != pl.String or table.schema[close] != pl.String:
        return table
    first = (table[day].fill_null("").str.strip_chars().is_in(["", "Ticker", "Price", "Date", "Datetime"])) & (
        pl.Series(range(len(table))) < 2
    )
    no_price = table[close].cast(pl.Float64, strict=False).is_null()
    return table.filter(~(first & no_price))
