"""Rows of a file while they are made into bars: where each stands in the file, and what was done to them."""

from dataclasses import dataclass
from typing import NoReturn

import polars as pl

from tradsys.core.defects import ROW
from tradsys.core.errors import DataError
from tradsys.core.time import stamp
from tradsys.data.repairs import N_SHOWN, Repair, describe
from tradsys.data.span import TimeSpan


@dataclass(slots=True)
class FileRows:
    """The rows so far, where they stand in their file, and what was done to them."""

    rows: pl.DataFrame
    source: str
    place: str
    repairs: list[Repair]
    span: TimeSpan
    tz: str = ""
    newest_first: bool = False

    def describe(self, kind: str, what: str, rows: pl.DataFrame) -> Repair:
        """A repair of these rows, which says of the first where they stand."""
        shown = rows[:N_SHOWN]
        times = shown["ts"].to_list() if "ts" in rows.columns else [None] * len(shown)
        names = [
            f"{self.place} {row}" + (f" ({stamp(ms)})" if ms is not None else "")
            for row, ms in zip(shown[ROW].to_list(), times, strict=True)
        ]
        return describe(kind, what, len(rows), names)

    def report(self, kind: str, what: str, rows: pl.DataFrame) -> None:
        """Keep the repair of these rows, if there are any."""
        if len(rows):
            self.repairs.append(self.describe(kind, what, rows))

    def refuse(self, what: str, rows: pl.DataFrame, advice: str) -> NoReturn:
        """A DataError that names these rows."""
        raise DataError(f"{self.source}: {self.describe('', what, rows).sentence}; {advice}")
