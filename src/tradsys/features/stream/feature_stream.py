"""Features bar by bar: a closed bar goes in, is refused or yields its standardised row, in microseconds."""

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import numpy as np
import polars as pl
from numba import TypingError

from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.core.bars import OHLCV, TS, refuse_other_interval, split_symbols, validate_bars
from tradsys.core.errors import ConfigError, DataError, NotEnoughBars
from tradsys.core.frames import HeldBars, as_bars
from tradsys.core.time import interval_ms
from tradsys.features.feature import Columnar
from tradsys.features.feature_set import CLIP, FittedFeatures
from tradsys.features.stream.bar import Bar, HeldBar, as_bar, bars_of, check_bar, check_order
from tradsys.features.stream.kernel import standardise
from tradsys.features.stream.program import Program
from tradsys.features.stream.series import Columns, Series, Tape, TracedBars

_ALIKE = 1e-8


class FeatureStream:
    """The rows of `FittedFeatures.compute`, one bar after the other.

    Each feature is traced once: its own `compute`, called with bars that write down what is done with them, becomes a
    program that moves on bar by bar. Each window is summed anew: nothing drifts. A feature that cannot be traced
    (`why_slow` tells why, `is_fast` which columns are concerned), or that is named in `slow`, is computed anew for each
    bar from the last bars that settle it: right, and a thousand times slower. `unscaled` are columns that are wanted
    unscaled, behind those of the features.

    `warm` has to come first; it compares the two ways on the last bar and refuses a trace that does not agree.
    """

    def __init__(
        self,
        features: FittedFeatures,
        interval: timedelta,
        *,
        unscaled: Sequence[Columnar] = (),
        slow: Collection[str] = (),
    ) -> None:
        self.features, self.interval = features, interval
        self._parts: tuple[Columnar, ...] = (*features.features, *unscaled)
        if unknown := set(slow) - {part.name for part in self._parts}:
            raise ConfigError(f"slow names features of this set, found {', '.join(sorted(unknown))}")
        self._names = tuple(column for part in self._parts for column in part.columns)
        self.lookback = max(part.lookback for part in self._parts)
        """Bars that settle a row, `unscaled` ones included."""
        self._step_ms, self._n_features = interval_ms(interval), len(features.columns)
        bars, self.why_slow = TracedBars(Tape()), {name: "asked for" for name in slow}
        traced = [None if part.name in slow else self._trace(part, bars) for part in self._parts]
        self._needs_no_gaps = tuple(bars.needs_no_gaps)
        series = [x for columns in traced if columns for x in columns]
        self._program = Program.of(bars.tape, series)
        self._node = np.array(
            [
                -1 if x is None else x.node
                for columns, part in zip(traced, self._parts, strict=True)
                for x in columns or (None,) * len(part.columns)
            ]
        )
        n_unscaled = len(self._node) - self._n_features
        self._centre = np.array([*features.centre, *[0.0] * n_unscaled])
        self._scale = np.array([*features.scale, *[1.0] * n_unscaled])
        self._limit = np.array([*[CLIP] * self._n_features, *[np.inf] * n_unscaled])
        self._may_be_missing = np.array([*features.may_be_missing, *[False] * n_unscaled])
        self._slow = self._slow_parts(traced)
        self._bars = deque[Bar](maxlen=max((part.lookback for _, part in self._slow), default=1))
        self.n_seen, self.last_ts = 0, 0

    def _slow_parts(self, traced: Sequence[object]) -> list[tuple[slice, Columnar]]:
        ends = np.cumsum([len(part.columns) for part in self._parts]).tolist()
        parts = zip(ends, self._parts, traced, strict=True)
        return [(slice(end - len(part.columns), end), part) for end, part, columns in parts if columns is None]

    def _trace(self, part: Columnar, bars: TracedBars) -> tuple[Series, ...] | None:
        try:
            columns: object = part.compute(bars)  # type: ignore[arg-type]  # stands in for a frame
        except (TypeError, AttributeError, TypingError) as error:
            self.why_slow[part.name] = str(error).partition("\n")[0]
            return None
        if not isinstance(columns, Columns) or len(columns.T) != len(part.columns):
            self.why_slow[part.name] = f"its columns did not come from the bars alone, found {type(columns).__name__}"
            return None
        return tuple(bars.tape.of(x) for x in columns.T)

    @property
    def is_fast(self) -> BoolArray:
        """Columns that move on in microseconds, the `unscaled` ones last; the others are computed anew for each bar."""
        return self._node >= 0

    def warm(self, bars: HeldBars, *, n_rows: int = 1) -> FloatArray:
        """Forget everything, then take in the history of one symbol; its last `n_rows` rows, (n_rows, n_columns).

        Refuses a history that settles fewer rows, and then knows what it knew before. Bars missing in it are taken as
        the batch takes them: their neighbours adjoin.
        """
        bars = as_bars(bars, "a warm start")
        refuse_other_interval(bars, self.interval)
        frames = split_symbols(validate_bars(bars, interval=self.interval))
        wanted = self.lookback + n_rows - 1
        if len(frames) != 1 or len(bars) < wanted:
            raise NotEnoughBars(
                f"a warm start needs {wanted} closed bars of one symbol, found {len(bars)} of {len(frames)}; "
                "load earlier history first"
            )
        frame = next(iter(frames.values())).tail(wanted)
        with self.unmoved_if_refused():
            self._program.rings[:] = 0.0
            self._bars.clear()
            self.n_seen = 0
            rows = np.array([self.step(bar, after_gap=True) for bar in bars_of(frame)])
            self._compare(frame.tail(self.lookback), rows[-1])
        return rows[-n_rows:]

    @contextmanager
    def unmoved_if_refused(self) -> Iterator[None]:
        """Whatever is raised inside leaves the stream where it was."""
        rings, bars, n_seen, last_ts = self._program.rings.copy(), tuple(self._bars), self.n_seen, self.last_ts
        try:
            yield
        except BaseException:
            self._program.rings[:] = rings
            self._bars.clear()
            self._bars.extend(bars)
            self.n_seen, self.last_ts = n_seen, last_ts
            raise

    def step(self, bar: HeldBar, *, after_gap: bool = False) -> FloatArray:
        """The row of the bar that has just closed, shape (n_columns,); NaN until `lookback` bars have been seen.

        A bar that cannot be, that came before, or that leaves some out is refused, and nothing moves. `after_gap` says
        that the missing ones do not exist: the neighbours then adjoin, as they do in the batch.
        """
        bar = as_bar(bar)
        check_bar(bar)
        if self.n_seen:
            self._check_next(bar.ts, after_gap)
        self._program.step(bar[:6], self.n_seen)  # a step that is not counted is overwritten by the next one
        row = np.empty(len(self._node))
        if self._slow:
            self._fill_slow(row, bar)
        is_finite = standardise(self._program.values, self._node, self._centre, self._scale, self._limit, row)
        if self.n_seen + 1 < self.lookback:
            row[:] = np.nan
        elif not is_finite:
            self._refuse_missing(row)
        self.n_seen, self.last_ts = self.n_seen + 1, bar.ts
        if self._slow:
            self._bars.append(bar)
        return row

    def _check_next(self, ts: int, after_gap: bool) -> None:
        check_order(ts, self.last_ts, self._step_ms, after_gap=after_gap)
        if self._needs_no_gaps and ts - self.last_ts != self._step_ms:
            raise DataError(
                f"{', '.join(self._needs_no_gaps)} needs bars without gaps, found one before the bar of {ts}; leave it "
                "out of the set, or warm up again behind the gap"
            )

    def _fill_slow(self, row: FloatArray, bar: Bar) -> None:
        frame = frame_of([*self._bars, bar])
        for columns, part in self._slow:
            settled = len(frame) >= part.lookback
            row[columns] = part.compute(frame.tail(part.lookback))[-1] if settled else np.nan

    def _refuse_missing(self, row: FloatArray) -> None:
        missing = np.flatnonzero(~np.isfinite(row) & ~self._may_be_missing)
        if len(missing):
            raise DataError(
                f"column {missing[0]} ({self._names[missing[0]]}) has no value at the last bar, although its bars are "
                "there; this bar was not taken: warm up again from validated bars"
            )

    def _compare(self, frame: pl.DataFrame, row: FloatArray) -> None:
        """Refuse a trace that is not its batch."""
        batch = np.concatenate([part.compute(frame.tail(part.lookback))[-1] for part in self._parts])
        batch = np.clip((batch - self._centre) / self._scale, -self._limit, self._limit)
        apart = np.abs(row - batch) > _ALIKE * np.maximum(1.0, 1.0 / self._scale)
        if apart.any():
            at = int(apart.argmax())
            name = self._names[at]
            raise ConfigError(
                f"{name} is {row[at]} bar by bar and {batch[at]} as a batch; its feature does something that cannot be "
                "traced bar by bar: name the feature in `slow`"
            )


def frame_of(bars: Collection[Bar]) -> pl.DataFrame:
    """Bars as the frame that features compute from, with the columns beside prices that each of them has."""
    rows = list(bars)
    names = [name for name in rows[-1].outside if all(name in bar.outside for bar in rows)]
    columns = {name: pl.Series([getattr(bar, name) for bar in rows], dtype=pl.Float64) for name in OHLCV}
    extra = {name: pl.Series([bar.outside[name] for bar in rows], dtype=pl.Float64) for name in names}
    ts = pl.Series([bar.ts for bar in rows], dtype=pl.Int64).cast(TS)
    return pl.DataFrame({"ts": ts, **columns, **extra})
