"""What it costs to hold a position: funding that was settled on the way, and borrowing by the time."""

from collections.abc import Iterable
from typing import NamedTuple, Self

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.outside import outside_values
from tradsys.core.time import HOUR_MS, YEAR_MS, stamp, ts_ms

CONSTANT_HOURS = 8
"""A constant rate is settled at 00, 08 and 16 UTC."""


class Settlements(NamedTuple):
    """An exchange's funding times (ms, UTC, rising), what a long paid there as a fraction of its notional, and after
    how many hours; each (n,). `hours` is NaN where it is not given and no settlement came before.
    """

    times: IntArray
    rates: FloatArray
    hours: FloatArray

    @classmethod
    def of(cls, times: IntArray, rates: FloatArray, hours: FloatArray | None = None) -> Self:
        """Checked; hours that are not given are those since the settlement before."""
        n = len(times)
        given = np.full(n, np.nan) if hours is None else np.asarray(hours, np.float64)
        if len(rates) != n or len(given) != n or not np.isfinite(rates).all():
            raise DataError(f"{n} funding times need a finite rate each; drop or mend the others")
        steps = np.diff(times)
        if (steps <= 0).any():
            raise DataError(
                f"funding times must rise, that of {stamp(int(times[1:][steps <= 0][0]))} does not; sort them and keep "
                "each once"
            )
        since = np.append(np.nan, steps / HOUR_MS)[:n]
        return cls(np.asarray(times, np.int64), np.asarray(rates, np.float64), np.where(given > 0, given, since))

    @classmethod
    def constant(cls, rate: float, first: int, last: int) -> Self:
        """The same rate every eight hours, from the last time before `first` on until `last` (ms)."""
        every = CONSTANT_HOURS * HOUR_MS
        times = every * np.arange((first - 1) // every, last // every + 1)
        return cls(times, np.full(len(times), rate), np.full(len(times), float(CONSTANT_HOURS)))


class Funding(NamedTuple):
    """One symbol's funding, row for row of its bars, each (n_bars,).

    `due` is settled after the close of the bar before, or at it, and no later than this bar's open; `within` after its
    open and before its close: what a long pays, as a fraction of the notional at the open. `rate` is the last one that
    was settled before the close, `hours` its interval and `age_h` how long ago that was; NaN before the first.
    """

    due: FloatArray
    within: FloatArray
    rate: FloatArray
    hours: FloatArray
    age_h: FloatArray

    @classmethod
    def none(cls, n_bars: int) -> Self:
        """Nothing is ever paid: the constant rate of 0."""
        nothing = np.zeros(n_bars)
        return cls(nothing, nothing, nothing, np.full(n_bars, float(CONSTANT_HOURS)), nothing)

    def columns(self) -> dict[str, FloatArray]:
        """As columns of bars: `funding_due` and so on."""
        return {f"funding_{name}": values for name, values in self._asdict().items()}


COLUMNS = tuple(f"funding_{name}" for name in Funding._fields)


def settle(ts: IntArray, bar_ms: int, settlements: Settlements) -> Funding:
    """Each settlement given to the bar that pays it, and to every bar what it knew at its close.

    `ts` (n_bars,) are opens in ms. A settlement in a hole falls due at the next open; one before the first open or
    after the last close at none.
    """
    times, rates, hours = settlements
    row = np.searchsorted(ts, times, side="right") - 1
    opened = times == ts[np.maximum(row, 0)]
    inside = ~opened & (row >= 0) & (times < ts[np.maximum(row, 0)] + bar_ms)
    payer = np.where(opened | inside, row, row + 1)
    there = (row >= 0) & (payer < len(ts))
    due, within = (_summed(payer[part], rates[part], len(ts)) for part in (there & ~inside, there & inside))
    known = np.searchsorted(times, ts + bar_ms, side="left") - 1  # strictly before the close
    last = np.maximum(known, 0)
    rate, every, age_h = (
        np.where(known >= 0, values, np.nan)
        for values in (
            (rates[last], hours[last], (ts + bar_ms - times[last]) / HOUR_MS) if len(times) else (np.nan,) * 3
        )
    )
    return Funding(due, within, rate, every, age_h)


def _summed(row: IntArray, rates: FloatArray, n_bars: int) -> FloatArray:
    return np.bincount(row, weights=rates, minlength=n_bars).astype(np.float64)  # integers where there is no rate


def funding_of(bars: pl.DataFrame, costs: Costs, bar_ms: int) -> Funding:
    """One symbol's funding: its columns where the bars carry them, else the constant of the costs."""
    if any(name in bars.columns for name in COLUMNS):
        if costs.funding_bps_per_8h:
            raise ConfigError(
                f"bars that carry the funding that was settled leave no room for a constant, found "
                f"costs.funding_bps_per_8h = {costs.funding_bps_per_8h:g}; set it to 0 or leave --funding out"
            )
        return Funding(*(outside_values(bars, name) for name in COLUMNS))
    ts = ts_ms(bars)
    if not costs.funding_bps_per_8h or not len(ts):
        return Funding.none(len(ts))
    rate = costs.funding_bps_per_8h / 1e4
    return settle(ts, bar_ms, Settlements.constant(rate, int(ts[0]), int(ts[-1]) + bar_ms))


class Carry(NamedTuple):
    """Quote that one unit of the base costs in each bar, (n_rows,): up to its open (`due`), and after it (`within`).

    Funding is what a long pays and a short receives; borrowing is what a short pays.
    """

    funding_due: FloatArray
    funding_within: FloatArray
    borrow_due: FloatArray
    borrow_within: FloatArray


def carry_of(bars: pl.DataFrame, costs: Costs, bar_ms: int) -> Carry:
    """One symbol's carry, from its funding columns or the constant of the costs, and the costs' rate of borrowing."""
    funding = funding_of(bars, costs, bar_ms)
    ts, price = ts_ms(bars), bars["open"].to_numpy().astype(np.float64)
    per_ms = costs.borrow_bps_per_year / 1e4 / YEAR_MS
    waited = np.append(0, np.diff(ts) - bar_ms)[: len(ts)]
    return Carry(funding.due * price, funding.within * price, per_ms * waited * price, per_ms * bar_ms * price)


def end_to_end(carries: Iterable[Carry]) -> Carry:
    """Several symbols' carry, one after the other."""
    return Carry(*(np.concatenate(parts) for parts in zip(*carries, strict=True)))


def held(
    carry: Carry,
    side: int | IntArray,
    first: IntArray,
    last: IntArray,
    is_inside: BoolArray,
    *,
    enters_inside: bool = False,
) -> tuple[FloatArray, FloatArray]:
    """Funding and borrowing in quote per unit of base, (n_positions,) each, from the open of row `first` on.

    Positions end in row `last`: at its close, or inside it where `is_inside`. Negative funding was received. Where they
    were entered inside row `first`, as `enters_inside` says of all, nothing was received in it.
    """
    funding = side * (_between(carry.funding_due, carry.funding_within, first, last))
    inside = side * carry.funding_within[last]
    if enters_inside:
        is_inside = is_inside | (first == last)
        funding = funding - np.where(first < last, np.minimum(side * carry.funding_within[first], 0.0), 0.0)
    funding = funding + np.where(is_inside, np.maximum(inside, 0.0), inside)
    borrow = _between(carry.borrow_due, carry.borrow_within, first, last) + carry.borrow_within[last]
    return funding, np.where(np.asarray(side) < 0, borrow, 0.0)


def _between(due: FloatArray, within: FloatArray, first: IntArray, last: IntArray) -> FloatArray:
    """What is paid after the open of row `first` and up to the open of row `last`."""
    cumulative = np.cumsum(due) + np.append(0.0, np.cumsum(within)[:-1])
    return np.asarray(cumulative[last] - cumulative[first], dtype=np.float64)
