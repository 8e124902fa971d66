"""Look-ahead check of ranks: universe, signal, shares and trades, recomputed without the future."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tradsys.backtest.simulate import Simulation
from tradsys.core.arrays import IntArray
from tradsys.core.errors import NotEnoughBars
from tradsys.core.seeds import generator
from tradsys.core.time import ts_ms
from tradsys.machine.executor import INLINE, Executor, Shared
from tradsys.predictor.rank_rule import NAME
from tradsys.research.lookahead.computed_tables import trade_tables
from tradsys.research.lookahead.findings import ComputedTable, Lookahead, Search
from tradsys.research.lookahead.without_future import Frames, Future, cut, listed, noised, without_future
from tradsys.research.ranking.market_neutral import MarketNeutralSpec, Ranked, Traded, rank, trade


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What every comparison reads: bars, the rule, what was made of them, and the tables that it is compared with."""

    frames: Frames
    bar_ms: int
    spec: MarketNeutralSpec
    simulation: Simulation
    span: tuple[int, int]
    chosen: list[ComputedTable]
    closes: Mapping[str, IntArray]

    def search(self) -> Search:
        return Search(np.unique(np.concatenate(list(self.closes.values()))), self.closes)


def look_ahead_in_ranks(
    frames: Frames,
    bar_ms: int,
    spec: MarketNeutralSpec,
    whole: Traded,
    *,
    start: int,
    end: int,
    n_points: int,
    executor: Executor = INLINE,
) -> Lookahead:
    """A rank run made again at random closes in [start, end) ms: on bars cut there, and on a future of noise.

    In neither does anybody list later, so that whoever ranks or chooses among future listings is found out. Trades are
    compared on the noise alone: a cut ends the last of them.
    """
    closes = {symbol: ts_ms(bars) + bar_ms for symbol, bars in frames.items()}
    chosen = _chosen(rank(frames, bar_ms, spec), frames)
    inputs = _Inputs(frames, bar_ms, spec, whole.simulation, (start, end), chosen, closes)
    search = inputs.search()
    times = search.closes[(search.closes > start) & (search.closes < end)]
    shared = executor.share(inputs)
    for looked in [
        executor.submit(compare, shared, int(at))
        for at in generator(spec.seed, "lookahead in ranks").choice(times, n_points)
        for compare in (_choice_cut, _choice_noised, _trades_noised)
    ]:
        search.join(looked.result())
    return Lookahead(n_points, search.n_values, tuple(search.found.values()))


def _choice_cut(inputs: Shared[_Inputs], at: int) -> Search:
    return _choice(inputs.value, at, cut)


def _choice_noised(inputs: Shared[_Inputs], at: int) -> Search:
    return _choice(inputs.value, at, noised)


def _choice(one: _Inputs, at: int, future: Future) -> Search:
    """Universe, signal and sides at one close."""
    search = one.search()

    def recompute(at: int) -> list[ComputedTable]:
        other = without_future(one.frames, one.bar_ms, at, future)
        return _chosen(rank(other, one.bar_ms, _known(one.spec, other)), one.frames)

    search.compare(one.chosen, recompute, at)
    return search


def _trades_noised(inputs: Shared[_Inputs], at: int) -> Search:
    """Trades that had ended by then."""
    one = inputs.value
    search, closes, (start, end) = one.search(), one.closes, one.span
    wait = 1 + one.spec.rule.horizon if one.spec.no_volume == "wait" else 1

    def recompute(at: int) -> list[ComputedTable]:
        other = without_future(one.frames, one.bar_ms, at, noised)
        try:
            simulation = trade(other, one.bar_ms, _known(one.spec, other), start=start, end=end).simulation
        except NotEnoughBars:  # too few had listed by then for anybody to be held, before or after
            simulation = replace(one.simulation, trades=one.simulation.trades.clear())
        return _trades(simulation, {symbol: closes[symbol] for symbol in other}, wait)

    search.compare(_trades(one.simulation, closes, wait), recompute, at)
    return search


def _known(spec: MarketNeutralSpec, frames: Frames) -> MarketNeutralSpec:
    """The same with what the table of listings says of symbols that are there."""
    return replace(spec, listings=listed(spec.listings, frames))


def _chosen(ranked: Ranked, frames: Frames) -> list[ComputedTable]:
    """Membership at every rebalance, and signal and share at every close; nobody's where a symbol is not there yet."""
    universe, times = ranked.universe, ranked.panel.times
    place = {symbol: s for s, symbol in enumerate(ranked.panel.symbols)}
    nobody, no_shares = np.zeros((len(universe.times), 1)), np.column_stack([np.full(len(times), np.nan), 0.0 * times])
    tables = []
    for symbol in frames:
        s = place.get(symbol)
        member = nobody if s is None else universe.member[:, [s]].astype(np.float64)
        signal = no_shares if s is None else np.column_stack([ranked.signal[:, s], ranked.weights[:, s]])
        tables.append(ComputedTable("universe", symbol, ("member",), member, universe.times, universe.times))
        tables.append(ComputedTable("ranks", symbol, ("signal", "weight"), signal, times, times))
    return tables


def _trades(simulation: Simulation, closes: Mapping[str, IntArray], wait: int) -> list[ComputedTable]:
    """Trades, known a bar after they ended: they are filled at an open, whose bar closes then."""
    latest = np.iinfo(np.int64).max - simulation.bar_ms  # of what is never known
    return [
        replace(table, known=np.minimum(table.known, latest) + simulation.bar_ms)
        for table in trade_tables(NAME, simulation, closes, wait)
    ]
