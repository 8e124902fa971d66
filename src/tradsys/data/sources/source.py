"""What every source of a series offers, and its pages, forward in time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import polars as pl

from tradsys.core.time import from_ms
from tradsys.data.store.manifest import Flaw, Origin
from tradsys.data.store.series import SeriesId

type Progress = Callable[[str, int, int], None]
"""Told what is being done, the rows there and the rows in all."""

type Range = tuple[int, int]
"""First open wanted and the first not wanted any more, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as a source gave them, unchecked, where they came from, and what was wrong with their file."""

    rows: pl.DataFrame
    origin: Origin
    flaws: tuple[Flaw, ...] = ()


def page_batch(rows: pl.DataFrame, source: str, item: str) -> Batch:
    """A page's rows in order, at least one, as the source's endpoint `item` gave them."""
    times = rows["ts"].dt.epoch("ms")
    return Batch(rows, Origin(source, item, "", int(times[0]), int(times[-1]), len(rows), utc_now()))


class Source(Protocol):
    """Rows of one series, in batches."""

    @property
    def name(self) -> str:
        """What manifests call it."""

    @property
    def is_paged(self) -> bool:
        """Whether it is asked for ranges of rows rather than for whole files."""

    def fetch(self, series: SeriesId, ranges: Sequence[Range]) -> Iterator[Batch]:
        """The rows it has in these ranges; rows outside of them do no harm."""


def utc_now() -> str:
    """The time as manifests write it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


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
