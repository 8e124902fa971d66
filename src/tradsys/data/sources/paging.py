"""Pages of bars, forward in time, whatever a venue does at their edges."""

from collections.abc import Callable, Iterator

import polars as pl

from tradsys.core.time import from_ms

type Page = Callable[[int], pl.DataFrame]
"""Bars from a time (ms) on, in any order, as many as the venue gives."""


def pages(page: Page, start: int, end: int, step: int, window: int) -> Iterator[pl.DataFrame]:
    """New bars of each page, sorted, with start <= ts < end; ends however the venue answers.

    A page may be out of order, overlap the last one, or be the last one again and again: only bars at or after the
    cursor count, and the cursor always moves. A page without any moves it by `window` bars, as many as a page is sure
    to span: there is a hole, or the market was not listed yet.
    """
    cursor = start
    while cursor < end:
        rows = page(cursor)
        if len(rows) and bool(rows["ts"].min() >= from_ms(end)):  # type: ignore[operator]
            return  # nothing before the end, and the venue went on to what comes after it
        inside = pl.col("ts").is_between(from_ms(cursor), from_ms(end), closed="left")
        fresh = rows.filter(inside).unique("ts", keep="last", maintain_order=True).sort("ts")
        if len(fresh) == 0:
            cursor += window * step
            continue
        yield fresh
        cursor = int(fresh["ts"].dt.epoch("ms")[-1]) + step
