"""One closed bar, the checks that it is possible and the next one, and what people have instead of it."""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from tradsys.core.bars import OHLCV, OPTIONAL, to_arrays
from tradsys.core.column_names import ANY_TIME, NAMES, OPENS, named, plain
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.frames import as_bars
from tradsys.core.outside import outside_columns, starts_outside
from tradsys.core.tables import Table, is_pandas, is_table
from tradsys.core.time import from_ms, stamp, to_ms
from tradsys.core.utc_times import epoch_ms, tell_no_zone

_TIMES: Final = (*OPENS, *ANY_TIME, "t")


class Bar(NamedTuple):
    """A closed bar: `ts` is its open in milliseconds since 1970, UTC.

    `outside` holds by name what only some bars carry: columns from outside, and optional ones of a venue.
    """

    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    outside: Mapping[str, float] = {}


type HeldBar = Bar | Mapping[str, Any] | Table
"""A bar, a dictionary of its columns, a row of pandas or a frame of one row."""


def check_bar(bar: Bar) -> None:
    """A DataError for a bar that cannot be."""
    _, open_, high, low, close, volume, _ = bar
    is_possible = 0.0 < low <= open_ <= high and low <= close <= high and high < math.inf
    if not (is_possible and 0.0 <= volume < math.inf):
        raise DataError(
            f"wanted finite prices 0 < low <= open, close <= high and a volume of at least 0, found open {open_}, "
            f"high {high}, low {low}, close {close}, volume {volume} at {stamp(bar.ts)}; ask the venue for it again"
        )


def check_order(ts: int, last_ts: int, step_ms: int, *, after_gap: bool) -> None:
    """A DataError for a bar that is not the next one: repeated, out of order, off the grid, or after a gap."""
    passed = ts - last_ts
    if passed == step_ms:
        return
    if passed <= 0:
        raise DataError(
            f"bars come in order, each once; wanted the bar of {stamp(last_ts + step_ms)}, found that of {stamp(ts)} "
            f"again or too late, after {stamp(last_ts)}; drop it"
        )
    if passed % step_ms:
        raise DataError(
            f"wanted the bar of {stamp(last_ts + step_ms)}, found one of {stamp(ts)}, off the grid of "
            f"{step_ms / 1e3:g} s; only closed bars of this interval belong here"
        )
    if not after_gap:
        raise DataError(
            f"wanted the bar of {stamp(last_ts + step_ms)}, found that of {stamp(ts)}: {passed // step_ms - 1} bars "
            "are missing; load them and step through each, or say after_gap=True if the venue has none"
        )


def as_bar(held: HeldBar, symbol: str = "") -> Bar:
    """The bar that somebody holds as a dictionary, as a row of pandas or as a frame of one row.

    Names are known in any case, times are datetimes or numbers since 1970. A ConfigError names keys that are missing or
    that no bar has, and what was found instead of a bar; a DataError refuses the bar of another symbol than `symbol`,
    where both have a name.
    """
    if type(held) is Bar:
        return held
    if is_pandas(held, "Series"):
        held = _row_of_pandas(held)
    if is_table(held):
        return _only_bar(as_bars(held, "a step"), symbol)  # type: ignore[arg-type]  # what is_table says
    if not isinstance(held, Mapping):
        shown = repr(held)
        raise ConfigError(
            f"a step takes a Bar, or a dictionary of ts, {', '.join(OHLCV)}, found {type(held).__name__} "
            f"{shown if len(shown) <= 60 else shown[:57] + '...'}; a row of six numbers is Bar(*row)"
        )
    return _bar_of(held, symbol)


def bars_of(frame: pl.DataFrame) -> list[Bar]:
    """One symbol's frame as bars, oldest first."""
    arrays, names = to_arrays(frame), (*(o for o in OPTIONAL if o in frame.columns), *outside_columns(frame))
    outside = [dict(zip(names, row, strict=True)) for row in frame.select(names).iter_rows()] if names else []
    fields = (getattr(arrays, name).tolist() for name in ("ts", *OHLCV))
    return [Bar(*bar, *outside[i : i + 1]) for i, bar in enumerate(zip(*fields, strict=True))]


