"""Tables that people hold in memory, pandas' or Polars', eager or lazy, as one Polars frame."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final, Protocol

import numpy as np
import polars as pl

from tradsys.core.errors import ConfigError, DataError

_N_SHOWN: Final = 60


class PandasFrame(Protocol):
    """What is read of a pandas frame, for type checkers: nothing here imports pandas."""

    @property
    def index(self) -> Any:
        """Its rows' names."""

    @property
    def iloc(self) -> Any:
        """Its cells by number."""


type Table = pl.DataFrame | pl.LazyFrame | PandasFrame
"""A frame of either library."""


def is_pandas(held: object, kind: str = "DataFrame") -> bool:
    """Whether this is a pandas object of the kind; where nobody has imported pandas, nothing is."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(held, getattr(pandas, kind))


def is_table(held: object) -> bool:
    """Whether this is a frame: Polars', lazy or not, or pandas'."""
    return isinstance(held, pl.DataFrame | pl.LazyFrame) or is_pandas(held)


def is_column(held: object) -> bool:
    """Whether this is a Series of either library, or an array."""
    return isinstance(held, pl.Series | np.ndarray) or is_pandas(held, "Series")


def as_table(held: object, wanted_by: str) -> pl.DataFrame:
    """The frame with its columns as found, a pandas index among them; a ConfigError for anything else."""
    if isinstance(held, pl.DataFrame):
        return held
    if isinstance(held, pl.LazyFrame):
        try:
            return held.collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{wanted_by} wants bars, and the lazy frame does not collect: {error}; mend it") from error
    if is_pandas(held):
        from tradsys.core.pandas_tables import table_of_pandas

        return table_of_pandas(held, wanted_by)
    raise ConfigError(f"{wanted_by} takes a frame of bars, Polars' or pandas', found {_found(held)}")


def as_columns(held: Any) -> Any:
    """Numbers of a frame or Series as an array (n_rows, n_columns), without its times and symbol; all else as it is."""
    if is_pandas(held, "Series"):
        from tradsys.core.pandas_tables import series_of_pandas

        held = series_of_pandas(held)
    if isinstance(held, pl.Series):
        return held.to_numpy()
    if not is_table(held):
        return held
    table = as_table(held, "a regime model")
    if {"open", "high", "low", "close"} <= {name.lower() for name in table.columns}:
        raise ConfigError(
            "a regime model takes observations such as returns, found bars; RegimeSpec().fit([bars], seed=0) makes "
            "observations of them"
        )
    return table.select(
        name for name, dtype in table.schema.items() if not dtype.is_temporal() and name != "symbol"
    ).to_numpy()


def _found(held: object) -> str:
    """What this is instead, and what to do with it."""
    if isinstance(held, Mapping):
        keys = ", ".join(str(key) for key in list(held)[:6])
        return (
            f"a dictionary of {keys or 'nothing'}; one bar is for LivePredictor.step, columns are polars.DataFrame(...)"
        )
    if isinstance(held, np.ndarray):
        return f"an array of shape {held.shape}; name its columns: polars.DataFrame(array, schema=['ts', 'open', ...])"
    if is_column(held):
        return "a Series; give the frame with time, open, high, low, close and volume"
    if isinstance(held, Sequence) and not isinstance(held, str | bytes):
        return _found_in(held)
    text = str(held) if not isinstance(held, str) else repr(held)
    shown = text if len(text) <= _N_SHOWN else text[: _N_SHOWN - 3] + "..."
    is_name = isinstance(held, str | PurePath)
    advice = (
        "load a file with tradsys.data.load_bars first"
        if is_name
        else "make it a frame first, as polars.DataFrame(...)"
    )
    return f"{type(held).__name__} {shown}; {advice}"


def _found_in(held: Sequence[object]) -> str:
    """What stands in a list in the place of frames."""
    other = next((one for one in held if not is_table(one)), None)
    found = f"a {type(held).__name__} of {type(other).__name__ if held else 'nothing'}"
    if isinstance(other, list | tuple):
        columns = "['timestamp', 'open', 'high', 'low', 'close', 'volume']"
        return f"{found}; name its columns: polars.DataFrame(rows, schema={columns}, orient='row')"
    return f"{found}; a list holds frames alone"
