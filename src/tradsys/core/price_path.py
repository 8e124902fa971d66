"""A market recognised by the path of its prices, however its bars are stored: shifted, scaled, rounded, resampled."""

import hashlib
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tradsys.core.arrays import BoolArray, Float32Array, FloatArray, IntArray
from tradsys.core.errors import DataError
from tradsys.core.time import DAY_MS, HOUR_MS, ts_ms

PATH_BLOCK = "path:"
"""Begins the names of paths among the hashes of months."""

STEP_MS = 2 * HOUR_MS
_STEPS_A_DAY = DAY_MS // STEP_MS
_MOST_SHIFT = _STEPS_A_DAY
_FEWEST = 20
"""Prices that two paths need in common in a month to be compared there."""

_SAME = 0.2
"""Two paths tell of one market where they differ by less than this share of a day's move over a month.

Half an hour between them is .15. Over fewer days different coins have less time to part, so that less is asked for: in
proportion to the root of the days. Of 301,873 months of 11,935 pairs of 155 coins four came so near, all of them of
coins that moved as one for a month: AGIX and FET before they merged, IOTA and ZIL. It must therefore be so in a quarter
of the months that can be compared; a single one tells by `_ALIKE`.
"""

_ALIKE = 0.1
"""So near no month of different coins came."""


@dataclass(frozen=True, slots=True)
class SharedSpan:
    """A month of one path, [opens, closes) ms, that is the other's at times `later` ms later."""

    opens: int
    closes: int
    later: int


