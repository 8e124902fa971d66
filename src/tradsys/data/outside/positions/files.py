"""Anyone's own file of open interest, basis or liquidations: Parquet, Feather or CSV."""

from datetime import timedelta
from pathlib import Path

import polars as pl

from tradsys.core.bars import TS
from tradsys.core.defects import ROW
from tradsys.core.errors import ConfigError, DataError
from tradsys.data.files import read_table
from tradsys.data.numbers import numbers
from tradsys.data.outside.align import AVAILABLE
from tradsys.data.outside.positions.bars import PREFIX
from tradsys.data.outside.positions.table import AMOUNTS, DEFAULT_TOLERANCE, LEVELS, PositionTable, in_order
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
