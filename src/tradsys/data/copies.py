"""Copies of a bar in one file: one is kept, the others are named, and rows of two markets are refused."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray
from tradsys.core.bars import OHLCV
from tradsys.core.defects import ROW
from tradsys.data.file_rows import FileRows

SAME_PRICE = 1e-5
"""Copies of a bar that differ by no more than this fraction differ only in how they were rounded."""
SAME_OPEN = 5e-3


def drop_copies(work: FileRows) -> None:
    """One bar a time: of copies the wider, since a bar only grows until it closes, else the one fetched last.

    A file that is newest first grows at its head, any other at its end.
    """
    if "symbol" not in work.rows.columns and (work.rows["ts"].diff().drop_nulls() > 0).all():
        return
    keys = ["symbol", "ts"] if "symbol" in work.rows.columns else ["ts"]
    is_copied = work.rows.select(keys).is_duplicated()
    if not is_copied.any():
        return
    copies = work.rows.filter(is_copied)
    _refuse_other_markets(work, copies, keys)
    fetched = -pl.col(ROW).cast(pl.Int64) if work.newest_first else pl.col(ROW)
    ranked = copies.sort(*keys, pl.col("high") - pl.col("low"), fetched)
    kept = ranked.unique(keys, keep="last", maintain_order=True)
    one = [ROW, *keys[:-1]]  # a line of a file may hold a bar of each symbol
    dropped = ranked.join(kept.select(one), on=one, how="anti", maintain_order="left")
    agrees = _agree(dropped.join(kept, on=keys, suffix="_kept", maintain_order="left"))
    work.report("duplicates", "duplicates that agree with the bar kept, dropped", dropped.filter(agrees))
    what = "duplicates that disagree, dropped for the copy with the wider range, else the one fetched last"
    work.report("conflicting duplicates", what, dropped.filter(~agrees))
    work.rows = work.rows.join(dropped.select(one), on=one, how="anti", maintain_order="left")


def _refuse_other_markets(work: FileRows, copies: pl.DataFrame, keys: Sequence[str]) -> None:
    opens = copies.group_by(keys, maintain_order=True).agg(
        pl.col(ROW).first(), spread=pl.col("open").max() / pl.col("open").min() - 1
    )
    other = opens.filter(pl.col("spread") > SAME_OPEN)
    if len(other):
        advice = "keep one market a file, or add a symbol column"
        work.refuse("rows of one time with different opens are no copies", other, advice)


def _agree(pairs: pl.DataFrame) -> BoolArray:
    near = np.ones(len(pairs), dtype=bool)
    for name in OHLCV:
        a, b = pairs[name].to_numpy(), pairs[f"{name}_kept"].to_numpy()
        near &= np.abs(a - b) <= SAME_PRICE * np.abs(b)
    return near
