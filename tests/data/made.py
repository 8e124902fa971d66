"""Files of bars for tests: flat prices at given times."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

import polars as pl

from tradsys.core.time import parse_interval

START = datetime(2024, 3, 1, tzinfo=UTC)


def times(*parts: tuple[int, str], start: datetime = START) -> list[datetime]:
    """Opens of so many bars of each interval, one part after the other."""
    steps = [parse_interval(interval) for n, interval in parts for _ in range(n)]
    return list(accumulate(steps[:-1], initial=start)) if steps else []


def file_of(path: Path, columns: Mapping[str, Sequence[object] | pl.Series]) -> Path:
    """The file with these columns before prices that differ from row to row; a CSV or Parquet by its name."""
    n_rows = len(next(iter(columns.values())))
    price = [100.0 + i % 7 for i in range(n_rows)]
    bars = {"open": price, "high": [p + 1 for p in price], "low": [p - 1 for p in price], "close": price}
    frame = pl.DataFrame({**columns, **bars, "volume": [1.0] * n_rows})
    frame.write_csv(path) if path.suffix == ".csv" else frame.write_parquet(path)
    return path
