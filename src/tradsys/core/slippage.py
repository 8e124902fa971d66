"""What a market order is filled worse than the price of its bar: the user's constant, or the half-spread estimated."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.costs import ESTIMATED, MOST_SLIPPAGE, Costs
from tradsys.core.effective_spread import price_step, squared_spread
from tradsys.core.time import ts_ms

UNKNOWN_BPS = 2.0
"""Charged before a month is over from which a spread can be known: more than the liquid pairs cost by the hour."""

FEWEST_BARS = 20
"""A month of fewer says nothing: the prices of a few bars lie on coarser steps than the market's by chance."""

N_MONTHS = 12
"""So many of the latest months are averaged: one month of hours cannot tell 4 basis points from none."""

STANDARD_ERRORS = 1.65
"""What the average has to be above 0 by, or no spread is charged: a true 0 passes for one in a month of 20."""


class Months(NamedTuple):
    """Calendar months (UTC) of one symbol's bars that can say something, in order, each (n_months,).

    `month` counts from January 1970; `squared` and `variance` are the month's own estimate of the squared spread (NaN
    where there is none), `step` that of its prices (0: no grid; NaN where one price alone was paid).
    """

    month: IntArray
    squared: FloatArray
    variance: FloatArray
    step: FloatArray


def slippage_of(bars: pl.DataFrame, costs: Costs) -> FloatArray:
    """What a market order pays beside the fee in each bar, a fraction of its notional, shape (n_bars,).

    The constant of the costs where it is a number. Else half the effective spread, from months that were over when the
    bar opened, or half the step of the prices where that is more: what they show, or the `tick` of the costs.
    """
    if costs.slippage_bps != ESTIMATED:
        return np.full(len(bars), costs.slippage_bps / 1e4)
    if not len(bars):
        return np.empty(0)
    opens = bars["open"].to_numpy().astype(np.float64)
    charged = np.empty(len(bars))
    for one in in_force(bars, costs.tick):
        charged[one.first : one.end] = np.maximum(one.half, one.step / 2 / opens[one.first : one.end])
    return np.minimum(charged, MOST_SLIPPAGE)


class InForce(NamedTuple):
    """Rows of one calendar month, [first, end), and what was known when it began: half the spread, and the step.

    `is_told` says that some month before told of either; else half the spread is assumed.
    """

    first: int
    end: int
    half: float
    step: float
    is_told: bool


def in_force(bars: pl.DataFrame, tick: float) -> list[InForce]:
    """What is charged in each month of one symbol's bars, from the months before it; no step is below the `tick`."""
    known, month, edges = months_of(bars), *_edges(bars)
    found = []
    for first, end in pairwise(edges):
        over = int(np.searchsorted(known.month, month[first]))
        half, step = half_spread(known, over), max(last_step(known, over), tick)
        found.append(InForce(int(first), int(end), half, step, _is_told(known, over)))
    return found


def months_of(bars: pl.DataFrame) -> Months:
    """Each month's own estimates, from its bars alone."""
    prices = [bars[name].to_numpy().astype(np.float64) for name in ("open", "high", "low", "close")]
    month, edges = _edges(bars)
    whole = [(int(a), int(b)) for a, b in pairwise(edges) if b - a >= FEWEST_BARS]
    cut = [[one[a:b] for one in prices] for a, b in whole]
    spread = np.array([squared_spread(*own) for own in cut], np.float64).reshape(-1, 2)
    step = np.array([price_step(np.concatenate(own)) for own in cut], np.float64)
    return Months(month[[a for a, _ in whole]], spread[:, 0], spread[:, 1], step)


def half_spread(known: Months, over: int) -> float:
    """Half the spread that the last of the first `over` months speak for beyond their noise, a share of the price."""
    if not _is_told(known, over):
        return UNKNOWN_BPS / 1e4
    is_known = np.isfinite(known.squared[:over])
    squared = known.squared[:over][is_known][-N_MONTHS:]
    n = len(squared)
    if not n:
        return 0.0
    error = np.sqrt(known.variance[:over][is_known][-N_MONTHS:].mean() / n)
    if n > 1:
        error = max(error, squared.std(ddof=1) / np.sqrt(n))
    mean = squared.mean()
    return float(np.sqrt(mean) / 2) if mean > STANDARD_ERRORS * error else 0.0


def last_step(known: Months, over: int) -> float:
    """The step of the prices in the last of the first `over` months that tells one, 0 where none does."""
    told = known.step[:over][np.isfinite(known.step[:over])]
    return float(told[-1]) if len(told) else 0.0


def _is_told(known: Months, over: int) -> bool:
    """Whether any of the first `over` months tells of a spread or of a step."""
    return bool((np.isfinite(known.squared[:over]) | np.isfinite(known.step[:over])).any())


def _edges(bars: pl.DataFrame) -> tuple[IntArray, IntArray]:
    """Each bar's calendar month since January 1970, (n_bars,), and where months begin, the end of all included."""
    month = ts_ms(bars).astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    return month, np.append(np.flatnonzero(np.diff(month, prepend=month[:1] - 1)), len(month))
