"""Which columns of a table are those of bars, known by their names or by what was said of them."""

import re
from collections.abc import Collection, Mapping

import polars as pl

from tradsys.core.bars import OHLCV, OPTIONAL
from tradsys.core.column_names import NAMES, time_column
from tradsys.core.column_names import plain as plain_name
from tradsys.core.defects import ROW
from tradsys.core.errors import DataError
from tradsys.data.decimals import with_points
from tradsys.data.headless import is_headless, with_names
from tradsys.data.levels import one_level
from tradsys.data.reading import Reading
from tradsys.data.repairs import Repair
from tradsys.data.time_columns import told_times

NO_VOLUME = ("volume", "none")
"""What is said of a file that has no column of volume."""
_QUOTES = ("usdt", "usdc", "busd", "usd", "eur", "gbp", "jpy", "krw", "try", "tusd", "fdusd")


def recognise(
    table: pl.DataFrame, source: str, reading: Reading = Reading()
) -> tuple[pl.DataFrame, tuple[Repair, ...]]:
    """The table's bar columns under their names here, and what is to be told of them; anything else is left out.

    `time` holds the opens, still as found. What `reading` says of columns goes before their names.
    """
    table, levels = one_level(table)
    given, said_none = _given(table, source, reading), (NO_VOLUME in reading.columns)
    headless: tuple[Repair, ...] = ()
    if is_headless(table) and not given:
        pointed, points = with_points(table, table.columns[2:], source)  # behind the row's place and its time
        table, headless = with_names(pointed, source)
        headless += points
    plain = {plain_name(name): name for name in reversed(table.columns) if name != ROW}
    chosen = _chosen(plain)
    if said_none:
        chosen.pop("volume", None)
    missing = [name for name in ("time", *OHLCV) if name not in chosen and name not in given]
    if missing == ["volume"] and (said_none or _is_text(table)):
        missing = []
    if missing:
        found_columns = ", ".join(repr(name) for name in table.columns[1:11]) + (" ..." if table.width > 11 else "")
        raise DataError(
            f"{source} holds no bars: wanted columns for time, open, high, low, close and volume, found none for "
            f"{', '.join(missing)} among {found_columns}; rename the columns, say what they are (--columns close=Last"
            f"{', volume=none where there is none' if 'volume' in missing else ''}), or give a file of bars"
        )
    by_name = {ours: plain[name] for ours, name in chosen.items()} | given
    _refuse_doubles(table, {theirs for ours, theirs in by_name.items() if ours not in given}, source)
    if (
        "time" not in given
        and chosen["time"] == "date"
        and "time" in plain
        and table.schema[plain["time"]] == pl.String
    ):
        day, clock = pl.col(plain["date"]), pl.col(plain["time"])
        table = table.with_columns((day + " " + clock).alias(plain["date"]))  # MetaTrader keeps them apart
    by_name, volume = _with_volume(table, plain, by_name, given)
    named = table.select(ROW, *(pl.col(theirs).alias(ours) for ours, theirs in by_name.items()))
    named = _of_plain_types(named, source)
    if "volume" not in by_name:  # text alone, or where it was said: typed columns without one are most often an index
        named = named.with_columns(volume=pl.lit(0.0))
    named, points = with_points(named, [name for name in (*OHLCV, *OPTIONAL) if name in named.columns], source)
    times = () if "time" in given else told_times(table, plain, source)
    return reading.take(named, source), (*levels, *headless, *times, *volume, *points)


def _of_plain_types(table: pl.DataFrame, source: str) -> pl.DataFrame:
    """Numbers and text as they are, categories as text; a DataError names a column of anything else."""
    categories = [name for name, dtype in table.schema.items() if dtype in (pl.Categorical, pl.Enum)]
    table = table.with_columns(pl.col(categories).cast(pl.String))
    for name, dtype in table.schema.items():
        if name in ("time", ROW) or dtype.is_numeric() or dtype in (pl.String, pl.Null):
            continue
        wanted = "names" if name == "symbol" else "numbers"
        raise DataError(f"{source}: column {name} holds {dtype}, wanted {wanted}; convert it")
    return table


