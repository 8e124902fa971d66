"""Look-ahead check of ranks: universe, signal, sides and trades, recomputed without the future."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from tradsys.backtest.simulate import Simulation
from tradsys.core.arrays import IntArray
from tradsys.core.errors import NotEnoughBars
from tradsys.core.seeds import generator
from tradsys.core.time import ts_ms
from tradsys.predictor.rank_rule import NAME
from tradsys.research.lookahead.computed_tables import trade_tables
from tradsys.research.lookahead.findings import ComputedTable, Lookahead, Search
from tradsys.research.lookahead.without_future import Frames, Future, cut, listed, noised, without_future
from tradsys.research.ranking.market_neutral import MarketNeutralSpec, Ranked, Traded, rank, trade


def look_ahead_in_ranks(
    frames: Frames, bar_ms: int, spec: MarketNeutralSpec, whole: Traded, *, start: int, end: int, n_points: int
) -> Lookahead:
    """A rank run made again at random closes in [start, end) ms: on bars cut there, and on a future of noise.

    In neither does anybody list later, so that whoever ranks or chooses among future listings is found out. Trades are
    compared on the noise alone: a cut ends the last of them.
    """
    closes = {symbol: ts_ms(bars) + bar_ms for symbol, bars in frames.items()}
    search = Search(np.unique(np.concatenate(list(closes.values()))), closes)
    full = _chosen(rank(frames, bar_ms, spec), frames)
    wait = 1 + spec.rule.horizon if spec.no_volume == "wait" else 1
    done = _trades(whole.simulation, closes, wait)
    times = search.closes[(search.closes > start) & (search.closes < end)]

    def chosen(at: int, future: Future) -> list[ComputedTable]:
        other = without_future(frames, bar_ms, at, future)
        return _chosen(rank(other, bar_ms, _known(spec, other)), frames)

    def done_without(at: int) -> list[ComputedTable]:
        other = without_future(frames, bar_ms, at, noised)
        try:
            simulation = trade(other, bar_ms, _known(spec, other), start=start, end=end).simulation
        except NotEnoughBars:  # too few had listed by then for anybody to be held, before or after
            simulation = replace(whole.simulation, trades=whole.simulation.trades.clear())
        return _trades(simulation, {symbol: closes[symbol] for symbol in other}, wait)

    for at in generator(spec.seed, "lookahead in ranks").choice(times, n_points):
        for future in (cut, noised):
            search.compare(full, partial(chosen, future=future), int(at))
        search.compare(done, done_without, int(at))
    return Lookahead(n_points, search.n_values, tuple(search.found.values()))


def _known(spec: MarketNeutralSpec, frames: Frames) -> MarketNeutralSpec:
    """The same with what the table of listings says of symbols that are there."""
    return replace(spec, listings=listed(spec.listings, frames))


def _chosen(ranked: Ranked, frames: Frames) -> list[ComputedTable]:
    """Membership at every rebalance, and signal and side at every close; nobody's where a symbol is not there yet."""
    universe, times = ranked.universe, ranked.panel.times
    place = {symbol: s for s, symbol in enumerate(ranked.panel.symbols)}
    nobody, no_sides = np.zeros((len(universe.times), 1)), np.column_stack([np.full(len(times), np.nan), 0.0 * times])
    tables = []
    for symbol in frames:
        s = place.get(symbol)
        member = nobody if s is None else universe.member[:, [s]].astype(np.float64)
        signal = no_sides if s is None else np.column_stack([ranked.signal[:, s], ranked.sides[:, s]])
        tables.append(ComputedTable("universe", symbol, ("member",), member, universe.times, universe.times))
        tables.append(ComputedTable("ranks", symbol, ("signal", "side"), signal, times, times))
    return tables


def _trades(simulation: Simulation, closes: Mapping[str, IntArray], wait: int) -> list[ComputedTable]:
    """Trades, known a bar after they ended: they are filled at an open, whose bar closes then."""
    latest = np.iinfo(np.int64).max - simulation.bar_ms  # of what is never known
    return [
        replace(table, known=np.minimum(table.known, latest) + simulation.bar_ms)
        for table in trade_tables(NAME, simulation, closes, wait)
    ]
