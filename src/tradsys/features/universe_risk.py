"""Risk and carry of many symbols at every close: volatility, beta to their mean, trend in its units, funding paid.

Each value is a sum over a trailing window of its own (`features.windows`), so that it has the same bits whether it is
computed in a batch or from the last bars alone; rows whose window is not full are NaN.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import DataError
from tradsys.core.outside import outside_values
from tradsys.data.panel import PricePanel
from tradsys.features.prices import FLOOR, log_close, log_returns
from tradsys.features.universe_ranks import raw_momentum, total
from tradsys.features.windows import decaying_sum, moving_mean

MOST_TREND: Final = 2.0
"""Standard deviations at which a trend is cut: one that went further is not believed the more."""

LEAST_BETA: Final = 0.1

_SHRINK: Final = 1.0 / 3.0
"""How far an estimated beta is drawn towards 1 (Blume 1975)."""

CARRY: Final = ("funding_due", "funding_within", "funding_rate")
"""Columns of the bars that carry reads."""


def volatility_over(panel: PricePanel, frames: Mapping[str, pl.DataFrame], lookback: int) -> FloatArray:
    """Root mean square of a symbol's last `lookback` returns, a fraction per bar, (n_times, n_symbols)."""
    return panel.spread({symbol: _volatility(bars, lookback) for symbol, bars in frames.items()})


def _volatility(bars: pl.DataFrame, lookback: int) -> FloatArray:
    returns = log_returns(log_close(bars))
    values: FloatArray = np.maximum(np.sqrt(moving_mean(returns * returns, lookback)), FLOOR)
    values[:lookback] = np.nan  # the first return of a window has a close before it
    return values


def trend(panel: PricePanel, frames: Mapping[str, pl.DataFrame], lookback: int, risk_lookback: int) -> FloatArray:
    """Return over `lookback` bars in standard deviations of the last `risk_lookback`, cut at two, (n_times, n_symbols).

    A time-series trend: a symbol's own, whatever the others do. Moskowitz, Ooi and Pedersen, "Time series momentum",
    *Journal of Financial Economics* 104 (2012), 228-250, scale positions in the same way.
    """
    deviations = volatility_over(panel, frames, risk_lookback) * np.sqrt(lookback)
    return np.asarray(np.clip(raw_momentum(panel, frames, lookback) / deviations, -MOST_TREND, MOST_TREND))


def beta_over(panel: PricePanel, frames: Mapping[str, pl.DataFrame], lookback: int) -> FloatArray:
    """Slope of a symbol's returns on the mean return of all at the same closes, (n_times, n_symbols).

    Over the last `lookback` closes of the clock, drawn by a third towards 1 (Blume, "Betas and their regression
    tendencies", *Journal of Finance* 30 (1975), 785-795) and at least `LEAST_BETA`.
    """
    returns = panel.spread({symbol: _returns(bars) for symbol, bars in frames.items()})
    is_there = np.isfinite(returns)
    known = np.where(is_there, returns, 0.0)
    market = total(known) / np.maximum(total(is_there.astype(np.float64)), 1.0)
    settled = np.isfinite(volatility_over(panel, frames, lookback))
    out = np.full(returns.shape, np.nan)
    for s in range(returns.shape[1]):
        together = decaying_sum(known[:, s] * market, 1.0, lookback)
        alone = decaying_sum(np.where(is_there[:, s], market * market, 0.0), 1.0, lookback)
        slope = np.divide(together, alone, out=np.ones_like(alone), where=alone > 0.0)
        out[:, s] = np.maximum(_SHRINK + (1.0 - _SHRINK) * slope, LEAST_BETA)
    return np.where(settled, out, np.nan)


def _returns(bars: pl.DataFrame) -> FloatArray:
    returns = log_returns(log_close(bars))
    returns[:1] = np.nan
    return returns


def funding_paid(panel: PricePanel, frames: Mapping[str, pl.DataFrame], lookback: int) -> FloatArray:
    """What a long paid for funding over the last `lookback` closes, a fraction of its notional, (n_times, n_symbols).

    By what had been settled before the close; NaN where the symbol has no bar then or `lookback` closes before, and
    before its first settlement. A DataError names symbols whose bars do not carry their funding.
    """
    if lacking := [symbol for symbol, bars in frames.items() if not set(CARRY).issubset(bars.columns)]:
        raise DataError(
            f"carry needs the funding that was settled, which the bars of {', '.join(lacking)} do not have; give "
            "--funding SYMBOL=FILE for each, leave the symbol out, or choose another rank.signal"
        )
    parts = {symbol: [outside_values(bars, name) for name in CARRY] for symbol, bars in frames.items()}
    paid = np.nan_to_num(panel.spread({symbol: due + within for symbol, (due, within, _) in parts.items()}))
    known = np.isfinite(panel.spread({symbol: rate for symbol, (_, _, rate) in parts.items()}))
    known &= np.isfinite(raw_momentum(panel, frames, lookback))
    summed = np.column_stack([decaying_sum(column, 1.0, lookback) for column in np.ascontiguousarray(paid.T)])
    return np.where(known, summed, np.nan)