def _chosen(plain: Mapping[str, str]) -> dict[str, str]:
    """Which plain name stands for which of ours."""
    chosen = {}
    if (time := time_column(plain)) is not None:
        chosen["time"] = time
    for name, aliases in NAMES.items():
        found = next((alias for alias in aliases if alias in plain), None)
        if found is not None:
            chosen[name] = found
    return chosen | _volumes_by_currency(plain, chosen)


def _given(table: pl.DataFrame, source: str, reading: Reading) -> dict[str, str]:
    """Columns by what they were said to be; a DataError names those that are not there."""
    said = [pair for pair in reading.columns if pair != NO_VOLUME]
    by_plain = {plain_name(name): name for name in reversed(table.columns) if name != ROW}
    found = {ours: theirs if theirs in table.columns else by_plain.get(plain_name(theirs), "") for ours, theirs in said}
    absent = [theirs for ours, theirs in said if not found[ours]]
    if absent:
        there = ", ".join(repr(name) for name in table.columns[1:])
        raise DataError(f"{source} has no column {', '.join(map(repr, absent))}; it holds {there}")
    return found


def _is_text(table: pl.DataFrame) -> bool:
    return all(dtype == pl.String for name, dtype in table.schema.items() if name != ROW)


def _with_volume(
    table: pl.DataFrame, plain: Mapping[str, str], by_name: dict[str, str], given: Mapping[str, str]
) -> tuple[dict[str, str], tuple[Repair, ...]]:
    """The columns with one of volume that says something, where there is one."""
    if "volume" in given:
        return by_name, ()
    if "volume" not in by_name:
        sentence = "no column of volume: it is 0 in every bar, and what is computed from it says nothing"
        return by_name, (Repair("no volume", len(table), (), sentence, changed=False),)
    others = [plain[alias] for alias in NAMES["volume"] if alias in plain and plain[alias] != by_name["volume"]]
    if not others or not _is_zero(table[by_name["volume"]]):
        return by_name, ()
    other = next((name for name in others if not _is_zero(table[name])), None)
    if other is None:
        return by_name, ()
    sentence = f"column {by_name['volume']} is 0 in every row; the volume is that of {other}"
    return by_name | {"volume": other}, (Repair("two volumes", len(table), (), sentence, changed=False),)


def _is_zero(column: pl.Series) -> bool:
    return bool((column.cast(pl.Float64, strict=False).fill_null(0.0) == 0.0).all())


def _refuse_doubles(table: pl.DataFrame, used: Collection[str], source: str) -> None:
    """A DataError where a column that is used has another one of its name beside it that says something else."""
    for name in sorted(used):
        key = plain_name(name)
        for other in table.columns[1:]:
            same = plain_name(re.sub(r"_duplicated_\d+$", "", other)) == key
            if same and other != name and not table[other].equals(table[name], check_names=False):
                raise DataError(
                    f"{source} has two columns that are called {name}, and they differ; name one of them otherwise, or "
                    "leave one out"
                )


def _volumes_by_currency(plain: Mapping[str, str], chosen: Mapping[str, str]) -> dict[str, str]:
    """`Volume BTC` and `Volume USDT`: the quote currency is the one that is money."""
    priced = [name for name in plain if re.fullmatch(r"volume_[a-z0-9]{2,8}", name) and name not in chosen.values()]
    quote = [name for name in priced if name.removeprefix("volume_") in _QUOTES]
    base = [name for name in priced if name not in quote]
    named = {}
    if "volume" not in chosen and len(base) == 1:
        named["volume"] = base[0]
    if "quote_volume" not in chosen and len(quote) == 1:
        named["quote_volume"] = quote[0]
    return named
