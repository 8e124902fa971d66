"""What looks wrong in bars that are possible: dropped where the signs agree, else named and left for a person."""

from contextlib import suppress

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.core.bars import Ohlcv, quality_report, split_symbols, to_arrays
from tradsys.core.defects import ROW
from tradsys.core.errors import NotEnoughBars
from tradsys.core.time import DAY_MS, commonest_step, stamp
from tradsys.core.traded import traded_bars
from tradsys.data.repairs import N_SHOWN, Repair, describe, gaps_left

AROUND = 48
MIN_BARS = 100
SPIKE_RANGE, SPIKE_RATIO = 1.0, 10.0
"""A high of more than twice the low, and a span this many times that of the bars around."""
BREAK_SHARE = 0.1
"""A close this far from the next open, in typical ranges, is a break; only where such breaks are rare."""
THIN_VOLUME, THIN_RANGE = 0.6, 0.75
"""A broken bar is thin when it holds less than these shares of what the bars around it hold."""
MIN_THIN, MIN_EXCESS = 3, 4.0
"""Thin breaks are partial bars when there are this many, and this many standard deviations more than by chance."""
MIN_SESSIONS, SATURDAY = 10, 6


def settle_suspects(bars: pl.DataFrame, place: str) -> tuple[pl.DataFrame, tuple[Repair, ...]]:
    """The bars without those fetched before they had closed, and all that looks wrong, each kind with its rows.

    Spikes, single breaks between bars, bars without volume and gaps are named and left.
    """
    is_pooled = "symbol" in bars.columns
    kept: list[pl.DataFrame] = []
    found: list[Repair] = []
    for symbol, frame in split_symbols(bars).items():
        of = f" of {symbol}" if is_pooled else ""
        a = to_arrays(frame)
        breaks = _breaks(a)
        partial = _partial(a, breaks)
        spikes = _spikes(a)
        what = f"stale partial bars{of}, thin and ending away from the next open, dropped"
        found += _tell(frame, place, "stale partial bars", what, partial, changed=True)
        what = f"highs of over twice the low{of}, unlike the bars around: wrong ticks?"
        found += _tell(frame, place, "spike", what, spikes & ~partial)
        what = (
            f"closes far from the next open{of} in a market that otherwise trades on: fetched before they had closed? "
            "shorter bars as `parts` of validate_bars would tell"
        )
        found += _tell(frame, place, "break", what, breaks & ~partial)
        unfilled = "" if traded_bars(a.volume).all() else ", in which no order is filled"
        found += _tell(frame, place, "zero volume", f"bars without volume{of}{unfilled}", (a.volume == 0) & ~partial)
        if partial.any():
            frame = frame.filter(~partial)
        kept.append(frame.select(pl.lit(symbol).alias("symbol"), pl.all()) if is_pooled else frame)
    settled = pl.concat(kept)
    with suppress(NotEnoughBars):
        found += gaps_left(quality_report(settled).gaps)
    return settled, (*found, *sessions_noticed(settled))


def sessions_noticed(bars: pl.DataFrame) -> list[Repair]:
    """The repair that says of markets which close at weekends that their sessions are not modelled; else none.

    Markets whose bars open on two weeks' days or more, are no longer than a day, and never open on a Saturday (UTC).
    """
    closed = []
    for symbol, frame in split_symbols(bars).items():
        days = frame["ts"].dt.date().unique()
        steps = np.diff(frame["ts"].dt.epoch("ms").to_numpy())
        if len(days) >= MIN_SESSIONS and commonest_step(steps) <= DAY_MS and not (days.dt.weekday() == SATURDAY).any():
            closed.append(symbol)
    if not closed:
        return []
    named = f" of {', '.join(closed)}" if "symbol" in bars.columns else ""
    sentence = (
        f"no bar{named} opens on a Saturday: a market with sessions, which are not modelled; the hours in which it is "
        "closed count as gaps, a stop may fill far from its price after them, and annual figures use 365 days"
    )
    return [Repair("sessions", len(bars), (), sentence, changed=False)]


def _tell(
    bars: pl.DataFrame, place: str, kind: str, what: str, mask: BoolArray, *, changed: bool = False
) -> list[Repair]:
    if not mask.any():
        return []
    rows = bars[np.flatnonzero(mask)[:N_SHOWN].tolist()].select(ROW, pl.col("ts").dt.epoch("ms"))
    names = [f"{place} {row} ({stamp(ms)})" for row, ms in rows.iter_rows()]
    sentence = what if changed else f"{what}; left as they are"
    return [describe(kind, sentence, int(mask.sum()), names, changed=changed)]


def _typical(x: FloatArray) -> FloatArray:
    """Median of each block of bars, given to every bar of it, shape (n_bars,)."""
    n_blocks = len(x) // AROUND
    blocks = np.median(x[: n_blocks * AROUND].reshape(n_blocks, AROUND), axis=1)
    rest = np.full(len(x) - n_blocks * AROUND, np.median(x[-AROUND:]))
    return np.concatenate([np.repeat(blocks, AROUND), rest])


def _spikes(a: Ohlcv) -> BoolArray:
    spread = a.high / a.low - 1
    wide: BoolArray = spread > SPIKE_RANGE
    if wide.any() and len(a) >= MIN_BARS:
        wide &= spread > SPIKE_RATIO * _typical(spread)
    return wide


def _breaks(a: Ohlcv) -> BoolArray:
    """Bars whose close is far from the next bar's open, where the two usually meet and no bar is missing between."""
    breaks = np.zeros(len(a), dtype=bool)
    if len(a) < MIN_BARS:
        return breaks
    is_outage = (a.volume == 0) & (a.high == a.low)  # the market stood still: the next open is not meant to continue it
    typical = _typical(a.high / a.low - 1)[:-1]
    steps = np.diff(a.ts)
    usable = (steps == commonest_step(steps)) & (typical > 0) & ~is_outage[:-1]
    jump = np.abs(a.open[1:] / a.close[:-1] - 1)[usable] / typical[usable]
    if len(jump) and np.median(jump) < BREAK_SHARE / 10:
        breaks[:-1][usable] = jump > max(BREAK_SHARE, 5 * np.quantile(jump, 0.99))
    return breaks


def _partial(a: Ohlcv, breaks: BoolArray) -> BoolArray:
    """Those breaks that stand for bars fetched before they had closed: they hold little volume and little range.

    Only where breaks fall on thin bars far more often than thin bars are frequent: true gaps of a market do not.
    """
    if breaks.sum() < MIN_THIN:
        return np.zeros_like(breaks)
    spread = a.high - a.low
    thin = (a.volume < THIN_VOLUME * _typical(a.volume)) & (spread < THIN_RANGE * _typical(spread))
    partial: BoolArray = breaks & thin
    by_chance = thin.mean() * breaks.sum()
    is_many = partial.sum() >= max(MIN_THIN, by_chance + MIN_EXCESS * np.sqrt(by_chance))
    return partial if is_many else np.zeros_like(breaks)
