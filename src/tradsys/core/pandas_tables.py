"""A pandas frame as a Polars one, its index among the columns; pandas itself is never imported here."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from tradsys.core.column_names import ANY_TIME, CLOSES, LAST, NAMES, OPENS, named, plain
from tradsys.core.errors import DataError

_PRICES = ("open", "high", "low", "close")
_KNOWN = tuple(alias for aliases in NAMES.values() for alias in aliases)


def table_of_pandas(frame: Any, wanted_by: str) -> pl.DataFrame:
    """The frame's columns, after the levels of its index that hold times or have a name that bars know.

    Times of an index are called `ts` unless their name says that they are opens or closes. Of two levels of columns,
    as yfinance has them, the names of one ticker stay, and the ticker becomes a column `symbol`.
    """
    names, ticker = _one_level(frame.columns, wanted_by)
    columns = [*_levels(frame.index), *zip(names, (frame.iloc[:, i] for i in range(len(names))), strict=True)]
    if ticker and "symbol" not in {plain(name) for name, _ in columns}:
        columns.append(("symbol", np.full(len(frame), ticker, dtype=object)))
    all_names = [name for name, _ in columns]
    twice = sorted({name for name in all_names if all_names.count(name) > 1})
    if twice:
        raise DataError(
            f"{wanted_by} wants each column once, found {', '.join(map(repr, twice))} twice among columns and index of "
            "the frame; drop one of them"
        )
    return pl.DataFrame([_series(name, values) for name, values in columns])


def series_of_pandas(values: Any) -> pl.Series:
    """A pandas Series as a Polars one, without its index."""
    return _series(str(values.name), values)


def _one_level(columns: Any, wanted_by: str) -> tuple[list[str], str]:
    """The columns' names, and the one ticker that they belong to where they have two levels."""
    if columns.nlevels == 1:
        return [str(name) for name in columns], ""
    pairs = [tuple(str(part) for part in name) for name in columns]
    levels = range(columns.nlevels)
    field = max(levels, key=lambda i: sum(plain(pair[i]) in _PRICES for pair in pairs))
    tickers = {
        " ".join(part for i, part in enumerate(pair) if i != field) for pair in pairs if plain(pair[field]) in _PRICES
    }
    if len(tickers) > 1:
        raise DataError(
            f"{wanted_by} wants one market's columns a frame, found {len(tickers)}: {_some(sorted(tickers))}; take "
            f"one, as frame.xs({min(tickers)!r}, axis=1, level={1 - field if columns.nlevels == 2 else '...'})"
        )
    return [pair[field] or "".join(pair) for pair in pairs], next(iter(tickers), "").strip()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")


def _levels(index: Any) -> list[tuple[str, Any]]:
    """The levels of an index that hold times, or that have a name of bars' columns."""
    found = []
    for level in range(index.nlevels):
        values = index.get_level_values(level)
        name = "" if values.name is None else str(values.name)
        is_time = values.inferred_type in ("datetime64", "datetime", "date", "period")
        if is_time:
            found.append((name if name and named([plain(name)], (*OPENS, *CLOSES)) else "ts", values))
        elif name and (plain(name) in _KNOWN or named([plain(name)], (*OPENS, *CLOSES, *ANY_TIME, *LAST[:2]))):
            found.append((name, values))
    return found


def _series(name: str, values: Any) -> pl.Series:
    dtype = values.dtype
    if str(dtype).startswith("period"):
        return _times(name, sys.modules["pandas"].PeriodIndex(values).to_timestamp())
    if dtype.kind == "M":
        return _times(name, sys.modules["pandas"].DatetimeIndex(values))
    if dtype.kind in "iuf" and isinstance(dtype, np.dtype):
        return pl.Series(name, np.ascontiguousarray(values))
    if dtype.kind in "iuf":  # pandas' own numbers, which may be missing
        has_gaps = bool(values.isna().any())
        kind = np.float64 if has_gaps or dtype.kind == "f" else np.int64
        return pl.Series(name, values.to_numpy(dtype=kind, **({"na_value": np.nan} if has_gaps else {})))
    cells = _objects(values)
    try:
        return pl.Series(name, cells, strict=False)
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        return pl.Series(name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String)


def _objects(values: Any) -> list[Any]:
    """Cells as Python has them; pandas' sign for a missing one is None."""
    missing = sys.modules["pandas"].isna(values)
    return [None if empty else cell for cell, empty in zip(values.tolist(), missing, strict=True)]


def _times(name: str, times: Any) -> pl.Series:
    zoned = times.tz is not None
    plain_times = (times.tz_convert("UTC").tz_localize(None) if zoned else times).to_numpy().astype("datetime64[ms]")
    column = pl.Series(name, plain_times.astype(np.int64)).set(pl.Series(np.isnat(plain_times)), None)
    return column.cast(pl.Datetime("ms", "UTC" if zoned else None))
