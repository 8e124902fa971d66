"""Bars from frames that people hold in memory, mended and told as those of a file are."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from tradsys.core.defects import ROW, find_defects, refuse
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.frames import HeldBars, named_symbol, pooled
from tradsys.core.tables import Table, as_table, is_table
from tradsys.core.time import infer_interval, interval_ms
from tradsys.data.clean import clean
from tradsys.data.columns import recognise
from tradsys.data.reading import Reading
from tradsys.data.repairs import Repair
from tradsys.data.span import TimeSpan
from tradsys.data.suspects import settle_suspects

_MEND = "mend or drop these rows"


def bars_of_frames(held: HeldBars, span: TimeSpan, write: Callable[[str], None], reading: Reading) -> pl.DataFrame:
    """Checked bars of a frame, of a list of frames with a column `symbol` each, or of frames by their symbol.

    Every repair goes to `write`, a line each. One symbol alone has no column `symbol`, as that of a file.
    """
    if isinstance(held, Mapping) and held and all(map(is_table, held.values())):
        frames = [
            named_symbol(str(symbol), _bars(frame, f"frame {symbol!r}", span, write, reading))
            for symbol, frame in held.items()
        ]
    elif isinstance(held, Sequence) and held and all(map(is_table, held)):
        frames = [_bars(frame, f"frame {i}", span, write, reading) for i, frame in enumerate(held)]
    elif isinstance(held, Sequence) and held and all(isinstance(one, str | Path) for one in held):
        raise ConfigError(f"load_bars takes one file, found {len(held)}; load_market([...]).bars pools several")
    else:
        frames = [_bars(held, "frame", span, write, reading)]  # type: ignore[arg-type]  # whatever else it is, is refused
    if len(frames) > 1:
        bars, defects = find_defects(pooled(frames, "load_bars"))
        if lost := list(dict.fromkeys(name for one in frames for name in one.columns if name not in bars.columns)):
            write(f"frames: not all have {', '.join(lost)}, left out")
        refuse(defects, "the frames together are refused", "give frames of one interval, each symbol once")
        bars, still_open = span.closed(bars, interval_ms(infer_interval(bars)), "the frames together")
        for repair in still_open:  # a frame of one bar does not show it alone
            write(f"frames: {repair.sentence}")
        return bars
    (bars,) = frames
    return bars.drop("symbol") if "symbol" in bars.columns and bars["symbol"].n_unique() == 1 else bars


def _bars(frame: Table, source: str, span: TimeSpan, write: Callable[[str], None], reading: Reading) -> pl.DataFrame:
    table = as_table(frame, "load_bars").drop(ROW, strict=False).with_row_index(ROW)
    if table.width == 1:
        raise DataError(f"{source} has no columns, wanted bars with a time, open, high, low, close and volume")
    recognised, told = recognise(table, source, reading)
    cleaned, repairs = clean(recognised, source, span=span, tz=reading.tz)
    bars, defects = find_defects(cleaned)
    refuse(defects, f"{source} is refused", _MEND)
    bars, suspects = settle_suspects(bars, "row")
    for repair in (*told, *_without_zone(recognised["time"], reading.tz), *repairs, *suspects):
        write(f"{source}: {repair.sentence}")
    return bars.drop(ROW)


def _without_zone(times: pl.Series, tz: str) -> tuple[Repair, ...]:
    """The note that times which name no zone are UTC for us."""
    is_naive = isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone is None
    if tz or (not is_naive and times.dtype != pl.Date):
        return ()
    return (Repair("no zone", len(times), (), "times name no zone and are taken as UTC", changed=False),)
