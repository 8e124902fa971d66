"""Ranks of a bundle's symbols among each other, as they close together: the columns that research has, to the bit."""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from tradsys.bundle.deployment import DeployedPool, Deployment
from tradsys.core.bars import OHLCV
from tradsys.core.errors import DataError
from tradsys.core.time import DAY_MS, ts_ms
from tradsys.data.universe import Listing, Universe
from tradsys.features.stream.bar import Bar
from tradsys.features.stream.feature_stream import frame_of
from tradsys.features.universe_ranks import MOMENTUM, columns_among, rank_rows
from tradsys.live.bars.close import Close
from tradsys.predictor.predictor import Predictor

QUOTE_VOLUME: Final = "quote_volume"

PATIENCE: Final = 3
"""Closes in a row that a symbol may be missing from before the others are ranked without it."""


class SymbolPool:
    """The last bars of all symbols that are ranked, and their columns at each close.

    A symbol without a bar is not compared at that close, as in research; whether it has none, or its bar is only late,
    nobody knows then, so that nothing is entered on a close that a symbol is missing from. After `PATIENCE` of them in
    a row it counts as gone.
    """

    def __init__(self, pool: DeployedPool, symbols: Sequence[str], interval_ms: int) -> None:
        self._pool, self._symbols, self._interval_ms = pool, tuple(symbols), interval_ms
        spec = pool.universe
        days = spec.rebalance_days + max(spec.volume_days, spec.min_listed_days) + 1
        self.n_bars = days * DAY_MS // interval_ms + rank_rows(pool.lookbacks)
        """Bars behind one row of the columns at most, that of the last choice of members included."""
        self._frames: dict[str, pl.DataFrame] = {}
        self._n_kept = self.n_bars
        self._chosen: tuple[int, Universe] | None = None
        self._n_missing = dict.fromkeys(self._symbols, 0)

    def join(self, histories: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
        """Take in these symbols' histories, and give them back with the columns, right where `n_bars` come before.

        A DataError where the bars do not tell what members are chosen by.
        """
        kept = {symbol: self._needed(symbol, bars) for symbol, bars in histories.items()}
        found = self._frames | kept
        self._frames = {symbol: found[symbol] for symbol in self._symbols if symbol in found}
        self._n_kept = max(self.n_bars, *map(len, self._frames.values()))
        self._chosen = None
        columns = columns_among(self._frames, self._interval_ms, self._choose(), self._pool.lookbacks, MOMENTUM)
        return {symbol: bars.with_columns(columns[symbol]) for symbol, bars in histories.items()}

    def at(self, close: Close) -> dict[str, dict[str, float]]:
        """Take in the bars of one close, and give each of their symbols its columns then."""
        open_ms = close.close_ms - self._interval_ms
        is_late = any(int(ts_ms(frame.tail(1))[0]) >= open_ms for frame in self._frames.values() if len(frame))
        for symbol, bar in close.bars.items():
            self._take(symbol, bar)
        step = self._pool.universe.rebalance_days * DAY_MS
        if is_late or self._chosen is None or self._chosen[0] != close.close_ms // step:
            self._chosen = close.close_ms // step, self._choose()
        opened = pl.col("ts").dt.epoch("ms") <= open_ms
        n_rows = rank_rows(self._pool.lookbacks)
        near = {symbol: frame.filter(opened).tail(n_rows) for symbol, frame in self._frames.items()}
        columns = columns_among(near, self._interval_ms, self._chosen[1], self._pool.lookbacks, MOMENTUM)
        return {symbol: {one.name: one[-1] for one in columns[symbol]} for symbol in close.bars if symbol in near}

    def why_no_entry(self, close: Close, cold: Mapping[str, str]) -> str | None:
        """Why nothing may be entered on this close: a symbol is missing, and was there lately."""
        absent = {*close.missing, *cold}
        for symbol in self._symbols:
            if symbol in absent:
                self._n_missing[symbol] += 1
            elif symbol in close.bars:
                self._n_missing[symbol] = 0
        lately = [symbol for symbol in self._symbols if symbol in absent and self._n_missing[symbol] <= PATIENCE]
        return f"ranks compare all symbols of a close, and {', '.join(lately)} did not come" if lately else None

    def _needed(self, symbol: str, bars: pl.DataFrame) -> pl.DataFrame:
        """Of the bars what ranks are made of."""
        names = ["ts", *OHLCV, *([QUOTE_VOLUME] if self._pool.has_quote_volume else [])]
        if lacking := [name for name in names if name not in bars.columns]:
            raise DataError(
                f"the members of the universe are chosen by {', '.join(lacking)} of the run's bars, which the venue's "
                f"bars of {symbol} do not tell; run again on bars without it"
            )
        return bars.select(names)

    def _take(self, symbol: str, bar: Bar) -> None:
        """Put a bar in its place; a symbol that has no history is not compared."""
        frame = self._frames.get(symbol)
        if frame is None:
            return
        row = self._needed(symbol, frame_of([bar]))
        opens = ts_ms(frame.tail(1))
        if len(opens) and bar.ts <= int(opens[0]):
            frame = frame.filter(pl.col("ts").dt.epoch("ms") != bar.ts)
            self._frames[symbol] = pl.concat([frame, row]).sort("ts")
        else:
            self._frames[symbol] = pl.concat([frame, row]).tail(self._n_kept)

    def _choose(self) -> Universe:
        listings = {symbol: Listing(ms) for symbol, ms in self._pool.listed_ms.items() if symbol in self._frames}
        return self._pool.universe.choose(self._frames, self._interval_ms, listings)


def pool_of(deployment: Deployment) -> SymbolPool | None:
    """The pool of a deployment whose symbols are ranked among each other, with nothing in it."""
    if deployment.pool is None:
        return None
    return SymbolPool(deployment.pool, deployment.symbols, deployment.interval_ms)


def n_bars_needed(predictor: Predictor, deployment: Deployment) -> int:
    """Closed bars of each symbol that a bot must know before it decides."""
    pool = pool_of(deployment)
    return predictor.lookback + (0 if pool is None else pool.n_bars)
