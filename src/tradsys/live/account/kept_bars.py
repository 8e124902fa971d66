"""`bars.parquet` and the log: the bars that an account was traded on, for a replay without others."""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from tradsys.core.bars import TS
from tradsys.core.column_names import OHLCV
from tradsys.core.errors import DataError
from tradsys.core.files import write_atomically
from tradsys.core.time import stamp, ts_ms
from tradsys.live.account.audit import events_of

BARS: Final = "bars.parquet"
"""Histories as they were read; the bars that closed afterwards are in the log."""


def keep_histories(folder: Path, histories: Mapping[str, pl.DataFrame]) -> None:
    """Add what was read to what is kept; of a bar that is there already the later reading counts.

    A DataError where what is kept cannot be read.
    """
    frames = [frame.with_columns(pl.lit(symbol).alias("symbol")) for symbol, frame in histories.items()]
    written = io.BytesIO()
    _joined([*_kept(folder), *frames]).write_parquet(written, compression="zstd")
    write_atomically(folder / BARS, written.getvalue())


def kept_bars(folder: Path) -> dict[str, pl.DataFrame]:
    """By symbol the bars that the account's bot read and decided on, in order; none where it kept none."""
    closed = [event for _, event in events_of(folder) if event["kind"] == "bar" and "ohlcv" in event]
    frames = [*_kept(folder), *([_frame(closed)] if closed else [])]
    if not frames:
        return {}
    bars = _joined(frames)
    return {str(symbol): bars.filter(pl.col("symbol") == symbol).drop("symbol") for symbol in bars["symbol"].unique()}


def missing_bars(bars: pl.DataFrame, interval_ms: int, start_ms: int, end_ms: int) -> str | None:
    """What is not there of the bars that close in (start, end], in words; None where all are."""
    wanted = range(-(-start_ms // interval_ms) * interval_ms, end_ms // interval_ms * interval_ms, interval_ms)
    lacking = sorted(set(wanted) - set(ts_ms(bars).tolist()))
    if not lacking:
        return None
    return f"{len(lacking):,} of {len(wanted):,} bars, from {stamp(lacking[0])} to {stamp(lacking[-1])}"


def _kept(folder: Path) -> list[pl.DataFrame]:
    path = folder / BARS
    if not path.exists():
        return []
    try:
        return [pl.read_parquet(path)]
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path} cannot be read ({error}); move it away, and a bot begins another") from None


def _joined(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    try:
        return pl.concat(frames, how="diagonal_relaxed").unique(["symbol", "ts"], keep="last").sort("symbol", "ts")
    except pl.exceptions.PolarsError as error:
        raise DataError(f"bars that were kept and those that were read are not alike ({error})") from None


def _frame(closed: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    rows = [
        {"symbol": one["symbol"], "ts": one["ts_ms"], **dict(zip(OHLCV, one["ohlcv"], strict=True)), **one["extra"]}
        for one in closed
    ]
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col("ts").cast(TS))
