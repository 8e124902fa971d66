"""Which forecaster decides, judged inside the training part alone."""

from dataclasses import dataclass

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray

STANDARD_ERRORS = 1.0
"""Lead, in standard errors over blocks of time, that a challenger needs: stability weighs more than a tiny gain."""


@dataclass(frozen=True, slots=True)
class Lead:
    """Mean gain of one forecaster over another in nats, and its standard error over blocks of time."""

    mean: float
    standard_error: float
    n_blocks: int

    @property
    def is_convincing(self) -> bool:
        """Whether the challenger should decide."""
        return self.n_blocks > 1 and self.mean > STANDARD_ERRORS * self.standard_error


def log_loss(probability: FloatArray, y: FloatArray) -> FloatArray:
    """Mean over the two sides of each row's log-loss, (n, 2) -> (n,)."""
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(-(y * np.log(p) + (1 - y) * np.log1p(-p)).mean(axis=1))


def lead(incumbent_loss: FloatArray, challenger_loss: FloatArray, start: IntArray, block_ms: int) -> Lead:
    """How much less the challenger loses, with labels of one block of time counted as one observation."""
    sums, counts = block_sums(incumbent_loss - challenger_loss, start, block_ms)
    if len(sums) < 2:
        return Lead(0.0, float("inf"), len(sums))
    mean = float(sums.sum() / counts.sum())
    residual = sums - mean * counts
    n = len(sums)
    standard_error = float(np.sqrt(n / (n - 1) * (residual**2).sum()) / counts.sum())
    return Lead(mean, standard_error, n)


def block_sums(values: FloatArray, start: IntArray, block_ms: int) -> tuple[FloatArray, FloatArray]:
    """Sum and count of the values in each block of time that has any; all symbols share the blocks."""
    _, block = np.unique(start // block_ms, return_inverse=True)
    return np.bincount(block, weights=values), np.bincount(block).astype(np.float64)
