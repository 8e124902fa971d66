"""Times in every shape that files keep them in, settled to milliseconds UTC row by row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from tradsys.core.errors import DataError
from tradsys.core.time import from_ms
from tradsys.core.utc_times import EPOCH_UNITS
from tradsys.data.repairs import Repair
from tradsys.data.span import TimeSpan

_WRITTEN = (
    (r"^(\d{4})[./](\d{1,2})[./](\d{1,2})", "$1-$2-$3"),
    (r"^(\d{4}-\d{1,2}-\d{1,2}|\d{8})[T_](\d)", "$1 $2"),
    (r" (\d{1,2})-([AP]M)$", " $1:00 $2"),
    (r"(?i)(\d)\s*([ap])\.?m\.?$", "$1 ${2}M"),
    (r"(\d) aM$", "$1 AM"),
    (r"(\d) pM$", "$1 PM"),
    (r"^(.* )(\d):", "${1}0$2:"),
    (r"\s*(Z|UTC|GMT)$", "+00:00"),
    (r"\s*(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})$", "$1$2:$3"),
    (r"(\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?|\d{8} \d{6})\s*(?:UTC|GMT)?([+-])(\d{2})$", "$1$2$3:00"),
    (r"\s*(?:UTC|GMT)([+-])(\d)$", "${1}0$2:00"),
)
"""Ways of writing one time, each made that of the formats below, in this order."""
_WITH_OFFSET = (
    "%Y-%m-%d %H:%M:%S%.f%:z",
    "%Y-%m-%d %H:%M%:z",
    "%d.%m.%Y %H:%M:%S%.f%:z",
    "%d.%m.%Y %H:%M%:z",
    "%Y%m%d %H%M%S%:z",
)
_NAIVE = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y%m%d",
    "%Y%m%d %H%M%S",
    "%Y%m%d %H%M",
    "%Y%m%d %H:%M:%S%.f",
    "%Y%m%d %H:%M",
    "%Y-%m-%d %I:%M %p",
    "%Y-%m-%d %I:%M:%S %p",
    "%d.%m.%Y %H:%M:%S%.f",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d.%m.%Y %I:%M:%S %p",
    "%d.%m.%Y %I:%M %p",
    "%b %d, %Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %b %Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
)
_N_USUAL = 3
_STAGES = (
    ((), (), _NAIVE[:_N_USUAL]),
    (
        ((r"^(\d{4}-\d{2}-\d{2})T", "$1 "), (r"Z$", "+00:00"), (r"([+-]\d{2})(\d{2})$", "$1:$2")),
        _WITH_OFFSET[:2],
        _NAIVE[:_N_USUAL],
    ),
    (_WRITTEN, _WITH_OFFSET, _NAIVE),
)
"""What is rewritten and tried, with and without an offset: what nearly every file has first, since it is quicker."""
_DIGITS = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S", 17: "%Y%m%d%H%M%S%3f"}
"""Whole numbers that are a calendar's digits, by their length."""
_UNIT_MS = {"ms": 1, "us": 1_000, "ns": 1_000_000}


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds since 1970 a row (Int64, null where there is none), and what had to be settled to get them.

    `is_local` (n,) marks the rows whose times name no zone and were read as if in UTC.
    """

    ms: pl.Series
    repairs: tuple[Repair, ...] = ()
    is_local: pl.Series | None = None

    def named_local(self, is_local: pl.Series | bool) -> "Times":
        """The same with the rows whose times name no zone: all, none or those of a mask."""
        mask = pl.repeat(is_local, len(self.ms), eager=True) if isinstance(is_local, bool) else is_local
        return replace(self, is_local=mask)


def settle_times(column: pl.Series, source: str) -> Times:
    """Milliseconds UTC of times between 1980 and now, as `read_times` reads them."""
    span = TimeSpan()
    times = read_times(column, source, span)
    span.refuse_beyond(times.ms, column, source)
    return times


def read_times(column: pl.Series, source: str, span: TimeSpan) -> Times:
    """Milliseconds UTC from datetimes, dates, epoch numbers in s, ms, us or ns (also mixed), calendar digits, or text.

    The span says which numbers may be a calendar's; times beyond it are not refused here.
    """
    dtype = column.dtype
    if dtype == pl.Date:
        return Times(column.cast(pl.Datetime("ms")).dt.epoch("ms")).named_local(True)
    if isinstance(dtype, pl.Datetime):
        return Times(column.cast(pl.Int64) // _UNIT_MS[dtype.time_unit]).named_local(dtype.time_zone is None)
    if dtype.is_numeric():
        return _from_digits(column, span) or _from_numbers(column, source).named_local(False)
    if dtype in (pl.String, pl.Categorical):
        return _from_text(column.cast(pl.String).str.strip_chars(), source, span)
    raise DataError(f"{source}: times of type {dtype} are not understood; wanted datetimes, epoch numbers or text")


def _from_digits(column: pl.Series, span: TimeSpan) -> Times | None:
    """Calendar digits such as 20240301 or 2024030107, where every row has as many and is a time of the span.

    Ten digits are an epoch in seconds where that is of the span; of the other lengths no epoch is.
    """
    whole = column.cast(pl.Int64, strict=False).drop_nulls()
    n_digits = len(str(whole[0])) if len(whole) else 0
    if n_digits not in _DIGITS or len(whole) + column.null_count() != len(column):
        return None
    if n_digits == 10 and bool((whole * 1000 <= span.end).any()):
        return None
    text = column.cast(pl.Int64, strict=False).cast(pl.String)
    padded = text + ("00" if n_digits == 10 else "")  # an hour alone is no time to the parser
    fmt = _DIGITS[12] if n_digits == 10 else _DIGITS[n_digits]
    ms = padded.set(text.str.len_chars() != n_digits, None).str.strptime(pl.Datetime("ms"), fmt, strict=False)
    ms = ms.dt.epoch("ms")
    if ms.null_count() > column.null_count() or not ms.drop_nulls().is_between(span.first, span.end).all():
        return None
    if n_digits == 8:
        return Times(ms).named_local(True)
    example = f"{whole[0]} as {from_ms(int(ms.drop_nulls()[0])):%Y-%m-%d %H:%M:%S}"
    sentence = f"times are the digits of a calendar and were read so, {example}"
    return Times(ms, (Repair("calendar digits", len(whole), (), sentence, changed=False),)).named_local(True)


def _from_numbers(column: pl.Series, source: str) -> Times:
    for _, low, high, scale in EPOCH_UNITS:  # the usual case: whole numbers of one unit
        if column.dtype.is_integer() and not column.null_count() and bool(column.is_between(low, high, "left").all()):
            whole = column.cast(pl.Int64)
            return Times(whole * round(scale) if scale >= 1 else whole // round(1 / scale))
    frame = pl.DataFrame({"x": column})
    exact, size = pl.col("x"), pl.col("x").cast(pl.Float64)
    ms, unit = pl.lit(None, dtype=pl.Int64), pl.lit(None, dtype=pl.String)
    for name, low, high, scale in EPOCH_UNITS:
        inside = size.is_between(low, high, closed="left")
        if scale > 1:
            value = (size * scale).round().cast(pl.Int64, strict=False)
        else:
            value = exact.cast(pl.Int64, strict=False) // round(1 / scale)
        ms, unit = pl.when(inside).then(value).otherwise(ms), pl.when(inside).then(pl.lit(name)).otherwise(unit)
    settled = frame.select(ms=ms, unit=unit, x="x")
    _refuse_unread(settled["ms"], column, source)
    sentence = "times came in mixed epoch units ({}); each row was read by its size"
    return _told(settled["ms"], settled["unit"].drop_nulls(), "mixed time units", "in", sentence)


def _from_iso(column: pl.Series) -> Times | None:
    """Times that are all written as 2024-03-01T07:00:00Z, or all without the Z; many programs do, and this is quick."""
    row = column.is_not_null().arg_max()
    first = "" if row is None else column[row] or ""
    if first[10:11] != "T":
        return None
    is_zoned = first.endswith("Z")
    parsed = column.str.strptime(pl.Datetime("ms"), "%Y-%m-%dT%H:%M:%S%.f" + "Z" * is_zoned, strict=False)
    if parsed.null_count() > column.null_count():
        return None
    return Times(parsed.dt.epoch("ms")).named_local(not is_zoned)


def _from_text(column: pl.Series, source: str, span: TimeSpan) -> Times:
    if (times := _from_iso(column)) is not None:
        return times
    numbers = column.cast(pl.Float64, strict=False)
    if 2 * numbers.is_not_null().sum() > len(column) - column.null_count():
        words = column.is_not_null() & numbers.is_null()
        if words.any():
            _refuse_unread(numbers, column, source)
        whole = column.cast(pl.Int64, strict=False)
        exact = whole if whole.null_count() == column.null_count() else numbers
        digits = _from_digits(exact, span)
        if digits is not None or not ((numbers > 1.9e7) & (numbers < 2.2e7)).any():
            return digits or _from_numbers(exact, source).named_local(False)
    ms = pl.repeat(None, len(column), dtype=pl.Int64, eager=True)
    offsets = pl.repeat(None, len(column), dtype=pl.String, eager=True)
    for rewritten, with_offset, naive in _STAGES:
        clean = column.set(ms.is_not_null(), None)
        for pattern, written in rewritten:
            clean = clean.str.replace(pattern, written)
        has_offset = clean.str.contains(r"(?::\d{2}.*|\d{8} \d{6})[+-]\d{2}:\d{2}$").fill_null(False)
        for formats, rows in ((with_offset, has_offset), (naive, ~has_offset)):
            ms = _try_formats(ms, clean, rows, formats)
        offsets = offsets.zip_with(~(has_offset & ms.is_not_null()), clean.str.slice(-6))
        if ms.null_count() == column.null_count():
            break
    _refuse_unread(ms, column, source)
    sentence = "times came with mixed UTC offsets ({}); all are UTC now"
    told = _told(ms, offsets.drop_nulls(), "mixed offsets", "rows at", sentence)
    return told.named_local(offsets.is_null())


def _told(ms: pl.Series, marks: pl.Series, kind: str, link: str, sentence: str) -> Times:
    """The times, with a repair where their marks (units or offsets) differ: all but the commonest were settled."""
    counts = marks.value_counts(sort=True)
    if len(counts) < 2:
        return Times(ms)
    parts = ", ".join(f"{n:,} {link} {mark}" for mark, n in counts.iter_rows())
    rest = int(counts["count"].sum()) - int(counts["count"][0])
    return Times(ms, (Repair(kind, rest, (), sentence.format(parts)),))


def _try_formats(ms: pl.Series, text: pl.Series, rows: pl.Series, formats: Sequence[str]) -> pl.Series:
    """Rows not read yet, read by the first format that fits each."""
    for fmt in formats:
        open_rows = (rows & ms.is_null() & text.is_not_null()).fill_null(False)
        if not open_rows.any():
            break
        todo = text.set(~open_rows, None)
        zone = "UTC" if fmt.endswith("%:z") else None
        parsed = todo.str.strptime(pl.Datetime("ms", zone), fmt, strict=False)
        ms = ms.zip_with(ms.is_not_null(), parsed.dt.epoch("ms"))
    return ms


def _refuse_unread(ms: pl.Series, column: pl.Series, source: str) -> None:
    unread = (ms.is_null() & column.is_not_null()).arg_true()
    if len(unread):
        shown = ", ".join(f"{column[int(row)]!r}" for row in unread[:5])
        raise DataError(
            f"{source}: {len(unread):,} times cannot be read, such as {shown}; wanted epoch s, ms, us or ns since "
            "1980, or text like 2024-03-01 07:00:00+00:00 (03/01/2024 is ambiguous); convert the column"
        )
