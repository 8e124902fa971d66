"""Did ranks see the future? Universe, signal, sides, trades and columns of ranks, made again without it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import numpy as np
import polars as pl

from tradsys.backtest.simulate import Simulation
from tradsys.core.arrays import IntArray
from tradsys.core.errors import NotEnoughBars
from tradsys.core.seeds import generator
from tradsys.core.time import interval_ms, ts_ms
from tradsys.features.cross_section import rank_columns
from tradsys.research.lookahead.findings import Lookahead, Search, Table
from tradsys.research.lookahead.futures import Future, cut, n_closed, noised
from tradsys.research.lookahead.views import traded as trades_of
from tradsys.research.ranking.neutral import NAME, NeutralSpec, Ranked, Traded, rank, trade
from tradsys.research.walk.dataset import Dataset
from tradsys.settings.market import RankColumns

type Frames = Mapping[str, pl.DataFrame]


def look_ahead_in_ranks(
    frames: Frames, bar_ms: int, spec: NeutralSpec, whole: Traded, *, start: int, end: int, n_points: int
) -> Lookahead:
    """A rank run made again at random closes in [start, end) ms: on bars cut there, and on a future of noise.

    In neither does anybody list later, so that whoever ranks or chooses among future listings is found out. Trades are
    compared on the noise alone: a cut ends the last of them.
    """
    closes = {symbol: ts_ms(bars) + bar_ms for symbol, bars in frames.items()}
    search = Search(np.unique(np.concatenate(list(closes.values()))), closes)
    full = _chosen(rank(frames, bar_ms, spec), frames)
    done = _trades(whole.simulation, closes)
    times = search.closes[(search.closes > start) & (search.closes < end)]

    def chosen(at: int, future: Future) -> list[Table]:
        other = without_future(frames, bar_ms, at, future)
        return _chosen(rank(other, bar_ms, _known(spec, other)), frames)

    def done_without(at: int) -> list[Table]:
        other = without_future(frames, bar_ms, at, noised)
        try:
            simulation = trade(other, bar_ms, _known(spec, other), start=start, end=end).simulation
        except NotEnoughBars:  # too few had listed by then for anybody to be held, before or after
            simulation = replace(whole.simulation, trades=whole.simulation.trades.clear())
        return _trades(simulation, {symbol: closes[symbol] for symbol in other})

    for at in generator(spec.seed, "lookahead in ranks").choice(times, n_points):
        for future in (cut, noised):
            search.compare(full, partial(chosen, future=future), int(at))
        search.compare(done, done_without, int(at))
    return Lookahead(n_points, search.n_values, tuple(search.found.values()))


def columns_seen(search: Search, data: Dataset, ranks: RankColumns, at: int, future: Future) -> None:
    """Compare the columns of ranks that a run's bars carry with those made again without what came after `at` (ms)."""
    bar_ms = interval_ms(data.interval)

    def view(time: int) -> list[Table]:
        frames = without_future(data.frames, bar_ms, time, future)
        made = rank_columns(
            frames, bar_ms, ranks.universe, lookbacks=ranks.lookbacks, listings=_known(ranks, frames).listings
        )
        return [_columns(symbol, frames[symbol], columns, bar_ms) for symbol, columns in made.items()]

    names = [f"rank_{what}_{lookback}" for lookback in ranks.lookbacks for what in ("strength", "place")]
    full = [_columns(symbol, bars, [bars[name] for name in names], bar_ms) for symbol, bars in data.frames.items()]
    search.compare(full, view, at)


def without_future(frames: Frames, bar_ms: int, at: int, future: Future) -> dict[str, pl.DataFrame]:
    """All symbols that had listed by `at` (ms), each with another future; one with a single bar then ends there."""
    step, known = timedelta(milliseconds=bar_ms), {}
    for symbol, bars in frames.items():
        n = n_closed(bars, step, at)
        if n:
            known[symbol] = future(bars, step, at) if n > 1 else bars.head(n)
    return known


def _known[L: (NeutralSpec, RankColumns)](spec: L, frames: Frames) -> L:
    """The same with what the table of listings says of symbols that are there."""
    return replace(spec, listings={name: one for name, one in spec.listings.items() if name in frames})


def _chosen(ranked: Ranked, frames: Frames) -> list[Table]:
    """Membership at every rebalance, and signal and side at every close; nobody's where a symbol is not there yet."""
    universe, times = ranked.universe, ranked.panel.times
    place = {symbol: s for s, symbol in enumerate(ranked.panel.symbols)}
    nobody, no_sides = np.zeros((len(universe.times), 1)), np.column_stack([np.full(len(times), np.nan), 0.0 * times])
    tables = []
    for symbol in frames:
        s = place.get(symbol)
        member = nobody if s is None else universe.member[:, [s]].astype(np.float64)
        seen = no_sides if s is None else np.column_stack([ranked.signal[:, s], ranked.sides[:, s]])
        tables.append(Table("universe", symbol, ("member",), member, universe.times, universe.times))
        tables.append(Table("ranks", symbol, ("signal", "side"), seen, times, times))
    return tables


def _trades(simulation: Simulation, closes: Mapping[str, IntArray]) -> list[Table]:
    """Trades, known a bar after they ended: they are filled at an open, whose bar closes then."""
    return [replace(table, known=table.known + simulation.bar_ms) for table in trades_of(NAME, simulation, closes)]


def _columns(symbol: str, bars: pl.DataFrame, columns: Sequence[pl.Series], bar_ms: int) -> Table:
    closes = ts_ms(bars) + bar_ms
    return Table("columns of ranks", symbol, tuple(c.name for c in columns), np.column_stack(columns), closes, closes)