def _bar_of(held: Mapping[str, Any], symbol: str) -> Bar:
    ours: dict[str, Any] = {}
    unknown = []
    for key, value in held.items():
        name = _name_of(str(key))
        if name is None:
            unknown.append(str(key))
        elif name in ours:
            raise ConfigError(f"a bar has one {name}, found another one in {key!r}; leave one of them out")
        else:
            ours[name] = value
    missing = [name for name in ("ts", *OHLCV) if name not in ours]
    if missing or unknown:
        what = [f"lacks {', '.join(missing)}"] if missing else []
        what += [f"has {', '.join(map(repr, unknown))}, which no bar has"] if unknown else []
        raise ConfigError(
            f"a bar is a dictionary of ts, {', '.join(OHLCV)} and columns from outside; this one {' and '.join(what)}"
        )
    _refuse_other(ours.get("symbol"), symbol)
    outside = {name: _number(name, value) for name, value in ours.items() if name in OPTIONAL or starts_outside(name)}
    open_, high, low, close, volume = (_number(name, ours[name]) for name in OHLCV)
    return Bar(_open(ours["ts"]), open_, high, low, close, volume, {**outside, **ours.get("outside", {})})


def _name_of(key: str) -> str | None:
    """Our name for a key of a bar, None for one that no bar has."""
    if key == "outside" or starts_outside(key):
        return key
    name = plain(key)
    if named([name], _TIMES) is not None:
        return "ts"
    return next((ours for ours, aliases in NAMES.items() if name in aliases), None)


def _refuse_other(found: object, symbol: str) -> None:
    if found is not None and symbol and str(found) != symbol:
        raise DataError(
            f"wanted a bar of {symbol}, which this predictor follows, found one of {found}; make one for each"
        )


def _open(when: object) -> int:
    """Milliseconds of a time, however it is held."""
    number = _plain_number(when)
    ms = None if number is None else epoch_ms(number)
    if ms is not None:
        return ms
    if isinstance(when, np.datetime64) and not np.isnat(when):
        when = from_ms(int(when.astype("datetime64[ms]").astype(np.int64))).replace(tzinfo=None)
    if isinstance(when, date) and when == when:  # pandas' missing time does not equal itself
        moment = when if isinstance(when, datetime) else datetime.combine(when, time.min)
        if moment.tzinfo is None:
            tell_no_zone("a step", "ts")
            moment = moment.replace(tzinfo=UTC)
        return int(to_ms(moment))
    raise ConfigError(
        f"a bar's ts is when it opens, as a datetime or s, ms, us or ns since 1970, found {when!r}; convert it"
    )


def _number(name: str, value: object) -> float:
    number = _plain_number(value)
    if number is None:
        raise ConfigError(f"{name} of a bar is a number, found {value!r}; convert it, as float({name})")
    return number


def _plain_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | np.integer | np.floating):
        return None
    return value if isinstance(value, int) else float(value)


def _row_of_pandas(row: Any) -> dict[str, Any]:
    """A row that was taken out of a frame: its name is the time, where it has no other."""
    cells = {(key if isinstance(key, str) else str(key)): value for key, value in row.items()}
    has_time = any(named([plain(key)], _TIMES) is not None for key in cells)
    return cells if has_time or not isinstance(row.name, date | datetime) else {"ts": row.name, **cells}


def _only_bar(frame: pl.DataFrame, symbol: str) -> Bar:
    if len(frame) != 1:
        raise ConfigError(f"a step takes one bar, found a frame of {len(frame)}; give frame.tail(1), or warm with all")
    if "symbol" in frame.columns:
        _refuse_other(frame["symbol"][0], symbol)
    return bars_of(frame)[0]
