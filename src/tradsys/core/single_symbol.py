"""The door through which frames of one symbol become arrays: bars that cannot be are refused, in a pass of no cost."""

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.bars import OHLCV, Ohlcv, to_arrays, validate_bars
from tradsys.core.errors import DataError
from tradsys.core.kernels import njit


def single_symbol(bars: pl.DataFrame, wanted_by: str) -> Ohlcv:
    """The arrays of a frame that holds one symbol's bars, in order and with possible prices.

    A DataError names the defects of any other frame, as `validate_bars` does; `wanted_by` says who asked.
    """
    refuse_several(bars, wanted_by)
    schema = bars.schema
    if not isinstance(schema.get("ts"), pl.Datetime) or not all(
        name in schema and schema[name].is_numeric() for name in OHLCV
    ):
        return to_arrays(validate_bars(bars))
    arrays = to_arrays(bars)
    if not _are_possible(arrays.ts, arrays.open, arrays.high, arrays.low, arrays.close, arrays.volume):
        validate_bars(bars)  # names every defect and its rows
        raise DataError(f"{wanted_by} takes possible bars in order, found others; validate_bars says which it can name")
    return arrays


def refuse_several(bars: pl.DataFrame, wanted_by: str) -> None:
    """A DataError for pooled bars: at a seam one symbol's prices would follow those of its neighbour."""
    if "symbol" in bars.columns and bars["symbol"].n_unique() > 1:
        raise DataError(
            f"{wanted_by} takes the bars of one symbol, found {bars['symbol'].n_unique()}; "
            "split them first with tradsys.core.bars.split_symbols"
        )


@njit(cache=True)
def _are_possible(
    ts: IntArray, open_: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray
) -> bool:
    """Whether every row is later than the one before and holds finite numbers that a bar can have."""
    n_bad = 0  # a sum instead of a branch a bar: the processor takes several bars at once
    for i in range(ts.size):
        is_inside = (low[i] <= open_[i]) & (low[i] <= close[i]) & (open_[i] <= high[i]) & (close[i] <= high[i])
        is_finite = (low[i] > 0.0) & (high[i] < np.inf) & (volume[i] >= 0.0) & (volume[i] < np.inf)
        n_bad += 1 - (is_inside & is_finite)
    for i in range(1, ts.size):
        n_bad += ts[i] <= ts[i - 1]
    return n_bad == 0
