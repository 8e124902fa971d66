"""Expected funding and borrowing cost of a trade, fitted on labels out of fold."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.carry import COLUMNS, funding_of
from tradsys.core.time import interval_ms
from tradsys.models.forecaster import Rows, stack
from tradsys.predictor.economics import Holding
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.experiment_spec import Experiment


def has_rates(frames: Mapping[str, pl.DataFrame]) -> bool:
    """Whether the bars carry the funding that was settled."""
    return any(name in frame.columns for frame in frames.values() for name in COLUMNS)


def fit_holding(
    spec: Experiment, bar_ms: int, start: IntArray, end: IntArray, weight: FloatArray, *, has_settled_rates: bool
) -> Holding | None:
    """What holding a trade costs, from labels of `start` (n,), `end` and `weight` (n, 2).

    None where holding a trade costs nothing.
    """
    if not (has_settled_rates or spec.costs.funding_bps_per_8h or spec.costs.borrow_bps_per_year):
        return None
    horizon = spec.barriers.horizon
    n_held = np.minimum((end - start[:, None]) / bar_ms, horizon)
    return Holding.fit(n_held, weight, horizon=horizon, bar_ms=bar_ms, costs=spec.costs, has_rates=has_settled_rates)


def expected_holding_cost(holding: Holding | None, data: Dataset, rows: Rows) -> FloatArray | None:
    """What holding was expected to cost at the chosen rows, symbol after symbol, (n, 2)."""
    if holding is None:
        return None
    return stack([holding.expected(bars) for bars in data.frames.values()], rows)


def known_funding(data: Dataset, spec: Experiment, rows: Rows) -> FloatArray:
    """Rate, hours and age at the chosen rows, symbol after symbol, (n, 3); no rows where there is no funding at all."""
    if not (has_rates(data.frames) or spec.costs.funding_bps_per_8h):
        return np.empty((0, 3))
    each = [funding_of(bars, spec.costs, interval_ms(data.interval)) for bars in data.frames.values()]
    return stack([np.stack([one.rate, one.hours, one.age_h], axis=1) for one in each], rows)
