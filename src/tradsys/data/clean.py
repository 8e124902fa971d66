"""A recognised table made into bars: what is surely wrong and safely mended is mended and listed, the rest refused."""

import numpy as np
import polars as pl

from tradsys.core.arrays import IntArray
from tradsys.core.bars import OHLCV, OPTIONAL
from tradsys.core.defects import ROW, off_grid
from tradsys.core.errors import DataError, NotEnoughBars
from tradsys.core.stamps import closing_stamps
from tradsys.core.steps import other_intervals
from tradsys.core.time import DAY_MS, commonest_step, format_step, from_ms, stamp
from tradsys.data.copies import drop_copies
from tradsys.data.file_rows import FileRows
from tradsys.data.repairs import Repair, incomplete_column
from tradsys.data.span import TimeSpan
from tradsys.data.times import read_times
from tradsys.data.zones import in_zone, local_signs

MAX_OFF_GRID = 0.02
_N_DIGITS = 6
"""Fewer digits are no time."""
_NOBODY = ("", "None", "none", "nan", "NaN", "null", "NULL", "<NA>", "N/A", "n/a")
"""What programs write where there is no name."""
_HEADER_WORDS = ("", "date", "datetime", "time", "timestamp", "unix", "ts", "ticker", "price")


def clean(
    table: pl.DataFrame, source: str, *, place: str = "row", span: TimeSpan | None = None, tz: str = ""
) -> tuple[pl.DataFrame, tuple[Repair, ...]]:
    """Sorted, unique, closed bars on one grid from recognised columns; `__row` is kept so that refusals name the rows.

    Nothing is filled. Stamps that are closes are read as the opens before them. Off-grid rows are snapshots and are
    dropped, as is a bar that is still open at the end of the span (now); of several copies of a bar one is kept.
    `tz` is the zone of times that name none; without it they are UTC, and refused where their hours show otherwise.
    """
    work = FileRows(table, source, place, [], span or TimeSpan(), tz)
    _drop_footers(work)
    _drop_headers(work)
    if len(work.rows) == 0:
        raise NotEnoughBars(f"{source} holds no rows of bars; fetch it again")
    _settle_symbols(work)
    _settle_times(work)
    _settle_numbers(work)
    _settle_order(work)
    _refuse_local(work)
    _settle_stamps(work)
    work.span.refuse_beyond(work.rows["ts"], work.rows["time"], source)
    _refuse_other_intervals(work)
    _drop_off_grid(work)
    drop_copies(work)
    _drop_open(work)
    times = pl.col("ts").cast(pl.Datetime("ms", "UTC"))
    symbol = ["symbol"] if "symbol" in work.rows.columns else []
    optional = [name for name in OPTIONAL if name in work.rows.columns]
    return work.rows.select(*symbol, times, *OHLCV, *optional, ROW), tuple(work.repairs)


def _drop_headers(work: FileRows) -> None:
    """Header lines between the data: a second header level, or the headers of files joined end to end."""
    if work.rows.schema["time"] != pl.String:
        return
    no_price = work.rows["close"].cast(pl.Float64, strict=False).is_null()
    if not no_price.any():
        return
    word = pl.col("time").fill_null("").str.strip_chars().str.to_lowercase().is_in(_HEADER_WORDS)
    is_header = work.rows.select(word).to_series() & no_price
    is_blank = work.rows["time"].fill_null("").str.strip_chars() == ""
    what = (
        "further header lines and blank ones dropped"
        if (is_header & is_blank).any()
        else "further header lines dropped"
    )
    work.report("extra header", what, work.rows.filter(is_header))
    work.rows = work.rows.filter(~is_header)


def _drop_footers(work: FileRows) -> None:
    """Lines behind the data that hold no prices: totals, notes of whoever made the file."""
    if work.rows.schema["time"] != pl.String:
        return
    prices = [pl.col(name).cast(pl.Float64, strict=False).is_null() for name in OHLCV[:4]]
    digits = pl.col("time").fill_null("").str.count_matches(r"\d")
    is_note = work.rows.select(pl.all_horizontal(*prices) & (digits < _N_DIGITS)).to_series()
    n = int((~is_note.reverse()).arg_max() or 0) if not is_note.all() else 0
    if n:
        notes = work.rows[-n:]
        work.report("footer", f"lines behind the data, such as {notes['time'][0] or ''!r}, dropped", notes)
        work.rows = work.rows[:-n]


def _settle_symbols(work: FileRows) -> None:
    """Names without the blanks around them; a row without one belongs to nobody, and is refused beside others."""
    if "symbol" not in work.rows.columns:
        return
    names = work.rows["symbol"].cast(pl.String).str.strip_chars()
    names = names.set(names.is_in(_NOBODY), None)
    if names.null_count() == len(names):
        sentence = f"column symbol is empty in all {len(names):,} rows and was left out"
        work.repairs.append(Repair("incomplete column", len(names), (), sentence))
        work.rows = work.rows.drop("symbol")
        return
    if names.null_count():
        work.refuse("no symbol", work.rows.filter(names.is_null()), "fill it in, or drop these rows")
    written = names.unique(maintain_order=True).to_list()
    alike = {name.upper(): name for name in written}
    if len(alike) < len(written):
        other = next(name for name in written if alike[name.upper()] != name)
        what = f"symbols {other} and {alike[other.upper()]} differ by case alone"
        work.refuse(what, work.rows.filter(names == alike[other.upper()]), "write each in one way")
    work.rows = work.rows.with_columns(names.alias("symbol"))


