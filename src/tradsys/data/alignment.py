"""Time stamps of others: pooled symbols and outside columns that tell a symbol's next bar better than its own."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.errors import ConfigError, DataError
from tradsys.core.outside import outside_columns, outside_values
from tradsys.core.time import HOUR_MS, interval_ms, stamp, ts_ms
from tradsys.data.lead_lag import CrossCorrelations, ranked, stretches
from tradsys.data.market import Market
from tradsys.data.misaligned import Alignment, Misaligned, refusal
from tradsys.data.panel import PricePanel

N_LAGS: Final = 24
"""Bars by which stamps are tried, to either side; whole hours up to `ZONES` beside them."""

ZONES: Final = 14
"""Hours by which a wrong time zone can be off."""

SLOW_LAGS: Final = 5
"""The same for columns that change more rarely than the bars, in their own changes."""

REFERENCES: Final = 12
"""Symbols, those with the most bars, with which every symbol of a larger pool is compared."""

TOO_GOOD: Final = 0.2
"""Rank correlation with the next bar above which a column is taken for one that was stamped too early.

No honest column tells a bar of a minute or more as well: on hourly bars it would be a Sharpe ratio of 18.
"""

TOO_GOOD_IN_SECONDS: Final = 0.5
"""The same for shorter bars, of which order books honestly tell a rank correlation of up to .4."""

TOO_GOOD_OF_SYMBOLS: Final = 0.1
"""The same for symbols that are pooled: no real market of hours or minutes follows others more than twice as well in
its next bar as in its own, however little (of 56 coins not one pair, at any size).
"""

_MINUTE_MS: Final = 60_000
_HALF: Final = 0.5


type Further = Callable[[pl.DataFrame], Mapping[str, FloatArray]]
"""Columns (n_bars,) of one symbol's bars that are none of the bars' own, by name."""


def check_alignment(market: Market, allow_lead: Sequence[str] = (), *, further: Further = lambda _: {}) -> Alignment:
    """Compare all pooled symbols and outside columns over time; a DataError where one was stamped at another time.

    `allow_lead` names symbols and columns that are taken as they are, `further` gives columns to compare beside those
    of the bars. All bars are compared, those of a lock-box too: it is a check of the data and tells nobody what
    anything earned.
    """
    frames = market.frames()
    found, n_rows, n_columns = [], 0, 0
    names = dict.fromkeys(frames)
    if len(frames) > 1:
        panel = PricePanel.of(frames, interval_ms(market.interval))
        n_rows = len(panel.times) if len(stretches(len(panel.times))) else 0
        found += pooled(panel, frames)
    for symbol, bars in frames.items():
        columns = {name: outside_values(bars, name) for name in checked_columns(bars)} | bought(bars)
        columns |= further(bars)
        names.update(dict.fromkeys(columns))
        n_columns += len(columns)
        n_rows = max(n_rows, len(bars) if columns and len(stretches(len(bars))) else 0)
        found += outside(symbol, bars, columns, market.interval)
    _check_names(names, allow_lead)
    refused = [one for one in found if one.is_too_good and not _is_allowed(one, allow_lead)]
    if refused:
        raise DataError(refusal(refused))
    return Alignment(
        len(frames),
        n_columns,
        n_rows,
        tuple(one for one in found if one.is_too_good),
        tuple(one for one in found if not one.is_too_good),
    )


def bought(bars: pl.DataFrame) -> dict[str, FloatArray]:
    """The share of each bar's volume that takers bought, (n_bars,), by the name of its column; empty without one.

    It goes with the bar's own return wherever it is the bar's own.
    """
    name = "taker_buy_volume"
    if name not in bars.columns:
        return {}
    taken, volume = (bars[one].cast(pl.Float64).fill_null(np.nan).to_numpy() for one in (name, "volume"))
    return {name: np.divide(taken, volume, out=np.full(len(bars), np.nan), where=volume > 0)}


def checked_columns(bars: pl.DataFrame) -> list[str]:
    """The outside columns with values of others: neither ages, nor ranks of the pool, nor what funding charges."""
    aside = ("rank_", "funding_due", "funding_within", "funding_hours")
    return [name for name in outside_columns(bars) if "_age_" not in name and not name.startswith(aside)]


def pooled(panel: PricePanel, frames: Mapping[str, pl.DataFrame]) -> list[Misaligned]:
    """Symbols whose bars go with the other symbols' bars before or after them."""
    spans = stretches(len(panel.times))
    if not len(spans):
        return []
    close = panel.spread({symbol: np.log(bars["close"].to_numpy()) for symbol, bars in frames.items()})
    moves = np.diff(close, axis=0, prepend=np.nan)
    ranks = ranked(moves, spans)
    n_symbols = len(panel.symbols)
    references = np.sort(np.argsort(-panel.is_there.sum(axis=0), kind="stable")[:REFERENCES])
    of_references = [one.only(references) for one in ranks]
    lags = _lags(panel.bar_ms)
    crossed = CrossCorrelations.of(ranks, of_references, lags)
    is_other = np.arange(n_symbols)[:, None] != references
    leads, shown, span = _leads(crossed, len(lags) * n_symbols, spans, panel.times)
    return list(_blamed(panel, shown, np.where(is_other, leads, 0), references, span))


