"""Bars as people hold them, made our frame: the seam that every public function with bars goes through."""

from collections.abc import Mapping, Sequence

import polars as pl

from tradsys.core.column_names import ANY_TIME, CLOSES, NAMES, OHLCV, OPENS, OPTIONAL, named, plain, time_column
from tradsys.core.defects import find_defects, refuse
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.tables import Table, as_table, is_column, is_table
from tradsys.core.told import tell
from tradsys.core.utc_times import utc_times

type HeldBars = Table | Sequence[Table] | Mapping[str, Table]
"""Bars of one or several symbols: a frame, a list of frames with a column `symbol` each, or frames by their symbol."""

_OURS = frozenset(("ts", *OHLCV))


def as_bars(held: HeldBars, wanted_by: str) -> pl.DataFrame:
    """Our frame of these bars; a frame that has our names and times in UTC is that frame itself.

    Columns are known by their names in any case; `ts` comes from a column of times or from an index of them, in
    whatever zone, and times without a zone are taken as UTC and told. Several frames become one with a column `symbol`.
    Other columns stay as they are. A DataError names a column that is missing, and rows that cannot be where the frame
    was not ours; a ConfigError says what was found instead of bars. `wanted_by` says who asked.
    """
    if isinstance(held, pl.DataFrame) and _OURS.issubset(held.columns):
        times = held.get_column("ts")
        is_utc = isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone == "UTC"
        if is_utc and not times.null_count():
            return held
        if times.dtype.is_temporal():
            return _checked(held.with_columns(utc_times(times, wanted_by)), wanted_by)
        return held  # for validate_bars to name
    if isinstance(held, pl.LazyFrame):
        return as_bars(as_table(held, wanted_by), wanted_by)
    if isinstance(held, Mapping) and held and all(map(is_table, held.values())):
        frames = [named_symbol(symbol, as_bars(frame, wanted_by)) for symbol, frame in held.items()]
        return frames[0] if len(frames) == 1 else pooled(frames, wanted_by)
    if isinstance(held, list | tuple) and held and all(map(is_table, held)):
        frames = [as_bars(frame, wanted_by) for frame in held]
        return frames[0] if len(frames) == 1 else pooled(frames, wanted_by)
    return _checked(_renamed(as_table(held, wanted_by), wanted_by), wanted_by)


def as_frames(held: HeldBars, wanted_by: str) -> list[pl.DataFrame]:
    """One of our frames a symbol: of a frame alone, of several, or of frames by their symbol."""
    if is_table(held) or is_column(held) or isinstance(held, str | bytes) or not hasattr(held, "__iter__"):
        return [as_bars(held, wanted_by)]
    several = held.values() if isinstance(held, Mapping) else held
    return [as_bars(frame, wanted_by) for frame in several]  # type: ignore[arg-type]  # a frame alone is gone


def as_market(held: Mapping[str, Table], wanted_by: str) -> dict[str, pl.DataFrame]:
    """Frames by their symbol; a ConfigError for frames that do not say whose they are."""
    if not isinstance(held, Mapping) or not all(map(is_table, held.values())):
        raise ConfigError(
            f"{wanted_by} takes frames by their symbol, as {{'BTC': bars}}, found {type(held).__name__}; "
            "tradsys.core.bars.split_symbols makes them of pooled bars"
        )
    return {symbol: as_bars(frame, wanted_by) for symbol, frame in held.items()}


def pooled(frames: Sequence[pl.DataFrame], wanted_by: str) -> pl.DataFrame:
    """Frames that each name their symbols, one below the other with the columns that all of them have."""
    unnamed = [i for i, frame in enumerate(frames) if "symbol" not in frame.columns]
    if unnamed:
        raise DataError(
            f"{wanted_by} found {len(frames)} frames, wanted a column symbol in each to say whose bars they are, found "
            f"none in that at {unnamed[0]}; add it, or give them by symbol, as {{'BTC': frame}}"
        )
    owner: dict[str, int] = {}
    for i, frame in enumerate(frames):
        for symbol in frame["symbol"].unique(maintain_order=True).to_list():
            if owner.setdefault(symbol, i) != i:
                raise DataError(
                    f"{wanted_by} wants each symbol in one frame, found {symbol} in those at {owner[symbol]} and {i}; "
                    "join them, or name them apart"
                )
    shared = [name for name in frames[0].columns if all(name in frame.columns for frame in frames)]
    return pl.concat([frame.select(shared) for frame in frames], how="vertical_relaxed")


