"""Position features: open interest, basis and liquidations; read from columns of the bars."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.outside import outside_values
from tradsys.features.feature import Feature, OddColumns, VolatilityColumns, Windowed, masked
from tradsys.features.prices import log_close
from tradsys.features.registry import register
from tradsys.features.windows import decaying_sum

_STILL = 1e-6
"""A deviation below this share of the root mean square is rounding: nothing moved."""

_LEAST_KNOWN = 0.5
"""Share of a window that must be known before its mean and deviation say what is usual."""


def known_sum(x: FloatArray, window: int) -> FloatArray:
    """Sum of what is known among the last `window` rows, zero where nothing is; shape (n_bars,)."""
    return decaying_sum(np.nan_to_num(x), 1.0, window)


def known_mean(x: FloatArray, window: int) -> FloatArray:
    """Mean of what is known of the last `window` rows, shape (n_bars,).

    NaN where the row itself is not known, or less than half of its window is.
    """
    n = decaying_sum(np.isfinite(x).astype(np.float64), 1.0, window)
    enough = np.isfinite(x) & (n >= _LEAST_KNOWN * window)
    return np.asarray(np.divide(known_sum(x, window), n, out=np.full(len(x), np.nan), where=enough))


def known_zscore(x: FloatArray, window: int) -> FloatArray:
    """Standard score of each row among what is known of the last `window`, shape (n_bars,).

    NaN where the row itself is not known, or less than half of its window is; zero where nothing moved.
    """
    n = decaying_sum(np.isfinite(x).astype(np.float64), 1.0, window)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = known_sum(x, window) / n
        square = known_sum(x * x, window) / n
        sd = np.sqrt(np.maximum(square - mean * mean, 0.0))
        score = np.where(sd > _STILL * np.sqrt(square), (x - mean) / sd, 0.0)
    return np.where(np.isfinite(x) & (n >= _LEAST_KNOWN * window), score, np.nan)


def log_open_interest(bars: pl.DataFrame) -> FloatArray:
    """Its logarithm, shape (n_bars,), NaN where it is not known."""
    level = outside_values(bars, "flow_open_interest")
    return np.log(level, out=np.full(len(level), np.nan), where=level > 0.0)


def change(x: FloatArray, window: int) -> FloatArray:
    """Difference to the value `window` rows ago, shape (n_bars,); NaN where either is not known."""
    out = np.full(len(x), np.nan)
    out[window:] = x[window:] - x[: max(len(x) - window, 0)]
    return out


@register
@dataclass(frozen=True, slots=True)
class OpenInterest(Windowed, VolatilityColumns):
    """Log change of open interest over some bars, and how unusual the longest of them is: it knows no direction.

    Positions that were opened must be closed, in a hurry if prices move: more of them, larger moves.
    """

    windows: tuple[int, ...] = (1, 24)
    usual: int = 168
    name: ClassVar[str] = "open_interest"
    patterns: ClassVar[tuple[str, ...]] = ("oi_change_{windows}", "oi_z_{usual}")
    needs: ClassVar[tuple[str, ...]] = ("flow_open_interest",)

    @property
    def lookback(self) -> int:
        """The longest change, in each row of the window that says what is usual."""
        return max(self.windows) + self.usual

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Shape (n_bars, n_windows + 1), NaN where open interest is not known now or was not then."""
        level = log_open_interest(bars)
        changes = [change(level, window) for window in self.windows]
        return masked([*changes, known_zscore(change(level, max(self.windows)), self.usual)], self.lookback)


@register
@dataclass(frozen=True, slots=True)
class OpenInterestPressure(Windowed, OddColumns):
    """Log change of open interest, with the sign of the return over the same bars.

    Positive where positions were opened into a rise or closed into a fall.
    """

    windows: tuple[int, ...] = (1, 24)
    name: ClassVar[str] = "open_interest_pressure"
    patterns: ClassVar[tuple[str, ...]] = ("oi_pressure_{windows}",)
    behind: ClassVar[int] = 1  # the bar that the change starts from
    needs: ClassVar[tuple[str, ...]] = ("flow_open_interest",)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Shape (n_bars, n_windows), NaN where open interest is not known now or was not then."""
        level, price = log_open_interest(bars), log_close(bars)
        columns = [change(level, window) * np.sign(change(price, window)) for window in self.windows]
        return masked(columns, self.lookback)


@register
@dataclass(frozen=True, slots=True)
class Basis(Windowed, OddColumns):
    """The perpetual's premium over its index, and how unusual it is: seen from the other currency it changes sign."""

    usual: int = 168
    name: ClassVar[str] = "basis"
    patterns: ClassVar[tuple[str, ...]] = ("basis", "basis_z_{usual}")
    needs: ClassVar[tuple[str, ...]] = ("flow_basis",)

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Shape (n_bars, 2), NaN where the basis is not known."""
        basis = outside_values(bars, "flow_basis")
        return masked([basis, known_zscore(basis, self.usual)], self.lookback)


_LIQUIDATED: Final = ("flow_liq_sell", "flow_liq_buy")


@register
@dataclass(frozen=True, slots=True)
class LiquidationImbalance(Windowed, OddColumns):
    """Longs liquidated less shorts liquidated over both, of a bar and of the last ones together; in [-1, 1].

    Where nobody was liquidated neither side pressed: 0. Bars of which nothing is known take no part.
    """

    windows: tuple[int, ...] = (1, 24)
    name: ClassVar[str] = "liquidation_imbalance"
    patterns: ClassVar[tuple[str, ...]] = ("liq_imbalance_{windows}",)
    needs: ClassVar[tuple[str, ...]] = _LIQUIDATED

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Shape (n_bars, n_windows), NaN where the bar's own liquidations are not known."""
        sell, buy = (outside_values(bars, name) for name in self.needs)
        is_known = np.isfinite(sell) & np.isfinite(buy)
        columns = []
        for window in self.windows:
            net = known_sum(np.where(is_known, sell - buy, np.nan), window)
            total = known_sum(np.where(is_known, sell + buy, np.nan), window)
            share = np.divide(net, total, out=np.zeros(len(total)), where=total > 0.0)
            columns.append(np.where(is_known, np.clip(share, -1.0, 1.0), np.nan))
        return masked(columns, self.lookback)


@register
@dataclass(frozen=True, slots=True)
class LiquidationVolume(Windowed, VolatilityColumns):
    """`log(1 + x / m)` of all that was liquidated in a bar, m the median of the last bars in which anything was.

    A usual bar with liquidations has log 2, one without has 0.
    """

    usual: int = 168
    name: ClassVar[str] = "liquidation_volume"
    patterns: ClassVar[tuple[str, ...]] = ("liq_volume_{usual}",)
    needs: ClassVar[tuple[str, ...]] = _LIQUIDATED

    def compute(self, bars: pl.DataFrame) -> FloatArray:
        """Shape (n_bars, 1), NaN where the bar's own liquidations are not known."""
        sell, buy = (outside_values(bars, name) for name in self.needs)
        volume = sell + buy
        some = pl.Series(np.where(volume > 0.0, volume, np.nan)).fill_nan(None)
        median = some.rolling_median(self.usual, min_samples=1).fill_null(1.0).to_numpy()
        return masked([np.log1p(volume / median)], self.lookback)


POSITIONS: Final[tuple[Feature, ...]] = (
    OpenInterest(),
    OpenInterestPressure(),
    Basis(),
    LiquidationImbalance(),
    LiquidationVolume(),
)
"""Every feature of this file; for your own sets, by the columns that the source has."""