def outside(
    symbol: str, bars: pl.DataFrame, columns: Mapping[str, FloatArray], interval: timedelta
) -> list[Misaligned]:
    """Columns of one symbol's bars that go with its returns after they were known, or long before."""
    closes = ts_ms(bars) + interval_ms(interval)
    close = np.log(bars["close"].to_numpy())
    found = []
    for name, values in columns.items():
        rows = _changes(values)
        is_slow = len(rows) < _HALF * np.isfinite(values).sum()
        spans = stretches(len(rows))
        if not len(spans):
            continue
        step_ms = int(np.median(np.diff(closes[rows])))
        own = np.diff(close[rows], prepend=np.nan)
        kinds = np.column_stack([values[rows], np.diff(values[rows], prepend=np.nan)])
        lags = tuple(range(-SLOW_LAGS, SLOW_LAGS + 1)) if is_slow else _lags(interval_ms(interval))
        crossed = CrossCorrelations.of(ranked(own[:, None], spans), ranked(kinds, spans), lags)
        unit = "change" if is_slow else "bar"
        one = _of_column(name, symbol, crossed, spans, closes[rows], unit, _too_good(step_ms))
        found += [one] if one is not None and (one.lag > 0 or not is_slow) else []
    return found


def _of_column(
    name: str, symbol: str, crossed: CrossCorrelations, spans: IntArray, times: IntArray, unit: str, too_good: float
) -> Misaligned | None:
    """The lead of a column's values or of their changes, whichever tells more."""
    leads, shown, span = _leads(crossed, 2 * len(crossed.lags), spans, times)
    there = [(shown.at(int(lag), 0, k), shown.at(0, 0, k), int(lag)) for k, lag in enumerate(leads[0]) if lag]
    if not there:
        return None
    then, own, lag = max(there, key=lambda one: (one[2] > 0, abs(one[0].value)))
    is_too_good = lag > 0 and abs(then.value) >= too_good
    return Misaligned(name, (symbol,), lag, then, own, unit, span, True, is_too_good)


def _blamed(
    panel: PricePanel, crossed: CrossCorrelations, leads: IntArray, references: IntArray, span: str
) -> Iterator[Misaligned]:
    """Who stands at another time than more than half of those that he goes with at all; else both of each pair."""
    if not leads.any():
        return
    related = (leads != 0) | crossed.is_related(0)
    related &= np.arange(len(leads))[:, None] != references
    most = {s: Counter(row[row != 0].tolist()).most_common(1)[0] for s, row in enumerate(leads) if row.any()}
    blamed = [s for s, (_, n) in most.items() if n > _HALF * related[s].sum()]
    for s in blamed or most:
        lag = most[s][0]
        columns = np.flatnonzero(leads[s] == lag)
        pairs = [(crossed.at(lag, s, int(b)), crossed.at(0, s, int(b)), int(b)) for b in columns]
        then, own, _ = max(pairs, key=lambda one: abs(one[0].value))
        others = tuple(panel.symbols[references[b]] for _, _, b in pairs)
        is_too_good = abs(then.value) >= TOO_GOOD_OF_SYMBOLS
        yield Misaligned(panel.symbols[s], others, lag, then, own, "bar", span, False, is_too_good)


def _leads(
    crossed: CrossCorrelations, n_tests: int, spans: IntArray, times: IntArray
) -> tuple[IntArray, CrossCorrelations, str]:
    """Lags of all pairs over the whole history, or else where parts of it show one, with the days of those parts."""
    leads = crossed.leads(n_tests)
    if leads.any():
        return leads, crossed, ""
    leads, chosen = crossed.leads_at_times(n_tests)
    if not chosen.any():
        return leads, crossed, ""
    shown = spans[chosen]
    first, last = (stamp(int(times[row]))[:10] for row in (shown[0, 0], shown[-1, 1] - 1))
    return leads, crossed.of_stretches(chosen), f", in {len(shown)} of {len(spans)} parts from {first} to {last}"


def _lags(bar_ms: int) -> tuple[int, ...]:
    """Bars by which stamps are tried, to both sides, and whole hours of shorter bars."""
    hours = {hour * HOUR_MS // bar_ms for hour in range(1, ZONES + 1) if hour * HOUR_MS % bar_ms == 0}
    ahead = sorted({*range(1, N_LAGS + 1), *hours})
    return (*(-lag for lag in reversed(ahead)), 0, *ahead)


def _changes(values: FloatArray) -> IntArray:
    """Rows in which a value is known and another one than in the last row that had one."""
    rows = np.flatnonzero(np.isfinite(values))
    is_new = np.diff(values[rows], prepend=np.nan) != 0
    return rows if is_new.sum() >= _HALF * len(rows) else rows[is_new]


def _too_good(step_ms: int) -> float:
    return TOO_GOOD if step_ms >= _MINUTE_MS else TOO_GOOD_IN_SECONDS


def _is_allowed(one: Misaligned, allow_lead: Sequence[str]) -> bool:
    """Whether it is named, or all the symbols that it differs from are."""
    return one.name in allow_lead or (not one.is_column and set(one.others) <= set(allow_lead))


def _check_names(known: Iterable[str], allow_lead: Sequence[str]) -> None:
    if unknown := [name for name in allow_lead if name not in known]:
        raise ConfigError(
            f"alignment.allow_lead names symbols or columns from outside, found {', '.join(unknown)}; there are "
            f"{', '.join(known)}"
        )
