"""Labels, fills and funding rates that were used before they were known, found without computing anything again."""

from typing import NamedTuple

import numpy as np
import polars as pl

from tradsys.backtest.margin_spec import LIQUIDATION
from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.bars import to_arrays
from tradsys.core.carry import COLUMNS, Funding
from tradsys.core.limit_entry import LimitEntry
from tradsys.core.outside import outside_values
from tradsys.core.time import HOUR_MS, interval_ms, ts_ms
from tradsys.core.traded import NoVolume, TradedBars
from tradsys.research.lookahead.findings import Search
from tradsys.research.walk.experiment import Outcome
from tradsys.research.walk.experiment_spec import Experiment


def unknown_training_labels(search: Search, outcome: Outcome) -> None:
    """Rows of a training part whose outcome was not known yet when the test block opened."""
    for result in outcome.results:
        fold = result.fold
        for rows, (symbol, labels) in zip(fold.train, outcome.data.labels.items(), strict=True):
            end = labels.end.max(axis=1)
            ends, opens = (np.searchsorted(search.closes, when, side="right") for when in (end, fold.opens))
            ahead = np.where(rows, np.maximum(ends - opens, 0), 0)
            search.add_all("training rows", symbol, labels.start, {f"labels of fold {fold.index + 1}": ahead})


def premature_fills(search: Search, outcome: Outcome, spec: Experiment) -> None:
    """Trades that nobody had decided yet, that did not enter at the next open, or left where their bar never was.

    The next open is that of the next bar with trades where entries wait; one in a bar without trades is none.
    """
    for profile in spec.profiles:
        trades = outcome.simulations[profile.name].trades
        for symbol, frame in outcome.data.frames.items():
            forecasts = [result.forecasts[symbol] for result in outcome.results]
            starts = np.concatenate([one.start for one in forecasts])
            action = np.concatenate([profile.decide(one).action for one in forecasts])
            mine = trades.filter(pl.col("symbol") == symbol)
            closes = outcome.data.labels[symbol].start
            atr = np.concatenate([one.atr for one in forecasts])
            faults = {
                "decided": _undecided(mine, starts, action),
                "target": _other_target(mine, starts, atr, spec),
                **_fills(mine, frame, closes, spec.portfolio.no_volume, _resting(mine, starts, atr, spec)),
            }
            search.add_all(f"fills of {profile.name}", symbol, mine["decided"].dt.epoch("ms").to_numpy(), faults)


def premature_funding(search: Search, outcome: Outcome) -> None:
    """Rates of funding that a bar carries before the bars say that they had been settled."""
    bar_ms = interval_ms(outcome.data.interval)
    for symbol, frame in outcome.data.frames.items():
        if not set(COLUMNS) <= set(frame.columns):
            continue
        funding = Funding(*(outside_values(frame, name) for name in COLUMNS))
        ahead = _unsettled(funding, ts_ms(frame), bar_ms)
        search.add_all("funding known", symbol, outcome.data.labels[symbol].start, {"funding_rate": ahead})


def _unsettled(funding: Funding, ts: IntArray, bar_ms: int) -> IntArray:
    """Bars until a rate that is new in a row was paid, 0 where it had been.

    Rows after a hole, and bars longer than the interval, tell of several settlements at once and are left out.
    """
    is_new = np.append(False, (funding.rate[1:] != funding.rate[:-1]) & np.isfinite(funding.rate[:-1]))
    is_single = np.append(False, np.diff(ts) == bar_ms) & (funding.hours * HOUR_MS >= bar_ms)
    late = is_new & is_single & (funding.rate != funding.due) & (funding.rate != funding.within)
    ahead = np.zeros(len(ts), np.int64)
    for row in np.flatnonzero(late):
        paid = (funding.due[row + 1 :] == funding.rate[row]) | (funding.within[row + 1 :] == funding.rate[row])
        ahead[row] = int(paid.argmax()) + 1 if paid.any() else 1
    return ahead


