"""One source of positions as the settings write it: `BTCUSDT=positions.parquet?lag_s=300`, or a market of the store."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

import polars as pl

from tradsys.core.bars import TS
from tradsys.core.defects import ROW
from tradsys.core.errors import ConfigError, DataError
from tradsys.data.files import numbers, read_table
from tradsys.data.outside.align import AVAILABLE
from tradsys.data.outside.positions.table import (
    AMOUNTS,
    BASIS,
    DEFAULT_TOLERANCE,
    LEVELS,
    LIQ_BUY,
    LIQ_SELL,
    OPEN_INTEREST,
    PREFIX,
    PositionColumns,
    PositionTable,
    columns_of,
    in_order,
)
from tradsys.data.outside.source import BarRange, OutsideColumns, by_symbol, split_place
from tradsys.data.store.admit import RULES
from tradsys.data.store.series import LIQUIDATIONS, METRICS, PREMIUM, SeriesId
from tradsys.data.store.store import SeriesStore
from tradsys.data.times import settle_times

_TIMES = ("ts", "timestamp", "time", "create_time")


def positions_from_file(
    path: Path, *, lag: timedelta | None = None, tolerance: timedelta | None = None, step: timedelta | None = None
) -> PositionTable:
    """The file's `open_interest`, `basis`, or `liq_sell, liq_buy`, with `available_at`, or `ts` and a `lag`.

    Names may begin with `flow_`, `timestamp` may stand for `ts`. Nobody guesses when a stamp was out: without
    `available_at` the lag must be given. With both, a row about an earlier time that came late replaces nothing.
    """
    if not path.exists():
        raise DataError(f"no file {path} of open interest, basis or liquidations; give a Parquet, Feather or CSV file")
    table, _ = read_table(path)
    plain = {name.strip().lower().removeprefix(PREFIX): name for name in table.columns if name != ROW}
    names = [name for name in (*LEVELS, *AMOUNTS) if name in plain]
    if not names or len({*AMOUNTS} & {*names}) == 1:
        raise DataError(
            f"{path} must hold some of {', '.join(LEVELS)}, or {' and '.join(AMOUNTS)} together, found "
            f"{', '.join(plain)}; rename the columns"
        )
    stamp = next((plain[name] for name in _TIMES if name in plain), None)
    available = _available(path, table, plain.get(AVAILABLE), stamp, lag)
    about = available if stamp is None else _times(path, table, stamp)
    values = [numbers(table[plain[name]], path).alias(name) for name in names]
    rows = in_order(pl.DataFrame([about.alias("ts"), available.alias(AVAILABLE), *values]), str(path))
    return PositionTable(
        rows, f"{', '.join(names)} of {len(rows):,} rows of {path.name}", tolerance or DEFAULT_TOLERANCE, step
    )


def _available(
    path: Path, table: pl.DataFrame, known: str | None, stamp: str | None, lag: timedelta | None
) -> pl.Series:
    if known is not None:
        if lag is not None:
            raise ConfigError(f"{path} says in {known} when each row was out; leave lag_s out")
        return _times(path, table, known)
    if stamp is None:
        raise DataError(f"{path} says of no row when it was out: wanted a column {AVAILABLE}, or ts and ?lag_s=SECONDS")
    if lag is None:
        raise ConfigError(
            f"{path} has times in {stamp} but none at which they were out; add ?lag_s=SECONDS (300 where a venue "
            f"publishes in minutes), or a column {AVAILABLE}"
        )
    return _times(path, table, stamp) + lag


def _times(path: Path, table: pl.DataFrame, name: str) -> pl.Series:
    ms = settle_times(table[name], str(path)).ms
    if ms.null_count():
        raise DataError(f"{path}: {ms.null_count():,} rows have no {name}; drop them")
    return ms.cast(TS)


TABLES: Final = (METRICS, PREMIUM, LIQUIDATIONS)

LAGS: Final = {METRICS: timedelta(minutes=10), PREMIUM: timedelta(0), LIQUIDATIONS: timedelta(seconds=10)}
"""From what a row is about to when it counts as known: five minutes that open interest may stand for and five until it
is out; a premium when its bar closes, as every bar; an order ten seconds after its minute.
"""

MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


def positions_from_store(
    store: SeriesStore,
    market: str,
    *,
    start: datetime,
    end: datetime,
    lag: timedelta | None = None,
    tolerance: timedelta | None = None,
) -> list[PositionTable]:
    """What is stored of `binance:BTC/USDT:USDT` and has rows in [start, end); a DataError where nothing is stored.

    `lag` is used in place of `LAGS`. A day without any liquidation on record is a hole, and no day of zeros.
    """
    series = {table: SeriesId.parse(f"{market}:{table}") for table in TABLES}
    there = {table: one for table, one in series.items() if store.manifests(one)}
    if not there:
        wanted = " ".join(map(str, series.values()))
        raise DataError(
            f"the store at {store.place} holds no positions of {market}; fetch it: tradsys data download {wanted}"
        )
    before = tolerance or DEFAULT_TOLERANCE
    first = (start - before - _DAY).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    for table, one in there.items():
        rows = store.read(one, start=first, end=end)
        if len(rows):
            known_after = LAGS[table] if lag is None else lag
            rows, columns, step = _READERS[table](rows, known_after)
            rows = rows.filter(pl.col(AVAILABLE).is_between(start - before, end))
        if len(rows):
            sentence = (
                f"{', '.join(columns)} of {len(rows):,} rows of {one}, out {known_after.total_seconds():g} s after"
            )
            found.append(PositionTable(in_order(rows, str(one)), sentence, before, step))
    return found


type _Read = tuple[pl.DataFrame, tuple[str, ...], timedelta | None]


def _open_interest(rows: pl.DataFrame, lag: timedelta) -> _Read:
    value = pl.col("sum_open_interest")
    known = rows.filter(value > 0).select("ts", (pl.col("ts") + lag).alias(AVAILABLE), value.alias(OPEN_INTEREST))
    return known, (OPEN_INTEREST,), RULES[METRICS].step


def _premium(rows: pl.DataFrame, lag: timedelta) -> _Read:
    step = RULES[PREMIUM].step
    assert step is not None
    return rows.select("ts", (pl.col("ts") + step + lag).alias(AVAILABLE), pl.col("close").alias(BASIS)), (BASIS,), step


def _liquidations(rows: pl.DataFrame, lag: timedelta) -> _Read:
    """Amounts in quote of every minute of every day that has an order on record."""
    amount = pl.when(pl.col("status") == "filled").then(pl.col("price") * pl.col("size_base")).otherwise(0.0)
    sums = (
        rows.group_by(pl.col("ts").dt.truncate("1m"), maintain_order=True)
        .agg(
            amount.filter(pl.col("side") == "sell").sum().alias(LIQ_SELL),
            amount.filter(pl.col("side") == "buy").sum().alias(LIQ_BUY),
        )
        .sort("ts")
    )
    days = rows["ts"].dt.truncate("1d").unique().sort()
    minutes = pl.DataFrame({"ts": days}).select(
        pl.datetime_ranges("ts", pl.col("ts") + _DAY, interval="1m", closed="left").explode().alias("ts")
    )
    filled = minutes.join(sums, on="ts", how="left", maintain_order="left").with_columns(
        pl.col(LIQ_SELL, LIQ_BUY).fill_null(0.0), (pl.col("ts") + MINUTE + lag).alias(AVAILABLE)
    )
    return filled, (LIQ_SELL, LIQ_BUY), MINUTE


_READERS = {METRICS: _open_interest, PREMIUM: _premium, LIQUIDATIONS: _liquidations}


_OPTIONS = ("lag_s", "tolerance_s", "every_s")
_MARKET = re.compile(r"[a-z][a-z0-9_-]*:[^:\s]+/[^:\s]+(:[^:\s]+)?")


@dataclass(frozen=True, slots=True)
class PositionSource:
    """A file, or what the store holds of `binance:BTC/USDT:USDT`, for one symbol, empty for the only one.

    Options that are None are the source's own: `positions_from_file` and `positions_from_store` say which.
    """

    symbol: str
    place: str
    lag: timedelta | None = None
    tolerance: timedelta | None = None
    step: timedelta | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `[SYMBOL=]FILE[?lag_s=..&tolerance_s=..&every_s=..]` or `[SYMBOL=]VENUE:SYMBOL[?..]` describes.

        >>> PositionSource.parse("ETHUSDT=eth.parquet?lag_s=300").lag
        datetime.timedelta(seconds=300)
        """
        wanted = (
            "a source of positions is FILE, SYMBOL=FILE or a market of the store, such as BTCUSDT=positions.parquet or "
            "binance:BTC/USDT:USDT"
        )
        symbol, place, given = split_place(text, "a source of positions", wanted, _OPTIONS)
        return cls(symbol, place, *(given.get(name) for name in _OPTIONS))

    @classmethod
    def read(cls, sources: Sequence[Self], bars: BarRange) -> dict[str, OutsideColumns]:
        """The columns of every symbol that has a source; it may have several, each of other columns."""
        tables = {
            symbol: [table for source in own for table in source._tables(bars)]
            for symbol, own in by_symbol(sources, bars.symbols, "positions").items()
        }
        for symbol, own_tables in tables.items():
            names = Counter(name for table in own_tables for name in (*table.levels, *table.amounts))
            twice = [name for name, n in names.items() if n > 1]
            if twice:
                raise ConfigError(
                    f"{', '.join(twice)} of {symbol} comes from two sources; two are never mixed, give one"
                )
        columns = columns_of([one for own_tables in tables.values() for one in own_tables])
        if not columns:
            raise DataError(
                f"nothing is stored of the time of these bars for {', '.join(one.place for one in sources)}; fetch it "
                "with tradsys data download, or leave --positions out"
            )
        return {symbol: PositionColumns(symbol, tuple(own), columns) for symbol, own in tables.items()}

    @property
    def is_stored(self) -> bool:
        """Whether it names a market of the store rather than a file."""
        return _MARKET.fullmatch(self.place) is not None and not self.path.exists()

    @property
    def path(self) -> Path:
        """The file that it names."""
        return Path(self.place).expanduser()

    @property
    def own_symbol(self) -> str:
        """The symbol that a market of the store is of, empty for a file."""
        return self.place.partition(":")[2] if self.is_stored else ""

    def _tables(self, bars: BarRange) -> list[PositionTable]:
        if not self.is_stored:
            return [positions_from_file(self.path, lag=self.lag, tolerance=self.tolerance, step=self.step)]
        return positions_from_store(
            SeriesStore(bars.data.root),
            self.place,
            start=bars.opens,
            end=bars.closes,
            lag=self.lag,
            tolerance=self.tolerance,
        )
