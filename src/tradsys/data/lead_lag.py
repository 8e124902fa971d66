"""Lead and lag of series: rank correlations a lag, in stretches of the history that say how sure they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray, IntArray

MOST_STRETCHES: Final = 32
_LONGEST: Final = 1_250
"""Rows of a stretch: of longer histories those in between are left out, which bounds what all this takes."""

FEWEST_STRETCHES: Final = 8
"""Stretches that it takes to tell how sure a correlation is."""

SHORTEST: Final = 40
"""Rows of a stretch at least; a history of fewer than eight times as many says nothing."""

LUCK: Final = 1e-4
"""Probability with which luck makes any lead of one comparison, all its lags and parts of the history together."""

_CHANCE: Final = 1e-3
"""The same for being better than in the same row, asked of what is there beyond luck alone."""

MUCH_BETTER: Final = 3.0
"""Times the own correlation that a lead must be.

Prices that are rarely traded follow others by a bar as much as twice as well as in the same bar, honestly.
"""


_PART: Final = 1_000
"""Pairs of a part of the history in which a lead may show alone."""

_PARTS_AT_LEAST: Final = 2

_WIDER: Final = 1.5
"""Times the error that independent rows would have, which those of one stretch are not."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """A mean of rank correlations with its 95% interval and its number of pairs."""

    value: float
    low: float
    high: float
    n: int

    @property
    def text(self) -> str:
        """The value and its interval, such as +0.71 [+0.70, +0.72]."""
        return f"{self.value:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"


class Ranks(NamedTuple):
    """Ranks of one stretch, (n_rows, n_series), of mean 0 and variance 1, 0 where `there` is no value."""

    values: FloatArray
    there: BoolArray

    def only(self, series: IntArray) -> "Ranks":
        """Those of some of the series, by number."""
        return Ranks(self.values[:, series], self.there[:, series])


def stretches(n: int) -> IntArray:
    """Beginnings and ends of stretches over n rows, (n_stretches, 2); none where there are too few rows."""
    n_stretches = min(n // SHORTEST, MOST_STRETCHES)
    if n_stretches < FEWEST_STRETCHES:
        return np.empty((0, 2), np.int64)
    edges = np.linspace(0, n, n_stretches + 1).astype(np.int64)
    return np.column_stack([edges[:-1], np.minimum(edges[1:], edges[:-1] + _LONGEST)])


def ranked(values: FloatArray, spans: IntArray) -> list[Ranks]:
    """Ranks of each column of (n_rows, n_series) within each stretch, NaN left out.

    Ranks within a stretch take no notice of fat tails, nor of how volatility drifts.
    """
    return [_ranks(values[first:end]) for first, end in spans.tolist()]


def _ranks(values: FloatArray) -> Ranks:
    there = np.isfinite(values)
    known = pl.DataFrame(np.where(there, values, np.nan)).fill_nan(None)
    ranks = known.select(pl.all().rank("average").cast(pl.Float64)).fill_null(np.nan).to_numpy()
    n = there.sum(axis=0)
    centred = np.where(there, ranks - (n + 1) / 2, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / np.maximum(n, 1))
    return Ranks(centred / np.where(spread > 0, spread, 1.0), there)


@dataclass(frozen=True, slots=True)
class CrossCorrelations:
    """Sums of products and numbers of pairs of series a, `lags` rows later, with series b.

    `sums` and `counts` have the shape (n_stretches, n_lags, n_a, n_b); a lag of 0 is among the `lags`.
    """

    lags: tuple[int, ...]
    sums: FloatArray
    counts: FloatArray

    @classmethod
    def of(cls, a: Sequence[Ranks], b: Sequence[Ranks], lags: Sequence[int]) -> "CrossCorrelations":
        """Of ranks in the same stretches."""
        shape = (len(a), len(lags), a[0].values.shape[1], b[0].values.shape[1])
        sums, counts = np.zeros(shape), np.zeros(shape)
        for s, (x, y) in enumerate(zip(a, b, strict=True)):
            n = len(x.values)
            whole = bool(x.there.all() and y.there.all())
            x_there, y_there = x.there.astype(np.float64), y.there.astype(np.float64)
            for k, lag in enumerate(lags):
                if abs(lag) < n:
                    later, earlier = slice(max(lag, 0), n + min(lag, 0)), slice(max(-lag, 0), n - max(lag, 0))
                    sums[s, k] = x.values[later].T @ y.values[earlier]
                    counts[s, k] = n - abs(lag) if whole else x_there[later].T @ y_there[earlier]
        return cls(tuple(lags), sums, counts)

    def of_stretches(self, chosen: BoolArray) -> "CrossCorrelations":
        """Those of some stretches, (n_stretches,)."""
        return CrossCorrelations(self.lags, self.sums[chosen], self.counts[chosen])

    @property
    def n_stretches(self) -> int:
        return len(self.sums)

    def at(self, lag: int, a: int, b: int) -> Correlation:
        """The correlation of a at t + lag with b at t."""
        k = self.lags.index(lag)
        n = int(self.counts[:, k, a, b].sum())
        mean, error = (float(one) for one in _mean(self.sums[:, k, a, b], self.counts[:, k, a, b]))
        reach = _t_quantile(0.025, self.n_stretches) * error
        if self.n_stretches < FEWEST_STRETCHES:  # too few to tell by how they differ
            reach = _WIDER * _normal_quantile(0.025) / np.sqrt(max(n, 1))
        return Correlation(mean, max(mean - reach, -1.0), min(mean + reach, 1.0), n)

    def is_related(self, lag: int) -> BoolArray:
        """Which pairs go together at that lag beyond luck, (n_a, n_b)."""
        k = self.lags.index(lag)
        mean, error = _mean(self.sums[:, k], self.counts[:, k])
        return np.asarray(np.abs(mean) > _t_quantile(LUCK, self.n_stretches) * error, dtype=bool)

    def leads(self, n_tests: int) -> IntArray:
        """Of each pair the lag at which b leads a beyond luck, positive, or lags it, negative; 0 for none, (n_a, n_b).

        At that lag they go together beyond luck, better than in the same row beyond luck, and `MUCH_BETTER` times as
        well. `n_tests` are the comparisons that are made in all.
        """
        zero = self.lags.index(0)
        mean, error = _mean(self.sums, self.counts)
        sign = np.sign(mean)
        own = sign * self.sums[:, [zero]]
        excess, excess_error = _mean(sign * self.sums, self.counts, own, self.counts[:, [zero]])
        bound = _t_quantile(LUCK / n_tests, self.n_stretches)
        size = np.abs(mean)
        better = _t_quantile(_CHANCE, self.n_stretches)
        leads = (size > bound * error) & (excess > better * excess_error) & (size >= MUCH_BETTER * size[zero])
        leads[zero] = False
        best = np.where(leads, size, 0.0).argmax(axis=0)
        return np.where(leads.any(axis=0), np.array(self.lags)[best], 0)

    def leads_at_times(self, n_tests: int) -> tuple[IntArray, BoolArray]:
        """The lag of each pair as of `leads`, where some parts of the history show it, and which stretches these are.

        Stamps may be wrong in summers alone. A part has about a thousand rows, and two must show it. One lag is looked
        for, that of the most parts, to either side.
        """
        zero = self.lags.index(0)
        size_of_part = max(1, round(_PART / max(float(self.counts[:, zero].max(axis=(1, 2)).mean()), 1.0)))
        firsts = np.arange(0, self.n_stretches, size_of_part)
        sums, counts = (np.add.reduceat(one, firsts, axis=0) for one in (self.sums, self.counts))
        error = _WIDER / np.sqrt(np.maximum(counts, 1.0))
        size = np.abs(sums) / np.maximum(counts, 1.0)
        own = size[:, [zero]]
        shown = size > _normal_quantile(LUCK / (n_tests * len(firsts))) * error
        shown &= (size - own > _normal_quantile(_CHANCE) * np.sqrt(2.0) * error) & (size >= MUCH_BETTER * own)
        shown[:, zero] = False
        hits = np.bincount(np.abs(self.lags), weights=shown.sum(axis=(0, 2, 3)), minlength=1)
        lag = int(hits.argmax())
        found, at_times = np.zeros(shown.shape[2:], np.int64), np.zeros(len(firsts), bool)
        for side in (-lag, lag) if lag else ():
            here = shown[:, self.lags.index(side)]
            often = here.sum(axis=0) >= _PARTS_AT_LEAST
            found[often] = side
            at_times |= (here & often).any(axis=(1, 2))
        return found, np.repeat(at_times, size_of_part)[: self.n_stretches]


def _mean(
    sums: FloatArray, counts: FloatArray, less: FloatArray | None = None, less_counts: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Mean over stretches (axis 0), weighted by pairs, and its standard error; of a difference where one is given."""
    weight = counts / np.maximum(counts.sum(axis=0), 1.0)
    each = sums / np.maximum(counts, 1.0)
    n_pairs = counts.sum(axis=0)
    if less is not None and less_counts is not None:
        each = each - less / np.maximum(less_counts, 1.0)
    mean = (weight * each).sum(axis=0)
    n = len(sums)
    spread = np.sqrt((weight**2 * (each - mean) ** 2).sum(axis=0) * n / max(n - 1, 1))
    return mean, np.maximum(spread, 1.0 / np.sqrt(np.maximum(n_pairs, 1.0)))


def _t_quantile(tail: float, n: int) -> float:
    from scipy.special import stdtrit

    return float(-stdtrit(max(n - 1, 1), tail))


def _normal_quantile(tail: float) -> float:
    from scipy.special import ndtri

    return float(-ndtri(tail))