def _undecided(trades: pl.DataFrame, starts: IntArray, action: IntArray) -> IntArray:
    """Decisions until the profile decides what each trade did, 0 where it had decided so."""
    decided, side = trades["decided"].dt.epoch("ms").to_numpy(), trades["side"].to_numpy()
    late = np.zeros(len(trades), np.int64)
    for one in (1, -1):
        rows = np.searchsorted(starts, decided[side == one])
        decisions = np.append(np.flatnonzero(action == one), len(starts))
        late[side == one] = decisions[np.searchsorted(decisions, rows)] - rows
    return np.maximum(late, ~np.isin(decided, starts))


def _other_target(trades: pl.DataFrame, starts: IntArray, atr: FloatArray, spec: Experiment) -> IntArray:
    """1 where a target does not stand where the volatility at the decision puts it: a later bar's put it there."""
    entry, side = trades["entry_price"].to_numpy(), trades["side"].to_numpy()
    wanted = entry + side * spec.barriers.upper * _pace(trades, starts, atr)
    is_near = np.abs(trades["target"].to_numpy() - wanted) <= spec.instrument.tick + 1e-9 * entry
    return np.where(is_near, 0, 1)


def _pace(trades: pl.DataFrame, starts: IntArray, atr: FloatArray) -> FloatArray:
    """The pace that each trade's distances are multiples of: that of its decision."""
    rows = np.searchsorted(starts, trades["decided"].dt.epoch("ms").to_numpy())
    return np.asarray(atr[np.minimum(rows, len(atr) - 1)])


class _Resting(NamedTuple):
    """How each trade's order rested in the book: the rule, the distance to its stop (n_trades,), and the tick."""

    entry: LimitEntry
    stop_distance: FloatArray
    tick: float


def _resting(trades: pl.DataFrame, starts: IntArray, atr: FloatArray, spec: Experiment) -> _Resting | None:
    entry = spec.portfolio.entry
    if entry is None:
        return None
    return _Resting(entry, spec.barriers.lower * _pace(trades, starts, atr), spec.instrument.tick)


def _fills(
    trades: pl.DataFrame,
    frame: pl.DataFrame,
    closes: IntArray,
    no_volume: NoVolume = "lapse",
    resting: _Resting | None = None,
) -> dict[str, IntArray]:
    """How many bars too early each trade had its times and prices, 0 where they are in order.

    A limit order has its price from the open that it was sent at, and is filled by a bar that trades through it, before
    it has lapsed.

    A position that was liquidated left at the price at which nothing of the account was left, which no bar need have.
    """
    bars = to_arrays(frame)
    decided, entered, left = (trades[name].dt.epoch("ms").to_numpy() for name in ("decided", "entry_ts", "exit_ts"))
    entry_price, exit_price = trades["entry_price"].to_numpy(), trades["exit_price"].to_numpy()
    traded = TradedBars.of(bars.volume)
    allowed = np.searchsorted(bars.ts, decided)
    if no_volume == "wait":
        allowed = traded.next[allowed]
    entry, exit_ = np.searchsorted(bars.ts, entered), np.searchsorted(closes, left)
    exit_ = np.minimum(exit_, len(bars) - 1)  # one may be liquidated by others after its own last bar
    is_liquidated = (trades["reason"] == LIQUIDATION).to_numpy()
    was_there = (bars.low[exit_] <= exit_price) & (exit_price <= bars.high[exit_])
    wanted, is_in_time = bars.open[np.minimum(allowed, len(bars) - 1)], entry == allowed
    if resting is not None:
        limit, side = resting.entry, trades["side"].to_numpy()
        wanted = limit.price(wanted, side, resting.stop_distance, resting.tick)
        is_through = np.where(side > 0, bars.low[entry] < entry_price, bars.high[entry] > entry_price)
        is_in_time = (entry >= allowed) & (entry < allowed + limit.bars) & is_through
    return {
        "entry_ts": np.where(is_in_time & traded.is_traded[entry], 0, np.maximum(allowed - entry, 1)),
        "entry_price": np.where(entry_price == wanted, 0, 1),
        "exit_ts": np.where(exit_ >= entry, 0, entry - exit_),
        "exit_price": np.where(was_there | is_liquidated, 0, 1),
    }
