"""How many months of a market are recognised when its bars come stored otherwise, and how many pairs are mixed up.

python benchmarks/bench_recognition.py FILE FILE ...

Files of bars of different markets, hourly for the first table. Each stored form is compared with the bars as they are,
then every pair of files. docs/journal.md has what came of it.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.price_path import PricePath
from tradsys.core.time import DAY_MS, HOUR_MS, interval_ms, ts_ms
from tradsys.data import load_market

type Stored = tuple[str, IntArray, FloatArray, int]
"""Name, opens (ms), closes and the interval (ms) of bars."""


def path_of(ts: IntArray, close: FloatArray, bar_ms: int) -> PricePath:
    """The path of bars that may stand in any order."""
    order = np.argsort(ts, kind="stable")
    times = pl.Series(ts[order]).cast(pl.Datetime("ms", "UTC"))
    return PricePath.of(pl.DataFrame({"ts": times, "close": close[order]}), bar_ms)


def resampled(ts: IntArray, close: FloatArray, hours: int, begin: int = 0) -> tuple[IntArray, FloatArray]:
    """The last close of every so many hours, the first of which begins at hour `begin` of the day."""
    group = (ts - begin * HOUR_MS) // (hours * HOUR_MS)
    last = np.flatnonzero(np.append(np.diff(group) != 0, True))
    return group[last] * hours * HOUR_MS + begin * HOUR_MS, close[last]


def digits(close: FloatArray, n: int) -> FloatArray:
    """Rounded to so many significant digits."""
    return np.array([float(f"{one:.{n}g}") for one in close])


def swapped(ts: IntArray, close: FloatArray) -> tuple[IntArray, FloatArray]:
    """Every two calendar months in each other's place, as far as the days of the shorter one go."""
    month = ts.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    begins = {
        m: int(np.datetime64(m, "M").astype("datetime64[ms]").astype(np.int64)) for m in range(month[0], month[-1] + 2)
    }
    times, prices = [], []
    for m in range(month[0], month[-1] + 1):
        other = m + 1 - 2 * (m % 2)
        if other in begins:
            moved = ts[month == other] - begins[other] + begins[m]
            fits = moved < begins[m + 1]
            times.append(moved[fits])
            prices.append(close[month == other][fits])
    return np.concatenate(times), np.concatenate(prices)


def stored(ts: IntArray, close: FloatArray) -> Iterator[Stored]:
    """The same hourly market in many forms."""
    rng, n = np.random.default_rng(0), len(ts)
    day, hour = ts // DAY_MS, ts // HOUR_MS % 24
    month = ts.astype("datetime64[ms]").astype("datetime64[M]").astype(int)
    for name, shift in (
        ("a minute", 60_000),
        ("an hour", HOUR_MS),
        ("26 hours", 26 * HOUR_MS),
        ("a year", 365 * DAY_MS),
    ):
        yield f"{name} later", ts + shift, close, HOUR_MS
    for name, price in (
        ("prices times 1.0000001", close * 1.0000001),
        ("three digits", digits(close, 3)),
        ("two digits", digits(close, 2)),
        ("upside down", 1 / close),
        ("times 1 + 1e-6 t", close * (1 + 1e-6 * np.arange(n))),
        ("a drift of a third a year", close * np.exp(np.arange(n) * np.log(4 / 3) / 8766)),
        ("moves halved", close**0.5),
        ("moves doubled, turned round", close**-2.0),
        ("a median price added", close + np.median(close)),
        *((f"noise of {s:g}", close * np.exp(rng.normal(0, s, n))) for s in (1e-5, 1e-3, 5e-3, 1e-2)),
    ):
        yield name, ts, price, HOUR_MS
    for hours, begin in ((2, 0), (4, 1), (12, 0), (24, 0), (24, 5), (72, 0)):
        yield f"{hours} hours a bar from {begin}:00 on", *resampled(ts, close, hours, begin), hours * HOUR_MS
    four, price = resampled(ts, close, 4, 1)
    yield (
        "four hours, three hours late, three digits, upside down",
        four + 3 * HOUR_MS,
        digits(1 / price, 3),
        4 * HOUR_MS,
    )
    for name, is_kept in (
        ("half of the bars dropped", rng.random(n) < 0.5),
        ("nine tenths dropped", rng.random(n) < 0.1),
        ("no weekends", (day + 3) % 7 < 5),
        ("three hours a day", hour < 3),
        ("six days in 28", day % 28 < 6),
        ("every other month", month % 2 == 0),
    ):
        yield name, ts[is_kept], close[is_kept], HOUR_MS
    yield "every two months swapped", *swapped(ts, close), HOUR_MS
    yield "time turned round", ts[0] + ts[-1] - ts[::-1], close[::-1], HOUR_MS


def main(files: Sequence[str]) -> None:
    """Print both tables."""
    paths: dict[str, PricePath] = {}
    rows: dict[str, list[str]] = {}
    for file in files:
        market = load_market([Path(file)])
        ts, close = ts_ms(market.bars).astype(np.int64), market.bars["close"].to_numpy().astype(np.float64)
        bar_ms = interval_ms(market.interval)
        paths[Path(file).name] = path_of(ts, close, bar_ms)
        if bar_ms == HOUR_MS:
            for name, times, price, own_ms in (("as it is", ts, close, HOUR_MS), *stored(ts, close)):
                found = path_of(times, price, own_ms).spans_shared(paths[Path(file).name])
                rows.setdefault(name, []).append(str(len(found)))
    for name, found in rows.items():
        print(f"{name:<58} {', '.join(found)}")
    pairs, began = list(combinations(paths, 2)), time.process_time()
    mixed = [(one, other) for one, other in pairs if paths[one].spans_shared(paths[other])]
    seconds = (time.process_time() - began) / max(len(pairs), 1)
    print(f"{len(mixed):,} of {len(pairs):,} pairs taken for one market: {mixed[:9]}; {seconds * 1e3:.0f} ms a pair")


if __name__ == "__main__":
    main(sys.argv[1:])
