"""Records that lost everything: when they ended, and their days as statistics that do not flatter them.

A mean of daily returns says nothing of a loss of everything: 320 days of +20% and one of -100% have a mean above 19%.
"""

from typing import Final

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.time import DAY_MS, from_ms

LOST: Final = 0.01
"""A record that ends with no more than this share of its capital has lost it."""


def ruined_on(days: IntArray, daily: FloatArray) -> str | None:
    """The UTC date of the first day, (n_days,) since 1970, whose net return is -1; None where there is none.

    >>> ruined_on(np.array([19_000, 19_001]), np.array([0.5, -1.0]))
    '2022-01-09'
    """
    lost = np.flatnonzero(daily <= -1.0)
    return from_ms(int(days[lost[0]]) * DAY_MS).date().isoformat() if len(lost) else None


def is_ruined(daily: FloatArray) -> bool:
    """Whether a day, of net returns (n_days,), took all that there was."""
    return bool((daily <= -1.0).any())


def kept(daily: FloatArray) -> float:
    """What the record's end is worth as a share of its beginning, of net returns (n_days,); 0 where it was ruined.

    >>> kept(np.array([0.5, -0.5])), kept(np.array([9.0, -1.0, 0.5]))
    (0.75, 0.0)
    """
    return 0.0 if is_ruined(daily) else float(np.exp(np.log1p(daily).sum()))


def unflattered(daily: FloatArray) -> FloatArray:
    """Daily returns, (n_days,), whose Sharpe ratio may be shown: the net returns, but for a record that lost it all.

    For that it is the log returns, which add up to what was lost, a ruin as if it had left a hundredth of the capital:
    no ratio of them is above zero. They are taken where their Sharpe ratio is the lower one.
    """
    if kept(daily) > LOST:
        return daily
    growth = np.log1p(np.where(daily > -1.0, daily, 0.0))
    if is_ruined(daily):
        end = int(np.argmax(daily <= -1.0))
        growth[end:] = 0.0
        growth[end] = min(np.log(LOST) - growth.sum(), np.log(LOST))
    return growth if _ratio(growth) < _ratio(daily) else daily


def _ratio(values: FloatArray) -> float:
    spread = float(values.std())
    return float(values.mean()) / spread if spread > 0 else 0.0
