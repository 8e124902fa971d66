"""Which column of a file says when its bars open: one that is named so, before one that may be anything."""

from collections.abc import Mapping

import polars as pl

from tradsys.core.errors import DataError
from tradsys.data.repairs import Repair

_OPENS = (
    "opentime",
    "timeperiodstart",
    "periodstart",
    "barstart",
    "candlebegintime",
    "starttime",
    "start",
    "timeopen",
    "opentimestamp",
)
"""Names of opens; CoinAPI's `time_open` is the first trade's, and stands beside the period's start."""
_CLOSES = ("closetime", "timeperiodend", "periodend", "barend", "endtime", "end", "timeclose", "closetimestamp")
_ANY = ("ts", "timestamp", "unix", "unixtimestamp", "datetime", "date", "time", "gmttime")
_LAST = ("t", "localtime", "index", "indexlevel0", "unnamed0", "")


def time_column(plain: Mapping[str, str]) -> str | None:
    """The name among plain ones that holds the opens, None where no name is a time's."""
    return next((found for known in (_OPENS, _ANY, _LAST) if (found := _named(plain, known)) is not None), None)


def told_times(table: pl.DataFrame, plain: Mapping[str, str], source: str) -> tuple[Repair, ...]:
    """A note where a column of opens was taken before another time; a DataError where the only times are the closes."""
    opens, other, closes = (_named(plain, known) for known in (_OPENS, _ANY, _CLOSES))
    if opens is not None and other is not None:
        sentence = f"the opens are those of {plain[opens]}; {plain[other]} was left out"
        return (Repair("two times", len(table), (), sentence, changed=False),)
    if opens is None and other is not None and closes is not None:
        either, close = table[plain[other]], table[plain[closes]]
        if either.dtype == close.dtype and either.equals(close):
            raise DataError(
                f"{source}: {plain[other]} equals {plain[closes]}, so it is when the bars close, wanted their opens; "
                "add a column open_time"
            )
    return ()


def _named(plain: Mapping[str, str], known: tuple[str, ...]) -> str | None:
    joined = {name.replace("_", ""): name for name in reversed(list(plain))}
    return next((joined[name] for name in known if name in joined), None)
