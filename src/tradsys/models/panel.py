"""What a forecaster is fitted on: several symbols' features, labels and weights, row for row with their bars."""

from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray

LONG, SHORT = 0, 1
"""Columns of every two-sided array: the long side's target first, the short side's target first."""

type Rows = tuple[BoolArray, ...]
"""One mask a symbol, shape (n_bars,): the rows that take part."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Pooled symbols of unequal length; nothing is stacked until a forecaster asks for it.

    Shapes for symbol s: `X[s]` (n_bars, n_features), NaN during warm-up; `y[s]`, `end[s]`, `weight[s]`, `ret_atr[s]`
    (n_bars, 2), long and short; `start[s]` (n_bars,). Times are int64 milliseconds, UTC: `start` when the row's bar has
    closed, `end` when the label's outcome is known. `y` is 1 where that side's target came first and NaN where there is
    no label; `weight` is what the label weighs in a fit; `ret_atr` the gross return in units of ATR.
    `expansion[s]` and `expansion_end[s]` (n_bars,), which only the volatility agent asks for, say how much further the
    next bars move than the last ones did, and when that is known (`labels.volatility_expansion`).
    """

    symbols: tuple[str, ...]
    columns: tuple[str, ...]
    is_odd: BoolArray
    is_volatility: BoolArray
    X: tuple[FloatArray, ...]
    start: tuple[IntArray, ...]
    y: tuple[FloatArray, ...]
    end: tuple[IntArray, ...]
    weight: tuple[FloatArray, ...]
    ret_atr: tuple[FloatArray, ...]
    expansion: tuple[FloatArray, ...] = ()
    expansion_end: tuple[IntArray, ...] = ()

    def usable(self) -> Rows:
        """Rows with features and both labels."""
        return tuple(
            np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1) for x, y in zip(self.X, self.y, strict=True)
        )

    def stack_X(self, rows: Rows) -> FloatArray:
        """Features of the chosen rows, symbol after symbol, shape (n_rows, n_features)."""
        return np.concatenate([x[r] for x, r in zip(self.X, rows, strict=True)])

    def stack_y(self, rows: Rows) -> FloatArray:
        """Labels of the chosen rows, shape (n_rows, 2)."""
        return np.concatenate([y[r] for y, r in zip(self.y, rows, strict=True)])

    def stack_weight(self, rows: Rows) -> FloatArray:
        """Weights of the chosen rows, shape (n_rows, 2)."""
        return np.concatenate([w[r] for w, r in zip(self.weight, rows, strict=True)])

    def last_end(self) -> tuple[IntArray, ...]:
        """When both sides' outcomes are known, a symbol, shape (n_bars,)."""
        return tuple(end.max(axis=1) for end in self.end)
