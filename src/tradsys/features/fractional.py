"""Fractional differencing: take out just enough of the past that a price becomes stationary, and keep the rest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import ConfigError, DataError, FitError, NotEnoughBars
from tradsys.core.single_symbol import single_symbol
from tradsys.core.time import infer_interval, interval_ms, stamp
from tradsys.features.feature import Feature, PlainColumns, masked
from tradsys.features.registry import register
from tradsys.features.stream.series import is_traced, needs_no_gaps, ohlcv
from tradsys.features.windows import moving_sum

_GRID = tuple(round(0.05 * step, 2) for step in range(21))
_SIGNIFICANCE = 0.05
_FEWEST_ROWS = 100
_MOST_WEIGHTS = 1_000_000


def frac_diff_weights(d: float, tau: float = 1e-4) -> FloatArray:
    """Weights of (1 - lag) ** d, latest first, kept while they are at least `tau` in size.

    >>> frac_diff_weights(0.5, 0.05)
    array([ 1.    , -0.5   , -0.125 , -0.0625])

    López de Prado, *Advances in Financial Machine Learning* (2018), ch. 5.
    """
    if not d >= 0:
        raise ConfigError(f"the order d of a difference must not be negative, was {d}; between 0 and 1 memory fades")
    if not 0 < tau <= 1:
        raise ConfigError(f"tau, the smallest weight kept, must be in (0, 1], was {tau}; 1e-4 is usual")
    weights = [1.0]
    while True:
        k = len(weights)
        weight = -weights[-1] * (d - k + 1) / k
        if abs(weight) < tau:
            return np.array(weights) + 0.0
        if k >= _MOST_WEIGHTS or not abs(weight) < np.inf:
            raise ConfigError(
                f"a difference of order {d:g} has more than {min(k, _MOST_WEIGHTS):,} weights of at least {tau:g}; "
                "raise tau, or take an order between 0 and 1"
            )
        weights.append(weight)


def frac_diff(x: npt.ArrayLike, d: float, tau: float = 1e-4) -> FloatArray:
    """Fixed-width fractional difference of order `d`, shape (n_bars,); NaN until the weights' width has been seen.

    `x` is differenced as it is: pass log prices. A hole in it is an error, since no filled value would be neutral.
    The sum is direct at every width: 100,000 rows by 282 weights take some three milliseconds, and a convolution by FFT
    would mix the rounding of later rows into earlier ones.

    >>> frac_diff([1.0, 2.0, 4.0, 7.0], 1.0)
    array([nan,  1.,  2.,  3.])

    López de Prado, *Advances in Financial Machine Learning* (2018), ch. 5, snippet 5.3.
    """
    series = np.ascontiguousarray(x, dtype=np.float64)
    if series.ndim != 1:
        raise DataError(f"frac_diff needs one series of shape (n_bars,), found shape {series.shape}; pass one column")
    holes = np.flatnonzero(~np.isfinite(series))
    if len(holes):
        raise DataError(
            f"frac_diff needs a value in every row, found {len(holes)} that are NaN or infinite, the first in rows "
            f"{holes[:5].tolist()}; cut the series at its holes and difference the pieces"
        )
    weights = frac_diff_weights(d, tau)
    out = moving_sum(series, weights)
    out[: len(weights) - 1] = np.nan
    return out


@register
@dataclass(frozen=True, slots=True)
class FracDiff(PlainColumns):
    """Fractionally differenced log price; without `d`, fitting finds the smallest that makes training rows stationary.

    Stationary: an augmented Dickey-Fuller test (one lag, constant) rejects a unit root at 5% for every symbol.
    It is not odd: part of the price level stays in, and the level of a mirrored market hangs on the unit of price.
    """

    d: float | None = None
    tau: float = 1e-4
    name: ClassVar[str] = "frac_diff"
    columns: ClassVar[tuple[str, ...]] = ("frac_diff",)

    def __post_init__(self) -> None:
        frac_diff_weights(0.0 if self.d is None else self.d, self.tau)

    def fit(self, frames: Sequence[pl.DataFrame], *, seed: int) -> Feature:
        """Find `d` on training bars, on a grid of step .05; a given `d` is kept. The seed is not used."""
        del seed
        if self.d is not None:
            return self
        series = [np.log(single_symbol(_without_gaps(bars), "frac_diff").close) for bars in frames]
        for d in _GRID:
            if all(_is_stationary(frac_diff(x, d, self.tau)) for x in series):
                return replace(self, d=d)
        raise FitError("no order d from 0 to 1 makes the training rows stationary; look for a price that never moves")

    @property
    def lookback(self) -> int:
        """As many bars as there are weights."""
        return len(frac_diff_weights(self._order, self.tau))

    @property
    def _order(self) -> float:
        if self.d is None:
            raise ConfigError("frac_diff has no order yet; fit it on training bars, or give d")
        return self.d

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        weights = frac_diff_weights(self._order, self.tau)
        return masked([moving_sum(np.log(ohlcv(_without_gaps(bars)).close), weights)], len(weights))


def _without_gaps(bars: pl.DataFrame) -> pl.DataFrame:
    if is_traced(bars):
        return needs_no_gaps(bars, FracDiff.name)
    if len(bars) < 2:
        return bars
    ts = single_symbol(bars, "frac_diff").ts
    gaps = np.flatnonzero(np.diff(ts) != interval_ms(infer_interval(bars)))
    if len(gaps):
        where = ", ".join(stamp(ts[row]) for row in gaps[:5]) + (", ..." if len(gaps) > 5 else "")
        raise DataError(
            f"fractional differencing needs bars without gaps, found {len(gaps)}, after {where}; "
            "leave frac_diff out, or load a stretch between two gaps"
        )
    return bars


def _is_stationary(x: FloatArray) -> bool:
    from statsmodels.tsa.stattools import adfuller

    values = x[np.isfinite(x)]
    if len(values) < _FEWEST_ROWS:
        raise NotEnoughBars(
            f"fitting the order of a fractional difference needs {_FEWEST_ROWS} rows after the warm-up of "
            f"{len(x) - len(values)}, found {len(values)}; load earlier history or raise tau"
        )
    if np.ptp(values) == 0.0:
        raise FitError("a price that never moves has no order of differencing; leave the symbol out")
    p_value: float = adfuller(values, maxlag=1, regression="c", autolag=None, result_object=False)[1]
    return p_value < _SIGNIFICANCE
