"""Bars without their future: cut off at a time, or replaced by a random walk or by their mirror image."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl

from tradsys.core.seeds import generator
from tradsys.core.time import interval_ms, ts_ms
from tradsys.features.feature import OutsideSeries
from tradsys.features.feature_set import FeatureSet, FittedFeatures

type Future = Callable[[pl.DataFrame, timedelta, int], pl.DataFrame]
"""One symbol's bars with all that closed after a time (ms) cut off or replaced."""

type Frames = Mapping[str, pl.DataFrame]
"""Bars a symbol."""

_PRICES = ("open", "high", "low", "close")


def cut(bars: pl.DataFrame, interval: timedelta, at: int) -> pl.DataFrame:
    """The bars that have closed by `at` (ms)."""
    return bars.head(n_closed(bars, interval, at))


def noised(bars: pl.DataFrame, interval: timedelta, at: int) -> pl.DataFrame:
    """As many bars as before at the same times; those that close after `at` (ms) are drawn from the earlier ones.

    Each drawn bar keeps its shape and its volume and begins where the one before it ended: a random walk with the
    market's own steps. The same time gives the same walk.
    """
    n = n_closed(bars, interval, at)
    if n < 2 or n == len(bars):
        return bars
    drawn = generator(at, "noise instead of the future").integers(1, n, len(bars) - n)
    close = bars["close"].to_numpy()
    before = close[drawn - 1]
    ends = close[n - 1] * np.cumprod(close[drawn] / before)
    scale = np.append(close[n - 1], ends[:-1]) / before
    walk: pl.DataFrame = bars[drawn.tolist()].with_columns(
        bars["ts"][n:], *(pl.col(name) * pl.Series(scale) for name in _PRICES)
    )
    return pl.concat([bars.head(n), walk])


def mirrored(bars: pl.DataFrame, interval: timedelta, at: int) -> pl.DataFrame:
    """The bars that close after `at` (ms) upside down about the last close before: what rose, falls as much.

    What earned most in the future now loses most, so that even a choice between two values turns.
    """
    n = n_closed(bars, interval, at)
    if n < 1:
        return bars
    square = bars["close"][n - 1] ** 2
    later = bars[n:].with_columns(
        open=square / pl.col("open"),
        high=square / pl.col("low"),
        low=square / pl.col("high"),
        close=square / pl.col("close"),
    )
    return pl.concat([bars.head(n), later])


def n_closed(bars: pl.DataFrame, interval: timedelta, at: int) -> int:
    """How many of the bars have closed by `at` (ms)."""
    return int(np.searchsorted(ts_ms(bars) + interval_ms(interval), at, side="right"))


def without_future(frames: Frames, bar_ms: int, at: int, future: Future) -> dict[str, pl.DataFrame]:
    """All symbols that had listed by `at` (ms), each with another future; one with a single bar then ends there."""
    step, known = timedelta(milliseconds=bar_ms), {}
    for symbol, bars in frames.items():
        n = n_closed(bars, step, at)
        if n:
            known[symbol] = future(bars, step, at) if n > 1 else bars.head(n)
    return known


def listed[L](listings: Mapping[str, L], frames: Frames) -> dict[str, L]:
    """What a table of listings says of the symbols that are there."""
    return {name: one for name, one in listings.items() if name in frames}


def as_known[F: (FeatureSet, FittedFeatures)](features: F, at: int) -> F:
    """The features with what their own series, where they have any, had published by `at` (ms)."""
    if not any(isinstance(feature, OutsideSeries) for feature in features.features):
        return features
    known = (feature.until(at) if isinstance(feature, OutsideSeries) else feature for feature in features.features)
    return replace(features, features=tuple(known))
