"""Markets whose fair price is a martingale and whose bars are made of trades at a bid and an ask."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.bars import OHLCV, TS
from tradsys.core.errors import ConfigError
from tradsys.core.seeds import generator
from tradsys.core.time import DAY_MS, HOUR_MS, YEAR_MS, interval_ms, to_ms
from tradsys.data.simulate.kernel import MAX_STEP
from tradsys.data.simulate.prints import FIRST_PRICE, Quoting, draw_prints, draw_spread
from tradsys.data.simulate.recipes import ANNUAL_VOLATILITY, Recipe, parse_recipe

START = datetime(2019, 1, 1, tzinfo=UTC)
QUOTES: Final = ("bid_open", "ask_open", "bid_close", "ask_close")
_FOR_TRADES: Final = ("tick", "rounding", "persistence", "opens_at_close", "washes", "bad_share", "bad_size")
_LOG_SD, _LOG_SD_DECAY = 0.5, 0.995  # of an hour's log standard deviation
_SATURDAY: Final = 5
_SUB_BARS: Final = 6
"""Steps in a bar of markets whose feed is late or averaged."""


@dataclass(frozen=True, slots=True)
class Printed:
    """Bars as a vendor tells them, (n, 5), and what one could have traded at their true opens and closes, (n, 4)."""

    ts: IntArray
    bars: FloatArray
    quotes: FloatArray

    def frame(self) -> pl.DataFrame:
        """The bars as a frame."""
        return bars_frame(self.ts, self.bars)

    def tradable(self) -> pl.DataFrame:
        """Time and bid and ask at each bar's true open and close."""
        columns = (pl.Series(name, self.quotes[:, i].copy()) for i, name in enumerate(QUOTES))
        return pl.DataFrame([pl.Series("ts", self.ts).cast(TS), *columns])

    def kept(self, rows: FloatArray | IntArray) -> "Printed":
        """Those rows alone."""
        return Printed(self.ts[rows], self.bars[rows], self.quotes[rows])


def bars_frame(ts: IntArray, ohlcv: FloatArray) -> pl.DataFrame:
    """A frame of bars from their opens in ms and open, high, low, close, volume, (n, 5)."""
    columns = (pl.Series(name, ohlcv[:, i].copy()) for i, name in enumerate(OHLCV))
    return pl.DataFrame([pl.Series("ts", ts).cast(TS), *columns])


def quoting_of(recipe: Recipe) -> Quoting | None:
    """How the recipe's market trades; None where its bars are fair prices without a bid and an ask."""
    percent, bps = recipe.number / 100, recipe.number / 1e4
    kinds = {
        "ticks": Quoting(tick=percent * FIRST_PRICE, persistence=0.8),
        "bounce": Quoting(spread=bps, opens_at_close=True),
        "thin": Quoting(spread=0.006, rate=3.0, persistence=0.8, opens_at_close=True),
        "rounded": Quoting(rounding=percent * FIRST_PRICE),
        "illiquid": Quoting(spread=0.01, rate=0.7),
        "wash": Quoting(spread=0.01, rate=0.7, washes=True),
        "spread-regimes": Quoting(spread=2e-4, wide_spread=0.008, persistence=0.5),
        "storms": Quoting(spread=2e-4, wide_spread=0.015, wide_share=0.05, wide_stay=8.0, persistence=0.9),
        "bad-prints": Quoting(spread=2e-4, opens_at_close=True, bad_share=0.01, bad_size=0.02),
        "weekends": Quoting(spread=2e-4, closes_weekends=True),
        "averaged": Quoting(),
    }
    return kinds.get(recipe.family)


