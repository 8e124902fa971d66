"""Features computed again at many single rows without what follows, from the few bars that a row looks back on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from heapq import heappop, heappush
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import TradsysError
from tradsys.core.seeds import generator
from tradsys.core.time import interval_ms, ts_ms
from tradsys.features.feature import Feature, OutsideSeries
from tradsys.features.feature_set import FittedFeatures, feature_rows, in_chunks
from tradsys.research.lookahead.cut_rows import outstanding_rows, random_rows, telling_rows
from tradsys.research.lookahead.findings import ComputedTable, RowsChecked, Search
from tradsys.research.lookahead.without_future import cut
from tradsys.research.walk.dataset import Dataset

_CLOSE: Final = 1e-6
"""Parts of a column's scale that a value may differ by: sums round by how many bars are computed together."""

_MARGIN: Final = 31
"""Bars before those that settle a row, so that a lookback that counts one too few raises no suspicion."""

_PATIENT: Final = 20
"""Times its lookback that a feature is given where its rows differ: an exponential mean forgets by then."""

_MOST_BARS: Final = 3_000_000
"""Bars that one feature is computed on in its second attempt."""

_MOST_ALONE: Final = 1_000
"""Rows of a feature that are computed one by one: most features take many at once, as bars with gaps."""

_MOST_AGAIN: Final = 200
"""Rows that are computed one by one where they differed among others."""

_PROBE: Final = 4
"""Lookbacks of bars, with one left out, on which a feature shows whether it takes bars with gaps."""

_WHOLE_CUTS: Final = 40
"""Rows of a feature that are confirmed on all bars before them; the first leak ends the search."""


type Comb = Callable[[pl.DataFrame, timedelta], pl.DataFrame]
"""How bars with gaps between them are stamped for a feature."""


@dataclass(frozen=True, slots=True)
class ShortCuts:
    """How many rows are drawn in all symbols together, and how many of each kind are singled out."""

    n_random: int
    n_singled: int