def _checked(bars: pl.DataFrame, wanted_by: str) -> pl.DataFrame:
    """The bars that were made of another frame, or a DataError that names their defects, closing stamps among them."""
    checked, defects = find_defects(bars)
    refuse(
        defects,
        f"bars for {wanted_by} are refused",
        "mend or drop these rows; load_bars(frame) mends what it safely can",
    )
    return checked


def named_symbol(symbol: str, bars: pl.DataFrame) -> pl.DataFrame:
    """The bars with the symbol that they were given under."""
    others = [] if "symbol" not in bars.columns else bars["symbol"].unique(maintain_order=True).to_list()
    if others not in ([], [symbol]):
        raise DataError(
            f"the frame given as {symbol!r} says that it holds {', '.join(map(str, others))}; give it as that"
        )
    return bars.select(pl.lit(str(symbol)).alias("symbol"), pl.all().exclude("symbol"))


def _renamed(table: pl.DataFrame, wanted_by: str) -> pl.DataFrame:
    """The table with our names for the columns that are bars' own."""
    by_plain: dict[str, list[str]] = {}
    for name in table.columns:
        by_plain.setdefault(plain(name), []).append(name)
    chosen = {"ts": _time(table, by_plain, wanted_by)} | {
        ours: _one(by_plain[alias], ours, wanted_by)
        for ours, aliases in NAMES.items()
        if (alias := next((alias for alias in aliases if alias in by_plain), None)) is not None
    }
    missing = [name for name in ("ts", *OHLCV) if not chosen.get(name)]
    if missing:
        found = ", ".join(map(repr, table.columns[:10])) + (" ..." if table.width > 10 else "")
        raise DataError(
            f"{wanted_by} wants bars with a time, open, high, low, close and volume: no column {', '.join(missing)}; "
            f"found {found or 'no columns'}; rename the columns, or add what is missing"
        )
    bars = table.select(
        utc_times(table[chosen["ts"]], wanted_by).alias("ts"),
        *(pl.col(theirs).alias(ours) for ours, theirs in chosen.items() if ours != "ts"),
        *(
            name
            for name in table.columns
            if name not in chosen.values() and name not in ("ts", "symbol", *OHLCV, *OPTIONAL)
        ),
    )
    return _with_symbol(bars, wanted_by) if "symbol" in chosen else bars


def _with_symbol(bars: pl.DataFrame, wanted_by: str) -> pl.DataFrame:
    """The bars with their symbol as text; without a column that is empty, and refused where some cells are."""
    n_empty = bars["symbol"].null_count()
    if n_empty == len(bars):
        return bars.drop("symbol")
    if n_empty:
        raise DataError(f"{wanted_by} wants a symbol in every row or none, found {n_empty:,} rows without; fill it in")
    return bars.with_columns(pl.col("symbol").cast(pl.String))


def _time(table: pl.DataFrame, by_plain: Mapping[str, list[str]], wanted_by: str) -> str:
    """The column of the opens, "" where there is none; a DataError for one that holds the closes."""
    found = time_column(by_plain)
    if found is None:
        return ""
    name = _one(by_plain[found], "ts", wanted_by)
    closes, other = named(by_plain, CLOSES), named(by_plain, ANY_TIME)
    if named([found], OPENS) is not None:
        if other is not None:
            tell(f"{wanted_by}: the opens are those of {name!r}; {by_plain[other][0]!r} was left out")
    elif closes is not None and table[name].equals(table[by_plain[closes][0]]):
        raise DataError(
            f"{wanted_by} wants when bars open, found that {name!r} equals {by_plain[closes][0]!r}, when they close; "
            "add a column open_time"
        )
    return name


def _one(names: Sequence[str], ours: str, wanted_by: str) -> str:
    if len(names) > 1 and ours not in names:
        raise DataError(f"{wanted_by} wants one column {ours}, found {', '.join(map(repr, names))}; drop all but one")
    return ours if ours in names else names[0]
