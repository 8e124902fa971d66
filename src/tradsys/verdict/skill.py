"""The mean over overlapping labels, such as one forecaster's gain over another, with its interval."""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.counts import check_whole
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.seeds import generator
from tradsys.verdict.refusals import finite, same_shape
from tradsys.verdict.stationary import optimal_block_length, studentised_blocks

MIN_BLOCKS = 10
"""With fewer blocks than this there is no interval."""

WIDER = 3.0
"""Blocks are this many times as long as the variance alone would have them: see `estimate`."""

CIRCULAR = 1.5 ** (1 / 3)
"""Ratio of the best block of the circular bootstrap to the best mean block of the stationary one."""

POWER_QUANTILE = 0.84
"""Phi(.84) = .8: the power at which an edge or a gain counts as detectable."""

DRAWS = 1999


@dataclass(frozen=True, slots=True)
class Overlap:
    """When each row was forecast, (n,) in ms, in any order and with ties between symbols, and how far labels reach.

    Rows fall into steps of `step_ms`, a bar; a label lives for at most `horizon` of them.
    """

    start: IntArray
    step_ms: int
    horizon: int

    def __post_init__(self) -> None:
        check_whole(step_ms=self.step_ms, horizon=self.horizon)
        if self.step_ms < 1 or self.horizon < 1:
            raise ConfigError(f"step_ms and horizon must be positive, were {self.step_ms} and {self.horizon}")

    def rows(self, chosen: FloatArray | IntArray) -> "Overlap":
        """The same for some of the rows."""
        return Overlap(self.start[chosen], self.step_ms, self.horizon)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `n` rows with its 95% interval, over `n_blocks` blocks of `block` bars.

    `smallest_visible` is the value above zero that would be significant in four of five such samples. What the history
    is too short for is None.
    """

    value: float
    low: float | None
    high: float | None
    standard_error: float | None
    smallest_visible: float | None
    n: int
    n_blocks: int
    block: int


def gain(reference_loss: FloatArray, loss: FloatArray, overlap: Overlap, *, seed: int) -> Estimate:
    """How much less a forecaster loses than the reference, row by row (n,): its skill."""
    reference_loss, loss = finite(reference_loss, "losses of the reference"), finite(loss, "losses")
    same_shape(reference_loss, loss, "both losses")
    return estimate(reference_loss - loss, overlap, seed=seed)


def estimate(values: FloatArray, overlap: Overlap, *, seed: int, n_draws: int = DRAWS) -> Estimate:
    """Mean of `values` (n,) with an interval by the studentised circular block bootstrap over time.

    All rows of one bar are one observation, whatever their number. A block is never shorter than a label lives, and
    otherwise `WIDER` times as long as Politis and White's rule for the variance says, of which a tenth of the history
    is the most.
    """
    if values.shape != overlap.start.shape or not np.isfinite(values).all():
        raise DataError(f"values must be finite and of shape {overlap.start.shape}, found shape {values.shape}")
    if not len(values):
        raise DataError("a mean needs values, found none")
    n, mean = len(values), float(values.mean())
    step = (overlap.start - overlap.start.min()) // overlap.step_ms
    residual = np.bincount(step, weights=values - mean)  # of each bar, 0 where it has no row
    block = _block(residual, overlap.horizon)
    n_blocks = len(residual) // block
    if n_blocks < MIN_BLOCKS:
        return Estimate(mean, None, None, None, None, n, n_blocks, block)
    drawn = studentised_blocks(residual[None], block, n_draws, generator(seed, "verdict", "scores"))
    error = float(drawn.long_run_sd[0]) * sqrt(len(residual)) / n
    low, high = (float(q) for q in np.quantile(drawn.draws[:, 0], [0.025, 0.975]))
    return Estimate(
        value=mean,
        low=mean - high * error,
        high=mean - low * error,
        standard_error=error,
        smallest_visible=(high + POWER_QUANTILE) * error,
        n=n,
        n_blocks=n_blocks,
        block=block,
    )


def _block(residual: FloatArray, horizon: int) -> int:
    """Bars in a block."""
    if len(residual) < MIN_BLOCKS or not np.ptp(residual) > 0:
        return horizon
    wanted = ceil(WIDER * CIRCULAR * optimal_block_length(residual))
    return max(horizon, min(wanted, len(residual) // MIN_BLOCKS))
