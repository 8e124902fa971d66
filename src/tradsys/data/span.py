"""When data can be from: nothing before 1980, after now, or of a bar that is still open, unless told to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from tradsys.core.defects import name_rows
from tradsys.core.errors import DataError
from tradsys.core.time import as_ms, from_ms, stamp, to_ms, ts_ms
from tradsys.data.repairs import Repair

FIRST = datetime(1980, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """Times that data may have, in milliseconds: `first` and after, `end` and before; now unless told otherwise."""

    first: int = to_ms(FIRST)
    end: int = field(default_factory=lambda: as_ms(None))

    def refuse_beyond(self, ms: pl.Series, shown: pl.Series, source: str) -> None:
        """A DataError that names times, (n,) ms, beyond the span as they are `shown`."""
        beyond = ((ms < self.first) | (ms > self.end)).fill_null(False).arg_true()
        if beyond.is_empty():
            return
        found = ", ".join(f"{str(shown[int(row)])!r} (read as {_day(int(ms[int(row)]))})" for row in beyond[:3])
        more = f" and {len(beyond) - 3:,} more" if len(beyond) > 3 else ""
        raise DataError(
            f"{source}: {len(beyond):,} times lie before {_day(self.first)} or after {_day(self.end)}, such as {found}"
            f"{more}; {_advice(int(ms[int(beyond[0])]))}"
        )

    def closed(self, bars: pl.DataFrame, step_ms: int, source: str) -> tuple[pl.DataFrame, tuple[Repair, ...]]:
        """The bars that have closed by the end, and the repair that names those that are still open; sorted bars.

        A bar that opens beyond the span is refused.
        """
        self.refuse_beyond(bars["ts"].dt.epoch("ms"), bars["ts"], source)
        is_open = ts_ms(bars) + step_ms > self.end
        if not is_open.any():
            return bars, ()
        n = int(is_open.sum())
        what = "the last bar is" if n == 1 else f"the last bars of {n} symbols are"
        rows = name_rows(bars, is_open.nonzero()[0])
        sentence = f"{what} still open at {stamp(self.end // 60_000 * 60_000)} and dropped: {rows}"
        return bars.filter(~is_open), (Repair("open bar", n, (rows,), sentence),)


def _day(ms: int) -> str:
    when = from_ms(ms)
    return f"{when.year:04d}-{when:%m-%d %H:%M}"


def _advice(ms: int) -> str:
    if from_ms(ms).year < 100:
        return "years need four digits; write them out"
    return (
        "mend the times (are they local ones, or of another unit?), or allow them with load_bars(span=...), or the "
        "settings data.earliest and data.latest"
    )
