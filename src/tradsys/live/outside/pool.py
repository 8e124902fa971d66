"""Ranks of a bundle's symbols among each other, as they close together: the columns that research has, to the bit."""

from collections.abc import Mapping, Sequence

import polars as pl

from tradsys.bundle.deployment import DeployedPool, Deployment
from tradsys.core.time import DAY_MS, ts_ms
from tradsys.data.universe import Listing, Universe
from tradsys.features.universe_ranks import MOMENTUM, columns_among, rank_rows
from tradsys.live.bars.close import Close
from tradsys.live.outside.pool_bars import PoolBars
from tradsys.predictor.predictor import Predictor


class SymbolPool:
    """The last bars of all symbols that are ranked, and their columns at each close.

    A symbol without a bar is not compared at that close, as in research; whether it has none, or its bar is only late,
    nobody knows then, so that nothing is entered on a close that a symbol is missing from, until it counts as gone
    (`PoolBars`).
    """

    def __init__(self, pool: DeployedPool, symbols: Sequence[str], interval_ms: int) -> None:
        self._pool, self._symbols, self._interval_ms = pool, tuple(symbols), interval_ms
        spec = pool.universe
        days = spec.rebalance_days + max(spec.volume_days, spec.min_listed_days) + 1
        self.n_bars = days * DAY_MS // interval_ms + rank_rows(pool.lookbacks)
        """Bars behind one row of the columns at most, that of the last choice of members included."""
        self._bars = PoolBars(pool, symbols, self.n_bars)
        self._chosen: tuple[int, Universe] | None = None

    def join(self, histories: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
        """Take in these symbols' histories, and give them back with the columns, right where `n_bars` come before.

        A DataError where the bars do not tell what members are chosen by.
        """
        self._bars.join(histories)
        self._chosen = None
        columns = columns_among(self._bars.frames, self._interval_ms, self._choose(), self._pool.lookbacks, MOMENTUM)
        return {symbol: bars.with_columns(columns[symbol]) for symbol, bars in histories.items()}

    def at(self, close: Close) -> dict[str, dict[str, float]]:
        """Take in the bars of one close, and give each of their symbols its columns then."""
        open_ms = close.close_ms - self._interval_ms
        is_late = any(int(ts_ms(frame.tail(1))[0]) >= open_ms for frame in self._bars.frames.values() if len(frame))
        for symbol, bar in close.bars.items():
            self._bars.take(symbol, bar)
        step = self._pool.universe.rebalance_days * DAY_MS
        if is_late or self._chosen is None or self._chosen[0] != close.close_ms // step:
            self._chosen = close.close_ms // step, self._choose()
        opened = pl.col("ts").dt.epoch("ms") <= open_ms
        n_rows = rank_rows(self._pool.lookbacks)
        near = {symbol: frame.filter(opened).tail(n_rows) for symbol, frame in self._bars.frames.items()}
        columns = columns_among(near, self._interval_ms, self._chosen[1], self._pool.lookbacks, MOMENTUM)
        return {symbol: {one.name: one[-1] for one in columns[symbol]} for symbol in close.bars if symbol in near}

    def why_no_entry(self, close: Close, cold: Mapping[str, str]) -> str | None:
        """Why nothing may be entered on this close: a symbol is missing, and was there lately."""
        lately = self._bars.missing_lately(close, cold)
        return f"ranks compare all symbols of a close, and {', '.join(lately)} did not come" if lately else None

    def _choose(self) -> Universe:
        listings = {symbol: Listing(ms) for symbol, ms in self._pool.listed_ms.items() if symbol in self._bars.frames}
        return self._pool.universe.choose(self._bars.frames, self._interval_ms, listings)


def pool_of(deployment: Deployment) -> SymbolPool | None:
    """The pool of a deployment whose symbols are ranked among each other, with nothing in it."""
    if deployment.pool is None:
        return None
    return SymbolPool(deployment.pool, deployment.symbols, deployment.interval_ms)


def n_bars_needed(predictor: Predictor, deployment: Deployment) -> int:
    """Closed bars of each symbol that a bot must know before it decides."""
    pool = pool_of(deployment)
    return predictor.lookback + (0 if pool is None else pool.n_bars)