def printed_market(text: str, *, seed: int, n_bars: int, interval: timedelta) -> Printed:
    """One symbol's bars and quotes; fewer bars are the first of more."""
    recipe = parse_recipe(text)
    quoting = quoting_of(recipe)
    if quoting is None:
        raise ConfigError(f"{text} is no market of bids and asks; draw its bars with simulate")
    step = interval_ms(interval)
    if recipe.family == "averaged":
        return _averaged(recipe, quoting, seed, n_bars, step)
    ts = opens(n_bars, step)
    shocks = generator(seed, "simulate", recipe.name, step, "shocks").standard_normal(n_bars)
    sd = deviations(seed, recipe.name, ts, step)
    printed = prints(seed, recipe.name, quoting, ts, np.clip(sd * shocks, -MAX_STEP, MAX_STEP), sd, step)
    if quoting.closes_weekends:
        weekday = (ts // DAY_MS + 3) % 7  # 1970 began on a Thursday
        return printed.kept(np.flatnonzero(weekday < _SATURDAY))
    return printed


def opens(n_bars: int, step: int) -> IntArray:
    """Opens of the bars, ms, (n_bars,)."""
    if n_bars < 1:
        raise ConfigError(f"a market needs at least one bar, asked for {n_bars}")
    return to_ms(START) + step * np.arange(n_bars, dtype=np.int64)


def deviations(seed: int, name: str, ts: IntArray, step: int) -> FloatArray:
    """Standard deviation of each bar's fair return: seasons of the day times a slow log-normal part, (n_bars,)."""
    from scipy.signal import lfilter  # takes half a second to import, which a command without such a market need not

    decay = _LOG_SD_DECAY ** (step / HOUR_MS)
    noise = generator(seed, "simulate", name, step, "volatility").standard_normal(len(ts))
    log_sd = lfilter([_LOG_SD * np.sqrt(1.0 - decay**2)], [1.0, -decay], noise)
    season = 1.0 + 0.35 * np.sin(2.0 * np.pi * ((ts % DAY_MS) / HOUR_MS - 9.0) / 24.0)
    return np.asarray(ANNUAL_VOLATILITY * np.sqrt(step / YEAR_MS) * season * np.exp(log_sd - _LOG_SD**2))


def prints(
    seed: int, name: str, quoting: Quoting, ts: IntArray, moves: FloatArray, sd: FloatArray, step: int
) -> Printed:
    """The trades around a fair price that makes these moves, as bars of `step` ms."""
    spread = np.full(len(ts), quoting.spread)
    if quoting.wide_spread:
        rng = generator(seed, "simulate", name, step, "spread")
        stay = quoting.wide_stay * HOUR_MS / step
        spread = draw_spread(rng, len(ts), quoting.spread, quoting.wide_spread, quoting.wide_share, stay)
    kind = asdict(quoting)
    ours = {key: kind[key] for key in _FOR_TRADES}
    rng = generator(seed, "simulate", name, step, "prints")
    return Printed(ts, *draw_prints(rng, moves, sd, spread, rate=quoting.rate * step / HOUR_MS, **ours))


def sub_bars(
    seed: int, name: str, quoting: Quoting, n_bars: int, step: int, before: int, shocks: FloatArray
) -> Printed:
    """Sub-bars of a market, `before` of them in front of its first bar; `shocks` (their number,) are standard."""
    part = step // _SUB_BARS
    ts = to_ms(START) + part * np.arange(-before, n_bars * _SUB_BARS, dtype=np.int64)
    sd = deviations(seed, name.partition("/")[0], ts, part)
    return prints(seed, name, quoting, ts, np.clip(sd * shocks, -MAX_STEP, MAX_STEP), sd, part)


def joined(parts: FloatArray) -> FloatArray:
    """Bars, (n, 5), from their sub-bars, (n * 6, 5)."""
    by_bar = parts.reshape(-1, _SUB_BARS, 5)
    first, last = by_bar[:, 0], by_bar[:, -1]
    high, low = by_bar[:, :, 1].max(axis=1), by_bar[:, :, 2].min(axis=1)
    return np.column_stack([first[:, 0], high, low, last[:, 3], by_bar[:, :, 4].sum(axis=1)])


def late(parts: Printed, n_bars: int, step: int, delay: int) -> Printed:
    """Bars of a feed that tells trades `delay` sub-bars after they were made, and what one could trade at in truth."""
    n = n_bars * _SUB_BARS
    before = len(parts.ts) - n
    told, true = parts.bars[before - delay : before - delay + n], parts.quotes[before:].reshape(-1, _SUB_BARS, 4)
    return Printed(opens(n_bars, step), joined(told), np.hstack([true[:, 0, :2], true[:, -1, 2:]]))


def _averaged(recipe: Recipe, quoting: Quoting, seed: int, n_bars: int, step: int) -> Printed:
    """An index of a price's mean over the last hours, which nobody trades at."""
    window = round(recipe.number * HOUR_MS / (step // _SUB_BARS))
    n = n_bars * _SUB_BARS + window
    shocks = generator(seed, "simulate", recipe.name, step, "shocks").standard_normal(n)
    parts = sub_bars(seed, recipe.name, quoting, n_bars, step, window, shocks)
    sums = np.cumsum(np.append(0.0, parts.bars[:, 3]))
    mean = (sums[window:] - sums[:-window]) / window
    path = np.column_stack([mean[:-1], np.maximum(mean[1:], mean[:-1]), np.minimum(mean[1:], mean[:-1]), mean[1:]])
    told = Printed(parts.ts[window:], np.column_stack([path, parts.bars[window:, 4]]), parts.quotes[window:])
    return late(told, n_bars, step, 0)
