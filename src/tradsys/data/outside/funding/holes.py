"""Where a table of funding leaves settlements out: nothing that is missing ever counts as a rate of zero."""

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.funding import CONSTANT_HOURS
from tradsys.core.time import HOUR_MS


def missing(times: IntArray, hours: FloatArray, first: int, last: int) -> list[tuple[int, int]]:
    """Ranges inside first < t < last (ms) with a settlement that the table lacks, up to the next that it has.

    `times` (n,) rise and `hours` (n,) are the intervals where they are stated, NaN elsewhere. An unstated interval is
    that of the neighbours, the longer one where it changes, and eight hours at most.
    """
    if not len(times):
        return [(first, last)] if first < last else []
    steps = np.diff(times).astype(np.float64)
    usual = _usual(steps, hours)
    gaps = [
        (int(times[i] + usual[i]), int(times[i + 1]))
        for i in np.flatnonzero(steps > usual)
        if times[i + 1] - usual[i] > first
    ]
    opening, closing = _edge(hours[0], steps[:1]), _edge(hours[-1], steps[-1:])
    before = [(first, int(times[0]))] if times[0] - opening > first else []
    clipped = [(max(a, first), min(b, last)) for a, b in [*before, *gaps, (int(times[-1] + closing), last)]]
    return [(a, b) for a, b in clipped if a < b]


def stated_hours(rows: pl.DataFrame) -> FloatArray:
    """The intervals that stored rows carry, NaN where their source had none."""
    if "interval_hours" not in rows.columns:
        return np.full(len(rows), np.nan)
    return rows["interval_hours"].cast(pl.Float64).fill_null(np.nan).to_numpy().astype(np.float64)


def _usual(steps: FloatArray, hours: FloatArray) -> FloatArray:
    """How long each step may take, ms, (n - 1,)."""
    before, after = np.append(0.0, steps[:-1]), np.append(steps[1:], 0.0)
    neighbours = np.maximum(before, after)[: len(steps)]
    longest = float(CONSTANT_HOURS * HOUR_MS)
    unstated = np.where(neighbours > 0, np.minimum(neighbours, longest), longest)
    stated = np.fmax(hours[:-1], hours[1:]) * HOUR_MS
    return np.where(np.isfinite(stated), stated, unstated)


def _edge(stated: float, step: FloatArray) -> float:
    """The interval before the first settlement, or after the last."""
    longest = float(CONSTANT_HOURS * HOUR_MS)
    if np.isfinite(stated):
        return stated * HOUR_MS
    return min(float(step[0]), longest) if len(step) else longest
