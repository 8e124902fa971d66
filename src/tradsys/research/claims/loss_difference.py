"""The paired difference of two forecasters' losses, with an interval over other times and other seeds."""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from scipy.stats import t as student

from tradsys.core.arrays import FloatArray
from tradsys.verdict.skill import Estimate, Overlap, estimate

type ClaimStanding = Literal["holds", "does not hold", "not shown"]


@dataclass(frozen=True, slots=True)
class LossDifference:
    """How much less one loses than the other, in the units of the losses, with a 95% interval.

    `n_seeds` of each; `n_ahead` of the `n_paired` seeds that both were run with favour the first. `n_blocks` blocks of
    time stand behind the interval; where there are too few of them, it is None.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    n_blocks: int
    n_seeds: tuple[int, int]
    n_paired: int
    n_ahead: int

    @property
    def standing(self) -> ClaimStanding:
        """What it says of "the first is better": its interval lies above zero, below zero, or neither."""
        if self.low is None or self.high is None:
            return "not shown"
        if self.low > 0:
            return "holds"
        return "does not hold" if self.high < 0 else "not shown"


def loss_difference(
    one: FloatArray, other: FloatArray, overlap: Overlap, *, fixed: tuple[bool, bool] = (False, False)
) -> LossDifference:
    """How much less one loses than the other, of losses (n_seeds, n); `fixed` are forecasters that no seed changes.

    Two things may turn out otherwise. Other times: the block bootstrap of the difference of the losses, each averaged
    over seeds. Other seeds: Student's interval of the two means over seeds. Their half-widths add as squares. Where
    something random was run with one seed only, there is no interval.
    """
    value = estimate(other.mean(axis=0) - one.mean(axis=0), overlap, seed=0)
    margin = _seed_margin(
        [losses.mean(axis=1) for losses, is_fixed in zip((one, other), fixed, strict=True) if not is_fixed]
    )
    n_paired = min(len(one), len(other))
    ahead = int((other[:n_paired].mean(axis=1) > one[:n_paired].mean(axis=1)).sum())
    low, high = _widened(value, margin)
    seeds = (len(one), len(other))
    return LossDifference(value.value, low, high, value.n, value.n_blocks, seeds, n_paired, ahead)


def _seed_margin(means: list[FloatArray]) -> float | None:
    """Half-width of the 95% interval that the choice of seeds alone leaves."""
    if not means:
        return 0.0
    if min(map(len, means)) < 2:
        return None
    variance = sum(float(np.var(mean, ddof=1)) / len(mean) for mean in means)
    return float(student.ppf(0.975, min(map(len, means)) - 1)) * sqrt(variance)


def _widened(value: Estimate, margin: float | None) -> tuple[float | None, float | None]:
    if margin is None or value.low is None or value.high is None:
        return None, None
    return value.value - sqrt((value.value - value.low) ** 2 + margin**2), value.value + sqrt(
        (value.high - value.value) ** 2 + margin**2
    )
