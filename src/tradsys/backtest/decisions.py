"""From the predictor's decisions to trades that could be filled: rows, prices and barriers of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from tradsys.backtest.grid import Grid
from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.costs import Instrument
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.limit_entry import LimitEntry
from tradsys.core.orders import has_barriers, to_tick
from tradsys.core.time import stamp
from tradsys.core.traded import NoVolume
from tradsys.labels.barriers import BarrierSpec

UNSOLD: Final = "unsold"
"""Why a trade ended at the end of the time: nobody traded since its time limit, and it is valued at the last price."""

_DISTANCES = ("stop_distance", "target_distance", "horizon")


@dataclass(frozen=True, slots=True)
class Orders:
    """Entries that fit into the simulated time, each (n_orders,).

    `symbol` numbers the grid's symbols, `decided` is the decision time in milliseconds, `first` and `last` are the row
    that the order is sent in and the row of the time barrier among the grid's rows, `weight` is the wanted share of
    equity. `entry` is the price: the open of `first`, or what a limit order rests at until the row `rests_until`, which
    is None of market orders.
    """

    symbol: IntArray
    decided: IntArray
    side: IntArray
    weight: FloatArray
    first: IntArray
    last: IntArray
    entry: FloatArray
    target: FloatArray
    stop: FloatArray
    n_outside: int
    n_no_volume: int
    n_without_barriers: int
    n_waiting: int
    rests_until: IntArray | None = None

    def __len__(self) -> int:
        return len(self.first)


def read_orders(
    decisions: pl.DataFrame,
    market: Mapping[str, pl.DataFrame],
    grid: Grid,
    instruments: list[Instrument],
    fraction: float,
    barriers: BarrierSpec | None,
    no_volume: NoVolume,
    delay: int = 0,
    entry: LimitEntry | None = None,
) -> Orders:
    """The orders behind all decisions whose action is not 0, each sent `delay` bars after the next open.

    Left out, and counted: those that would fill before the grid starts or whose horizon passes its end, as labels are
    censored; those in whose bar nobody trades, or with `no_volume="wait"` nobody within the horizon; those without
    barriers, where a distance is not positive or, rounded to ticks, less than one; and of several that wait for the
    same open all but the one that was decided first.
    """
    acted = _acted(decisions)
    unknown = sorted(set(acted["symbol"].unique()) - set(grid.symbols))
    if unknown:
        raise DataError(f"decisions on {', '.join(unknown)} have no bars; the market holds {', '.join(grid.symbols)}")
    parts = [_symbol_orders(acted, s, market, grid, barriers) for s in range(len(grid.symbols))]
    symbol, decided, side, weight, row, horizon, stop_distance, target_distance = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    row = row + delay  # everything comes later: the entry, and with it barriers and time limit
    last = row + horizon
    fits = (row + 1 >= grid.window[symbol, 0]) & (last < grid.window[symbol, 1])
    first = np.full(len(row), -1)
    first[fits] = grid.traded.entries(row[fits], horizon[fits], no_volume)
    k = np.flatnonzero(first >= 0)
    price, own_side = grid.prices.open[first[k]], side[k]
    tick = np.array([instrument.tick for instrument in instruments])[symbol[k]]
    if entry is not None:
        price = entry.price(price, own_side, stop_distance[k], tick)
    target = to_tick(price + own_side * target_distance[k], tick)
    stop = to_tick(price - own_side * stop_distance[k], tick)
    is_bounded = has_barriers(price, own_side, target, stop, tick)
    is_first = _decided_first(first[k], decided[k], is_bounded)
    kept = k[is_first]
    return Orders(
        symbol=symbol[kept],
        decided=decided[kept],
        side=side[kept],
        weight=fraction * weight[kept],
        first=first[kept],
        last=last[kept],
        entry=price[is_first],
        target=target[is_first],
        stop=stop[is_first],
        n_outside=int(np.count_nonzero(~fits)),
        n_no_volume=int(np.count_nonzero(fits & (first < 0))),
        n_without_barriers=int(np.count_nonzero(~is_bounded)),
        n_waiting=int(np.count_nonzero(is_bounded & ~is_first)),
        rests_until=None if entry is None else entry.rests_until(first[kept], last[kept]),
    )


def instruments_of(instrument: Instrument | Mapping[str, Instrument], symbols: Sequence[str]) -> list[Instrument]:
    """That of each symbol; a ConfigError names those that have none."""
    if isinstance(instrument, Instrument):
        return [instrument] * len(symbols)
    if missing := [symbol for symbol in symbols if symbol not in instrument]:
        raise ConfigError(f"instruments are given by symbol, {', '.join(missing)} missing; Instrument() is the default")
    return [instrument[symbol] for symbol in symbols]


def _decided_first(first: IntArray, decided: IntArray, among: BoolArray) -> BoolArray:
    """Of the orders `among` that fill in the same row `first`, the one that was decided first; (n_orders,) each."""
    rows = np.flatnonzero(among)
    in_time = rows[np.argsort(decided[rows], kind="stable")]
    _, earliest = np.unique(first[in_time], return_index=True)
    chosen = np.zeros(len(first), bool)
    chosen[in_time[earliest]] = True
    return chosen


def _acted(decisions: pl.DataFrame) -> pl.DataFrame:
    """The decisions to enter; a DataError where any says what no decision can."""
    if missing := [name for name in ("symbol", "start", "action") if name not in decisions.columns]:
        raise DataError(
            f"decisions need the columns symbol, start and action, {', '.join(missing)} missing among "
            f"{', '.join(decisions.columns)}; pass what the predictor wrote"
        )
    if len(decisions) and decisions.schema["symbol"] not in (pl.String, pl.Categorical, pl.Enum):
        raise DataError(
            f"decisions need text as symbol, found {decisions.schema['symbol']}; name it as the market does"
        )
    if not isinstance(decisions.schema["start"], pl.Datetime):
        raise DataError(f"decisions need times in `start`, found {decisions.schema['start']}; cast it to Datetime")
    for name in ("symbol", "start"):
        if n := decisions[name].null_count():
            raise DataError(f"{n} of {len(decisions)} decisions have no {name}; drop them or say it")
    action = pl.col("action")
    is_known = (action == 1) | (action == -1) | (action == 0)
    _refuse(decisions, "action", is_known, "1 (long), -1 (short) or 0 (stay out)")
    acted = decisions.filter(pl.col("action") != 0)
    if "horizon" in acted.columns:
        bars = pl.col("horizon")
        _refuse(acted, "horizon", (bars >= 1) & (bars == bars.floor()), "a whole number of bars, at least 1")
    return acted


def _refuse(decisions: pl.DataFrame, name: str, is_right: pl.Expr, wanted: str) -> None:
    """A DataError that shows the first decision whose column of that name is not right; null and NaN never are."""
    kind = decisions.schema[name]
    if not kind.is_numeric():
        if len(decisions):
            raise DataError(f"decisions need numbers as {name}, found {kind}; give {wanted}")
        return
    if kind.is_float():
        is_right &= pl.col(name).is_finite()
    wrong = decisions.filter(~is_right.fill_null(False))
    if len(wrong):
        first = wrong.row(0, named=True)
        raise DataError(
            f"{name} must be {wanted}; {len(wrong)} of {len(decisions)} decisions have another, the first is "
            f"{first[name]} of {first['symbol']} at {first['start']}"
        )


def _symbol_orders(
    acted: pl.DataFrame, s: int, market: Mapping[str, pl.DataFrame], grid: Grid, barriers: BarrierSpec | None
) -> tuple[np.ndarray, ...]:
    """Symbol, decision time, side, size, deciding row, horizon and both distances of one symbol's decisions."""
    name = grid.symbols[s]
    own = acted.filter(pl.col("symbol") == name)
    decided = own["start"].dt.epoch("ms").to_numpy()
    rows = grid.rows_closing_at(s, decided)
    if (rows < 0).any():
        raise DataError(
            f"a decision is taken at the close of a bar; {np.count_nonzero(rows < 0)} of {name} are not, the first at "
            f"{stamp(decided[rows < 0][0])}; pass `start` as the predictor wrote it"
        )
    if (np.diff(np.sort(rows)) == 0).any():
        raise DataError(f"{name} has several decisions for one bar; pass one profile's decisions at a time")
    if "size" in own.columns and not own.schema["size"].is_numeric():
        raise DataError(
            f"decisions need numbers as size, found {own.schema['size']}; give shares, 1 for a whole position"
        )
    size = own["size"].to_numpy().astype(np.float64) if "size" in own.columns else np.ones(len(own))
    is_share = np.isfinite(size) & (size >= 0)
    if not is_share.all():
        raise DataError(
            f"sizes must be finite shares of equity, not negative; {name} has {size[~is_share][0]} at "
            f"{stamp(decided[~is_share][0])}; give 0 or an action of 0 to stay out"
        )
    side = own["action"].to_numpy().astype(np.int64)
    stop_distance, target_distance, horizon = _distances(own, market[name], rows - grid.span[s, 0], barriers)
    return np.full(len(own), s), decided, side, size, rows, horizon, stop_distance, target_distance


def _distances(
    own: pl.DataFrame, bars: pl.DataFrame, rows: IntArray, barriers: BarrierSpec | None
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Stop, target and horizon of one symbol's decisions, taken at the closes of these rows of its bars."""
    missing = [name for name in _DISTANCES if name not in own.columns]
    if not missing:
        for name in _DISTANCES[:2]:
            if not own.schema[name].is_numeric():
                raise DataError(
                    f"decisions need numbers as {name}, found {own.schema[name]}; give it in the price's units"
                )
        stop, target = (own[name].to_numpy().astype(np.float64) for name in _DISTANCES[:2])
        beyond = len(bars)  # further than any bar, and never so far that a row number overflows
        return stop, target, own["horizon"].clip(upper_bound=beyond).cast(pl.Int64).to_numpy()
    if barriers is None:
        raise DataError(f"decisions lack {', '.join(missing)}; pass `barriers` to take them from the labels' spec")
    pace = barriers.pace(bars)[rows]
    return barriers.lower * pace, barriers.upper * pace, np.full(len(rows), barriers.horizon)
