"""From convictions to shares of equity: scaled by risk, both sides in balance, and held through a band of no trade."""

from typing import Final, Literal

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.core.kernels import njit
from tradsys.features.universe_ranks import total

type Neutral = Literal["dollar", "volatility", "beta"]

RESTART: Final = 28
"""Choices after which a band of no trade begins anew, so that a choice hangs on no bar further back."""


def balanced(convictions: FloatArray, masses: FloatArray | None, gross: float) -> FloatArray:
    """Shares of the equity in proportion to convictions on each side, `gross` together; (n_times, n_symbols).

    Longs and shorts are brought to the same sum of share x mass, masses (n_times, n_symbols) being volatilities or
    betas; without any to the same notional. Nobody is held where a side has none.
    """
    longs, shorts = np.maximum(convictions, 0.0), np.maximum(-convictions, 0.0)
    n_long, n_short = total(longs), total(shorts)
    is_held = (n_long > 0) & (n_short > 0)
    long, short = (n_long, n_short) if masses is None else (total(longs * masses), total(shorts * masses))
    with np.errstate(invalid="ignore", divide="ignore"):
        of_long, of_short = n_long + n_short * (long / short), n_short + n_long * (short / long)
        shares = gross * longs / of_long[:, None] - gross * shorts / of_short[:, None]
    return np.where(is_held[:, None], shares, 0.0)


def mean_of_last(weights: FloatArray, n: int) -> FloatArray:
    """Mean of the last `n` choices, (n_choices, n_symbols), those before the first counting as nothing held.

    Portfolios that overlap, each held for `n` choices: Jegadeesh and Titman, "Returns to buying winners and selling
    losers", *Journal of Finance* 48 (1993), 65-91.
    """
    if n == 1:
        return weights
    out = np.zeros(weights.shape)
    for before in range(n):
        out[before:] += weights[: len(weights) - before]
    return out / n


def held_in_band(
    targets: FloatArray, closes: FloatArray, is_ranked: BoolArray, restarts: BoolArray, band: float, gross: float
) -> FloatArray:
    """Targets that trade as little as a band of no trade allows; all (n_choices, n_symbols), `restarts` (n_choices,).

    What is held has drifted with its closes since the last choice. A share is left as it is within `band` average
    positions of its target, and otherwise brought to the edge of the band, no further: with costs in proportion to what
    is traded that is the best (Davis and Norman, "Portfolio selection with transaction costs", *Mathematics of
    Operations Research* 15 (1990), 676-713). Who is not ranked is sold, and where a choice restarts, targets are taken
    as they are.
    """
    if band == 0.0:
        return targets
    return np.asarray(_held_in_band(targets, closes, is_ranked, restarts, band * gross))


@njit(cache=True)
def _held_in_band(
    targets: FloatArray, closes: FloatArray, is_ranked: BoolArray, restarts: BoolArray, band: float
) -> FloatArray:
    n_choices, n_symbols = targets.shape
    out = np.zeros((n_choices, n_symbols))
    drifted = np.zeros(n_symbols)
    for i in range(n_choices):
        n_wanted, worth = 0, 1.0
        for s in range(n_symbols):
            n_wanted += targets[i, s] != 0.0
        if i == 0 or restarts[i] or n_wanted == 0:
            out[i] = targets[i]
            continue
        for s in range(n_symbols):
            drifted[s] = 0.0
            if out[i - 1, s] != 0.0 and np.isfinite(closes[i, s]):
                drifted[s] = out[i - 1, s] * closes[i, s] / closes[i - 1, s]
                worth += drifted[s] - out[i - 1, s]
        if not worth > 0.0:
            out[i] = targets[i]
            continue
        for s in range(n_symbols):
            if is_ranked[i, s]:
                least, most = targets[i, s] - band / n_wanted, targets[i, s] + band / n_wanted
                out[i, s] = min(max(drifted[s] / worth, least), most)
    return out