def check_rows(search: Search, data: Dataset, features: FittedFeatures, cuts: ShortCuts, *, seed: int) -> RowsChecked:
    """Compare single rows of every feature with what it computes from the bars up to that row alone.

    A row that differs is computed once more from all bars before it: what differs then has seen the future and goes to
    the search.
    """
    each = max(cuts.n_random // len(data.symbols), min(cuts.n_random, 50))
    n_random = n_rows = n_cuts = 0
    unsettled: dict[str, None] = {}
    warm_up = features.lookback - 1
    for s, (symbol, bars) in enumerate(data.frames.items()):
        rng = generator(seed, "short cuts", symbol)
        drawn, telling = random_rows(bars, each, rng), telling_rows(bars, cuts.n_singled, rng)
        n_random, n_rows = n_random + len(drawn), n_rows + max(len(bars) - 1, 0)
        common = np.union1d(drawn, telling)
        met, first = np.zeros(len(bars), bool), 0
        for feature in features.features:
            columns = slice(first, first := first + len(feature.columns))
            values = data.raw.of_one(feature, warm_up)[s]
            one = _Checked(feature, symbol, bars, data.interval, values, warm_up, features.scale[columns])
            rows = one.settled(np.union1d(common, one.outstanding(max(1, cuts.n_singled // 10))))
            search.n_values += len(rows) * len(feature.columns)
            met[rows] = True
            if not one.is_settled(search, rows, rng):
                unsettled[feature.name] = None
        n_cuts += int(met.sum())
    return RowsChecked(n_random, n_rows, n_cuts, tuple(unsettled))


@dataclass(frozen=True)
class _Checked:
    """One feature of one symbol; `values` (n_bars, n_columns) are of all bars, in chunks that begin `warm_up` early.

    `scale` is what differences in each column are measured by.
    """

    feature: Feature
    symbol: str
    bars: pl.DataFrame
    interval: timedelta
    values: FloatArray
    warm_up: int
    scale: tuple[float, ...]

    def outstanding(self, n: int) -> IntArray:
        each = [outstanding_rows(column, self.bars, n) for column in self.values.T]
        return np.unique(np.concatenate(each)) if each else np.empty(0, np.int64)

    def settled(self, rows: IntArray) -> IntArray:
        return rows[rows >= self.feature.lookback - 1]

    def is_settled(self, search: Search, rows: IntArray, rng: np.random.Generator) -> bool:
        """Enter what saw the future; whether all other rows are what the short cut says, each of them compared."""
        length = self.feature.lookback + _MARGIN
        suspects, size = self._suspects(rows, length, rng)
        if not len(suspects):
            return len(rows) <= _MOST_ALONE or self._comb is not None
        patient = rng.permutation(suspects)[: max(1, _MOST_BARS // (_PATIENT * length))]
        left, size_left = self._suspects(np.sort(patient), _PATIENT * length, rng)
        return self._leaks(search, left, size_left, rng) or self._leaks(search, suspects, size, rng)

    @cached_property
    def _comb(self) -> Comb | None:
        """How windows side by side are stamped so that the feature takes them; None where it takes none."""
        if isinstance(self.feature, OutsideSeries):
            return None
        last = self.bars[-_PROBE * (self.feature.lookback + 1) :]
        sample = np.delete(np.arange(len(last)), len(last) // 2)
        for stamped in (_as_they_are, _without_gaps):
            try:
                feature_rows(self.feature, stamped(last[sample], self.interval))
            except TradsysError:  # bars with gaps are not for every feature
                continue
            return stamped
        return None

    def _suspects(self, rows: IntArray, length: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
        """Rows whose value is another one without what follows, and by how many scales, infinity where it is none.

        Windows that do not meet are computed in one go, as bars with gaps between them, and those that differ then
        alone, as are all where the feature reads a series of its own.
        """
        size = np.full(len(rows), np.inf)
        if (stamped := self._comb) is not None:
            for places, taken, ends in windows(rows, length):
                values = feature_rows(self.feature, stamped(self.bars[taken], self.interval))[ends]
                size[places] = self._off(rows[places], values)
        again = rng.permutation(np.flatnonzero(size > _CLOSE))
        most = _MOST_ALONE if self._comb is None else _MOST_AGAIN
        for k in again[:most].tolist():
            row = int(rows[k])
            part = self.bars[max(0, row + 1 - length) : row + 1]
            feature = self._known(int(ts_ms(part)[-1]) + interval_ms(self.interval))
            size[k] = self._off(rows[[k]], feature_rows(feature, part)[-1:]).item()
        if self._comb is None:
            size[again[most:]] = 0.0
        return rows[size > _CLOSE], size[size > _CLOSE]

    def _off(self, rows: IntArray, values: FloatArray) -> FloatArray:
        """By how many scales values of these rows differ from those on all bars, in the worst column, (n_rows,)."""
        here = self.values[rows]
        is_same = (here == values) | (np.isnan(here) & np.isnan(values))
        off = np.where(is_same, 0.0, np.abs(here - values) / np.array(self.scale))
        return np.asarray(np.where(np.isnan(off), np.inf, off).max(axis=1))

    def _leaks(self, search: Search, suspects: IntArray, size: FloatArray, rng: np.random.Generator) -> bool:
        """Whether one of the suspects differs from what all bars before it say; the first that does is entered."""
        order = np.argsort(-size, kind="stable")
        largest, others = order[: _WHOLE_CUTS // 2], rng.permutation(order[_WHOLE_CUTS // 2 :])
        closes = ts_ms(self.bars) + interval_ms(self.interval)
        full = ComputedTable("features", self.symbol, self.feature.columns, self.values, closes, closes)

        def recompute(at: int) -> list[ComputedTable]:
            feature = self._known(at)
            bars = cut(self.bars, self.interval, at)
            return [replace(full, values=in_chunks((feature,), bars, self.warm_up), start=closes[: len(bars)])]

        for row in suspects[np.append(largest, others)[:_WHOLE_CUTS]].tolist():
            search.compare([full], recompute, int(closes[row]))
            if any(("features", column, self.symbol) in search.found for column in self.feature.columns):
                return True
        return False

    def _known(self, at: int) -> Feature:
        """The feature with what its own series, where it has one, had published by `at` (ms)."""
        return self.feature.until(at) if isinstance(self.feature, OutsideSeries) else self.feature


def _as_they_are(bars: pl.DataFrame, interval: timedelta) -> pl.DataFrame:
    del interval
    return bars


def _without_gaps(bars: pl.DataFrame, interval: timedelta) -> pl.DataFrame:
    """The bars as if each had followed the one before it at once."""
    step = interval_ms(interval)
    ts = ts_ms(bars)[0] + step * np.arange(len(bars))
    return bars.with_columns(pl.Series("ts", ts).cast(bars.schema["ts"]))


def windows(rows: IntArray, length: int) -> Iterator[tuple[IntArray, IntArray, IntArray]]:
    """Groups of sorted rows whose windows of `length` bars neither meet nor adjoin.

    Of each group its places in `rows`, the bars of all its windows in order, and where among them each window ends.

    >>> [taken.tolist() for _, taken, _ in windows(np.array([3, 5, 7]), 3)]
    [[1, 2, 3, 5, 6, 7], [3, 4, 5]]
    """
    groups: list[list[int]] = []
    free: list[tuple[int, int]] = []
    for k, row in enumerate(rows.tolist()):
        if free and free[0][0] < row - length:
            _, group = heappop(free)
        else:
            group = len(groups)
            groups.append([])
        groups[group].append(k)
        heappush(free, (row, group))
    for places in groups:
        part = np.array(places)
        last = rows[part]
        sizes = np.minimum(last + 1, length)
        ends = np.cumsum(sizes)
        taken = np.arange(ends[-1]) - np.repeat(ends - 1 - last, sizes)
        yield part, taken, ends - 1