@dataclass(frozen=True, slots=True)
class PricePath:
    """One symbol's log prices every two hours since 1970, from step number `first` on; NaN where no bar had closed.

    `log_price` has shape (n_steps,).
    """

    first: int
    log_price: Float32Array

    @classmethod
    def of(cls, bars: pl.DataFrame, bar_ms: int) -> Self:
        """The path of one symbol's bars: at each step the last close of the two hours before it."""
        closed = ts_ms(bars) + bar_ms
        price = np.asarray(bars["close"].to_numpy(), dtype=np.float64)
        if not len(closed):
            return cls(0, np.empty(0, np.float32))
        first, last = -(-int(closed[0]) // STEP_MS), int(closed[-1]) // STEP_MS
        steps = np.arange(first, last + 1, dtype=np.int64) * STEP_MS
        row = np.searchsorted(closed, steps, side="right") - 1
        is_fresh = (steps - closed[row] < STEP_MS) & (price[row] > 0)
        log_price = np.log(price[row], out=np.full(len(steps), np.nan), where=is_fresh)
        return cls(first, log_price.astype(np.float32))

    @property
    def digest(self) -> str:
        """SHA-256 of the path, hexadecimal."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def block(self) -> str:
        """How data that hold this path name it among the hashes of their months."""
        return PATH_BLOCK + self.digest

    def to_bytes(self) -> bytes:
        """A safetensors file; the same path gives the same bytes."""
        return save({"first": np.array([self.first], np.int64), "log_price": np.ascontiguousarray(self.log_price)})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `to_bytes` wrote; a DataError for anything else."""
        try:
            held = load(data)
            return cls(int(held["first"][0]), held["log_price"].astype(np.float32))
        except (SafetensorError, KeyError, IndexError) as error:
            raise DataError(f"wanted a price path as a safetensors file, found something else ({error})") from error

    def reaches_into(self, opens: int, closes: int) -> bool:
        """Whether it has a price after `opens` and by `closes`, ms."""
        steps = (self.first + np.arange(len(self.log_price), dtype=np.int64)) * STEP_MS
        return bool(np.isfinite(self.log_price[(steps > opens) & (steps <= closes)]).any())

    def shares_a_month(self, other: Self) -> bool:
        """Whether in some calendar month both are the same market's, as `spans_shared` compares them."""
        return bool(self.spans_shared(other))

    def spans_shared(self, other: Self) -> list[SharedSpan]:
        """The calendar months (UTC) of this path in which the other is the same market's.

        In a month the log path may be any multiple of the other's and a constant (another unit, the pair upside down,
        a leveraged token), and the other may be up to a day early or late, or as much as both are shifted over longer
        parts. What then remains must be small against a day's move: in a quarter of the months in common, or very small
        in one.
        """
        path = self.log_price.astype(np.float64)
        edges = _month_edges(self.first, len(path))
        if not len(edges) or not len(other.log_price):
            return []
        moves = np.full(len(path), np.nan)
        moves[_STEPS_A_DAY:] = path[_STEPS_A_DAY:] - path[:-_STEPS_A_DAY]
        n, square = _sums(edges, np.isfinite(moves), np.nan_to_num(moves) ** 2)
        day = np.sqrt(np.divide(square, n, out=np.zeros(len(n)), where=n > 0))
        nearest, at = np.full(len(edges), np.inf), np.zeros(len(edges), np.int64)
        whole, between = _lags(self, other)
        for half_steps in (*whole, None, *between):
            if half_steps is None:
                if not (nearest < 2 * _SAME * day).any():
                    break  # an hour more or less would not make them one
                continue
            left = _left(path, other._at(self.first, half_steps, len(path)), edges)
            is_nearer = left < nearest
            nearest[is_nearer], at[is_nearer] = left[is_nearer], half_steps
        is_near, is_compared = (day > 0) & (nearest < _SAME * day), (day > 0) & np.isfinite(nearest)
        is_usual = 4 * np.count_nonzero(is_near) >= np.count_nonzero(is_compared)
        is_same = is_near if is_usual else is_near & (nearest < _ALIKE * day)
        bounds = (self.first + np.append(edges, len(path))) * STEP_MS
        return [
            SharedSpan(int(bounds[k]), int(bounds[k + 1]), int(at[k]) * STEP_MS // 2) for k in np.flatnonzero(is_same)
        ]

    def _at(self, first: int, half_steps: int, n: int) -> FloatArray:
        """The path from so many half steps after `first` on, (n,), NaN where it has none; between two, their mean."""
        whole, half = divmod(half_steps, 2)
        found = self._from(first + whole, n)
        return (found + self._from(first + whole + 1, n)) / 2 if half else found

    def _from(self, first: int, n: int) -> FloatArray:
        found = np.full(n, np.nan)
        start, end = max(first, self.first), min(first + n, self.first + len(self.log_price))
        if start < end:
            found[start - first : end - first] = self.log_price[start - self.first : end - self.first]
        return found


def _left(path: FloatArray, there: FloatArray, edges: IntArray) -> FloatArray:
    """What a multiple of the other path and a constant leave of this one, as a standard deviation, a month each.

    It is scaled to a month of thirty days, and infinite where too few prices are in common.
    """
    is_known = np.isfinite(path) & np.isfinite(there)
    mine, theirs = np.where(is_known, path, 0.0), np.where(is_known, there, 0.0)
    sums = _sums(edges, is_known, mine, theirs, mine**2, theirs**2, mine * theirs)
    n = sums[0]
    x, y, xx, yy, xy = (np.divide(one, n, out=np.zeros(len(n)), where=n > 0) for one in sums[1:])
    own, other, both = xx - x**2, yy - y**2, xy - x * y
    explained = np.divide(both**2, other, out=np.zeros(len(n)), where=other > 0)
    steps = np.flatnonzero(is_known)
    ends = np.searchsorted(steps, np.append(edges, len(path)))
    has_two = ends[1:] - ends[:-1] >= 2
    days = np.ones(len(edges))
    days[has_two] = (steps[ends[1:][has_two] - 1] - steps[ends[:-1][has_two]]) / _STEPS_A_DAY
    scaled = np.sqrt(np.maximum(own - explained, 0.0)) * np.sqrt(np.maximum(30.0 / days, 1.0))
    return np.where(n >= _FEWEST, scaled, np.inf)


def _lags(one: PricePath, other: PricePath) -> tuple[list[int], list[int]]:
    """Half steps by which the other path may be late: up to a day both ways, and wherever the moves of both agree.

    Those that are whole steps, and those between them, from the nearest on.
    """
    near = range(-2 * _MOST_SHIFT, 2 * _MOST_SHIFT + 1)
    far = [2 * step + half for step in _agreeing(one, other) for half in range(-2, 3)]
    lags = sorted({*near, *far}, key=lambda lag: (abs(lag), lag))
    return [lag for lag in lags if lag % 2 == 0], [lag for lag in lags if lag % 2]


def _agreeing(one: PricePath, other: PricePath, fewest_sigmas: float = 8.0, most: int = 6) -> list[int]:
    """Steps by which the other path is late where the moves of both are correlated far beyond chance, best first."""
    (mine, is_mine), (theirs, is_theirs) = _moves(one), _moves(other)
    size = 1 << int(len(mine) + len(theirs)).bit_length()

    def correlated(a: FloatArray, b: FloatArray) -> FloatArray:
        return np.fft.irfft(np.conj(np.fft.rfft(a, size)) * np.fft.rfft(b, size), size)

    n = np.maximum(np.round(correlated(is_mine, is_theirs)), 1.0)
    sigmas = np.where(n >= _FEWEST, np.abs(correlated(mine, theirs)) / np.sqrt(n), 0.0)
    best = np.argsort(-sigmas)[:most]
    late = np.where(best > size // 2, best - size, best) + other.first - one.first
    return [int(step) for step, z in zip(late, sigmas[best], strict=True) if z > fewest_sigmas]


def _moves(path: PricePath) -> tuple[FloatArray, FloatArray]:
    """Each step's move since the last price of the day before it, without outliers and of size one, and where it is."""
    price = path.log_price.astype(np.float64)
    known = np.flatnonzero(np.isfinite(price))
    move, is_known = np.zeros(len(price)), np.zeros(len(price))
    if len(known) > 1:
        at = known[1:][np.diff(known) <= _STEPS_A_DAY]
        raw = np.diff(price[known])[np.diff(known) <= _STEPS_A_DAY]
        spread = np.median(np.abs(raw)) if len(raw) else 0.0
        if spread > 0:
            clipped = np.clip(raw / spread, -3.0, 3.0)
            move[at], is_known[at] = clipped / np.sqrt(np.mean(clipped**2)), 1.0
    return move, is_known


def _month_edges(first: int, n: int) -> IntArray:
    """Where each calendar month begins among `n` steps, in order."""
    months = _step_times(first, n).astype("datetime64[M]").astype(np.int64)
    return np.flatnonzero(np.diff(months, prepend=months[:1] - 1))


def _step_times(first: int, n: int) -> npt.NDArray[np.datetime64]:
    return ((first + np.arange(n, dtype=np.int64)) * STEP_MS).astype("datetime64[ms]")


def _sums(edges: IntArray, *values: FloatArray | BoolArray) -> list[FloatArray]:
    """The sum of each, a month each."""
    return [np.add.reduceat(np.asarray(one, np.float64), edges) for one in values]