def _settle_times(work: FileRows) -> None:
    times = read_times(work.rows["time"], work.source, work.span)
    if times.ms.null_count():
        work.refuse("no time", work.rows.filter(times.ms.is_null()), "mend or drop them")
    work.repairs += times.repairs
    ms = times.ms
    if work.tz and times.is_local is not None:
        groups = work.rows["symbol"] if "symbol" in work.rows.columns else None
        ms, told = in_zone(ms, times.is_local, work.tz, groups, work.source)
        work.repairs += told
    work.rows = work.rows.with_columns(ms.alias("ts"))


def _settle_numbers(work: FileRows) -> None:
    """Text to numbers; a cell that is no number is refused, an optional column with empty cells is left out."""
    numbers = [name for name in (*OHLCV, *OPTIONAL) if name in work.rows.columns]
    cast = work.rows.with_columns(pl.col(numbers).cast(pl.Float64, strict=False))
    for name in numbers:
        lost = cast[name].is_null()
        if name in OPTIONAL and lost.any():
            work.repairs.append(incomplete_column(name, int(lost.sum()), len(cast)))
            cast = cast.drop(name)
        elif lost.any():
            found = work.rows.filter(lost)
            work.refuse(f"no number in {name}, such as {found[name][0]!r},", found, "mend or drop them")
    work.rows = cast


def _settle_order(work: FileRows) -> None:
    is_pooled = "symbol" in work.rows.columns and work.rows["symbol"].n_unique() > 1
    groups = work.rows.partition_by("symbol", maintain_order=True) if is_pooled else [work.rows]
    n_back = sum(int((group["ts"].diff() < 0).sum()) for group in groups)
    work.newest_first = n_back > 0.5 * len(work.rows)
    if work.newest_first:
        work.report("descending order", "newest first, put in ascending order", work.rows)
    elif n_back:
        late = pl.concat([group.filter(pl.col("ts") < pl.col("ts").cum_max()) for group in groups])
        work.report("disorder", "out of order, sorted in", late)
    if n_back or is_pooled:
        work.rows = pl.concat([group.sort("ts", maintain_order=True) for group in groups])


def _groups(work: FileRows) -> list[pl.DataFrame]:
    """The rows of each symbol."""
    return work.rows.partition_by("symbol", maintain_order=True) if "symbol" in work.rows.columns else [work.rows]


def _step(work: FileRows) -> int | None:
    """The commonest step between the neighbours of a symbol, ms; None where there are none."""
    steps = np.concatenate([np.diff(group["ts"].to_numpy()) for group in _groups(work)])
    return commonest_step(steps) if (steps > 0).any() else None


def _refuse_local(work: FileRows) -> None:
    """Times whose skipped and repeated hours show that they are local are refused; a single sign is told."""
    step = _step(work)
    if work.tz or step is None:
        return
    for group in _groups(work):
        if signs := local_signs(group["ts"].to_numpy(), step, work.source):
            work.repairs += signs
            return


def _settle_stamps(work: FileRows) -> None:
    """Stamps that are closes become the opens of their bars, or are refused where they may be either."""
    ts, step = work.rows["ts"].to_numpy(), _step(work)
    closing = closing_stamps(ts, step or DAY_MS)
    if closing is None:
        return
    stamped = work.rows.filter(pl.Series(closing.rows))
    example = f"{from_ms(int(stamped['ts'][0])):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    if step is None or not closing.is_certain:
        what = f"times such as {example} may be closes of bars, or their opens"
        work.refuse(what, stamped, "say which with a column open_time that holds the opens")
    opens = closing.opens(ts, step)
    work.rows = work.rows.with_columns(ts=pl.Series(opens))
    what = f"times such as {example} are closes; read as the opens, {format_step(step)} earlier"
    work.report("closing stamps", what, work.rows.filter(pl.Series(closing.rows)))


def _refuse_other_intervals(work: FileRows) -> None:
    step = _step(work)
    if step is None:
        return
    for group in _groups(work):
        ts, first = _unique(group["ts"].to_numpy())
        for stretch in other_intervals(ts, step):
            rows = group[first[stretch.first : stretch.last + 1].tolist()]
            what = (
                f"the interval changes, rows {format_step(stretch.step_ms)} apart where most are {format_step(step)} "
                f"apart, up to {stamp(int(ts[stretch.last]))}"
            )
            work.refuse(what, rows, "split the file where its interval changes, or resample one part")


def _unique(ts: IntArray) -> tuple[IntArray, IntArray]:
    """Sorted times, each once, and the row where each is first."""
    is_new = np.append(True, np.diff(ts) > 0)
    return ts[is_new], np.flatnonzero(is_new)


def _drop_open(work: FileRows) -> None:
    step = _step(work)
    if step is None:
        return
    is_open = pl.col("ts") + step > work.span.end
    what = f"last bar still open at {stamp(work.span.end // 60_000 * 60_000)}, dropped"
    work.report("open bar", what, work.rows.filter(is_open))
    work.rows = work.rows.filter(~is_open)


def _drop_off_grid(work: FileRows) -> None:
    ts = work.rows["ts"].to_numpy()
    if len(ts) < 3:
        return
    off = off_grid(ts, commonest_step(np.diff(ts)))
    if off.mean() > MAX_OFF_GRID:
        raise DataError(
            f"{work.source}: {off.sum():,} of {len(off):,} rows are off any common grid, wanted bars of one interval; "
            "resample the file, or split it where its interval or its time zone changes"
        )
    if off.any():
        work.report("off-grid", "off-grid rows, snapshots between bars, dropped", work.rows.filter(off))
        work.rows = work.rows.filter(~off)
