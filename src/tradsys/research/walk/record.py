"""The out-of-fold record: each forecaster's log-odds of rows that it was not trained on, growing fold by fold."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.models.forecaster import Rows


@dataclass(slots=True)
class Record:
    """Raw log-odds a forecaster and symbol, shape (n_bars, 2), NaN where there is no forecast out of fold yet.

    The first training part is filled from inner purged folds; every outer test block is added after it was forecast, so
    that a later fold can calibrate, rank, choose and audit on forecasts that lie wholly inside its own training part.
    """

    sizes: tuple[int, ...]
    log_odds: dict[str, tuple[FloatArray, ...]] = field(default_factory=dict)

    def add(self, name: str, rows: Rows, logits: Sequence[FloatArray]) -> None:
        if name not in self.log_odds:
            self.log_odds[name] = tuple(np.full((n, 2), np.nan) for n in self.sizes)
        for held, mask, values in zip(self.log_odds[name], rows, logits, strict=True):
            held[mask] = values[mask]

    def logits(self, name: str) -> tuple[FloatArray, ...]:
        """All of a forecaster's log-odds, NaN where it has made no forecast."""
        return self.log_odds.get(name) or tuple(np.full((n, 2), np.nan) for n in self.sizes)

    def known(self, name: str, among: Rows) -> Rows:
        """Those of the given rows that this forecaster has forecast."""
        forecast = (np.isfinite(values).all(axis=1) for values in self.logits(name))
        return tuple(np.asarray(mask & known, dtype=bool) for mask, known in zip(among, forecast, strict=True))


def rows_since(opens: int, start: Sequence[IntArray], among: Rows) -> Rows:
    """Those of the given rows that start no earlier than `opens` (ms)."""
    return tuple(np.asarray(mask & (times >= opens), dtype=bool) for mask, times in zip(among, start, strict=True))


def both(first: Rows, second: Rows) -> Rows:
    """Rows in both masks."""
    return tuple(a & b for a, b in zip(first, second, strict=True))


def rows_at(positions: IntArray, sizes: Sequence[int]) -> Rows:
    """Positions among all symbols' rows, one after the other, as one mask a symbol."""
    mask = np.zeros(sum(sizes), bool)
    mask[positions] = True
    return tuple(np.split(mask, np.cumsum(sizes)[:-1]))
