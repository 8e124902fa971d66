"""What every source of a series offers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import polars as pl

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
