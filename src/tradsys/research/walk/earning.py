"""Expected returns of the test blocks held against what entering would have earned: a calibration of money."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.time import interval_ms
from tradsys.profiles.catalogue import EDGE
from tradsys.profiles.forecast import Forecasts
from tradsys.research.walk.dataset import Dataset, SymbolLabels
from tradsys.research.walk.deciding import FoldResult
from tradsys.research.walk.scoring import forecast_rows
from tradsys.verdict.skill import Overlap, estimate

N_BINS = 10
_DRAWS = 499


class _Stated(NamedTuple):
    """The better side of every scored decision, (n,): what it was expected to earn, and what it would have earned."""

    start: IntArray
    expected: FloatArray
    earned: FloatArray
    pays: BoolArray

    @classmethod
    def of(cls, data: Dataset, results: Sequence[FoldResult]) -> Self:
        """All folds' test rows that have an outcome and a forecast by everyone."""
        each = [
            _stated(labels, scored, result.forecasts[symbol], scored[test])
            for result in results
            for (symbol, labels), scored, test in zip(
                data.labels.items(), forecast_rows(data, result), result.fold.test, strict=True
            )
        ]
        start, expected, earned, pays = (
            [getattr(one, name) for one in each] for name in ("start", "expected", "earned", "pays")
        )
        return cls(np.concatenate(start), np.concatenate(expected), np.concatenate(earned), np.concatenate(pays))

    def rows(self, chosen: BoolArray | IntArray) -> "_Stated":
        """Some of the decisions."""
        return _Stated(self.start[chosen], self.expected[chosen], self.earned[chosen], self.pays[chosen])


def _stated(labels: SymbolLabels, scored: BoolArray, forecasts: Forecasts, mine: BoolArray) -> _Stated:
    """One symbol's block: `scored` among all its bars, `mine` among the forecasts; NaN where an order was missed."""
    side = forecasts.best_side[mine]
    expected = forecasts.chosen(forecasts.expected_net)
    enters = EDGE.entry.admits(forecasts) & EDGE.record.allows(forecasts)
    chosen = (np.arange(len(side)), side)
    earned = np.where(labels.missed[scored][chosen], np.nan, labels.net[scored][chosen])
    return _Stated(forecasts.start[mine], expected[mine], earned, enters[mine])


def money_calibration(data: Dataset, results: Sequence[FoldResult], *, horizon: int, seed: int) -> dict[str, Any]:
    """Tenths of the decisions by their expected return, those that were expected to pay, and whether folds stayed out.

    A decision counts whether or not a position was free for it; labels live for at most `horizon` bars.
    """
    stated = _Stated.of(data, results)
    known = np.isfinite(stated.expected) & np.isfinite(stated.earned)
    stated = stated.rows(known)
    step_ms = interval_ms(data.interval)
    order = np.argsort(stated.expected, kind="stable")
    records = [result.predictor.money.earned for result in results if result.predictor.money is not None]
    return {
        "bins": [
            _held(stated.rows(part), step_ms, horizon, seed) for part in np.array_split(order, N_BINS) if len(part)
        ],
        "paying": _held(stated.rows(stated.pays), step_ms, horizon, seed) if stated.pays.any() else None,
        "n_folds": len(results),
        "n_folds_out": sum(not one.is_enough for one in records),
    }


def _held(stated: _Stated, step_ms: int, horizon: int, seed: int) -> dict[str, Any]:
    """What was expected on average, and what was earned with its 95% interval, in basis points."""
    found = estimate(stated.earned * 1e4, Overlap(stated.start, step_ms, horizon), seed=seed, n_draws=_DRAWS)
    return {
        "expected_bps": float(stated.expected.mean() * 1e4),
        "earned_bps": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
    }
