"""What is to be told of the times of a file: of two columns of them, and of one that holds the closes."""

from collections.abc import Mapping

import polars as pl

from tradsys.core.column_names import ANY_TIME, CLOSES, OPENS, named
from tradsys.core.errors import DataError
from tradsys.data.repairs import Repair


def told_times(table: pl.DataFrame, plain: Mapping[str, str], source: str) -> tuple[Repair, ...]:
    """A note where a column of opens was taken before another time; a DataError where the only times are the closes."""
    opens, other, closes = (named(plain, known) for known in (OPENS, ANY_TIME, CLOSES))
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
