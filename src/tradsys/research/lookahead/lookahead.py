"""Look-ahead check of an experiment: what it computed, recomputed without the future; a difference is a leak."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tradsys.backtest.simulate import Simulation
from tradsys.core.seeds import derive, generator
from tradsys.machine.executor import INLINE, Executor, Shared
from tradsys.research.lookahead.barrier_rules import check_rule
from tradsys.research.lookahead.computed_tables import (
    choice_tables,
    compare_rank_columns,
    decision_tables,
    fit_tables,
    input_tables,
    label_tables,
    prediction_tables,
    regime_table,
    scale_tables,
    settled_closes,
    trade_tables,
    training_row_tables,
)
from tradsys.research.lookahead.findings import ComputedTable, Lookahead, RowsChecked, Search
from tradsys.research.lookahead.premature_use import premature_fills, premature_funding, unknown_training_labels
from tradsys.research.lookahead.short_cuts import ShortCuts, check_rows
from tradsys.research.lookahead.without_future import Future, as_known, cut, mirrored, noised
from tradsys.research.selection import nested_selection
from tradsys.research.walk.dataset import Dataset, label_symbol
from tradsys.research.walk.experiment import Outcome, Progress, research_fold, simulate_profile
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.folds import walk_forward
from tradsys.research.walk.record import Record
from tradsys.settings.market import RankColumns

TURNS = 4
"""Cuts a point at changes of regime: states that are smoothed in hindsight turn earlier than filtered ones."""

SAMPLE_POINTS = 3
"""Cuts that every run makes: each takes half a second on five years of hourly bars."""

SAMPLE_ROWS = ShortCuts(n_random=700, n_singled=40)
"""Single rows that every run checks: a peek in 1% of the rows is met 999 times in 1,000. A second on such bars."""

ALL_ROWS = ShortCuts(n_random=50_000, n_singled=400)
"""Single rows of `tradsys lookahead`: each of five hourly years. Of more bars a peek in .01% of them is met 99 times
in 100."""


type Inputs = Shared[tuple[Outcome, Experiment, RankColumns | None]]
"""What every part of the check reads."""


@dataclass(frozen=True, slots=True)
class Point:
    """A time inside a fold's test block, the close of a bar of one symbol, at which the future is taken away."""

    fold: int
    symbol: str
    at: int


def look_ahead(
    outcome: Outcome,
    spec: Experiment,
    *,
    n_points: int,
    ranks: RankColumns | None = None,
    progress: Progress = lambda *_: None,
    executor: Executor = INLINE,
) -> Lookahead:
    """Everything: bars, labels and trades at random points, cut and replaced by noise, and every fold fitted again.

    `ranks` say how columns of ranks were made, where the features read any.
    """
    search = _search(outcome, spec)
    points = _points(outcome, spec, n_points)
    n_steps = n_points + len(outcome.results)
    inputs = executor.share((outcome, spec, ranks))
    at_points = [executor.submit(_at_point, inputs, point) for point in points]
    of_folds = [executor.submit(_of_fold, inputs, result.fold.index) for result in outcome.results]
    progress("taking the future of single rows away", 0, n_steps)
    rows = _rows(search, outcome, spec, ALL_ROWS)
    for k, looked in enumerate(at_points):
        progress(f"point {k + 1} of {n_points}", k, n_steps)
        search.join(looked.result())
    for k, looked in enumerate(of_folds):
        progress(f"fitting fold {k + 1} again", n_points + k, n_steps)
        search.join(looked.result())
    return Lookahead(n_points, search.n_values, tuple(search.found.values()), rows)


def _at_point(inputs: Inputs, point: Point) -> Search:
    """Everything that can be computed again without fitting anything, at one time."""
    outcome, spec, ranks = inputs.value
    search = _empty_search(outcome)
    _turns(search, outcome, spec, point)
    for future in (cut, noised):
        _bars(search, outcome, spec, point, future)
        _labels(search, outcome, spec, point, future)
        if ranks is not None:
            compare_rank_columns(search, outcome.data, ranks, point.at, future)
    _trades(search, outcome, spec, point)
    return search


def _of_fold(inputs: Inputs, k: int) -> Search:
    """A fold fitted again, and its choice made again."""
    outcome, spec, _ = inputs.value
    search = _empty_search(outcome)
    for future in (noised, mirrored):
        _refit(search, outcome, spec, k, future)
        _choice(search, outcome, spec, k, future)
    return search


def look_ahead_sample(
    outcome: Outcome,
    spec: Experiment,
    ranks: RankColumns | None = None,
    progress: Progress = lambda *_: None,
    executor: Executor = INLINE,
    shared: Inputs | None = None,
) -> Lookahead:
    """The sample inside every run: some points, the scales of their folds, a choice, all training parts and fills.

    `shared` are outcome, spec and ranks where they have been shared already.
    """
    n_steps = SAMPLE_POINTS + 3
    points = _points(outcome, spec, SAMPLE_POINTS)
    inputs = shared or executor.share((outcome, spec, ranks))
    of_rows = executor.submit(_of_sample_rows, inputs)
    at_points = [executor.submit(_at_sample_point, inputs, point) for point in points]
    of_scales = [executor.submit(_of_scales, inputs, k) for k in sorted({point.fold for point in points})]
    of_choice = executor.submit(_of_choice, inputs, points[0].fold)
    progress("looking for look-ahead in training parts and fills", 0, n_steps)
    search = _search(outcome, spec)
    in_rows, rows = of_rows.result()
    search.join(in_rows)
    for k, looked in enumerate(at_points):
        progress(f"taking the future away at point {k + 1} of {SAMPLE_POINTS}", k + 1, n_steps)
        search.join(looked.result())
    progress("taking the future away from scales", n_steps - 2, n_steps)
    for looked in of_scales:
        search.join(looked.result())
    progress("taking the future away from a choice", n_steps - 1, n_steps)
    search.join(of_choice.result())
    return Lookahead(SAMPLE_POINTS, search.n_values, tuple(search.found.values()), rows)


def _of_sample_rows(inputs: Inputs) -> tuple[Search, RowsChecked]:
    """The sample of single rows."""
    outcome, spec, _ = inputs.value
    search = _empty_search(outcome)
    return search, _rows(search, outcome, spec, SAMPLE_ROWS)


def _at_sample_point(inputs: Inputs, point: Point) -> Search:
    """What the sample looks at, at one time."""
    outcome, spec, ranks = inputs.value
    search = _empty_search(outcome)
    _turns(search, outcome, spec, point)
    _bars(search, outcome, spec, point, cut)
    _labels(search, outcome, spec, point, noised)
    if ranks is not None:
        compare_rank_columns(search, outcome.data, ranks, point.at, cut)
    return search


def _of_scales(inputs: Inputs, k: int) -> Search:
    """A fold's scales."""
    outcome, spec, _ = inputs.value
    search = _empty_search(outcome)
    _rescale(search, outcome, spec, k)
    return search


def _of_choice(inputs: Inputs, k: int) -> Search:
    """A fold's choice."""
    outcome, spec, _ = inputs.value
    search = _empty_search(outcome)
    _choice(search, outcome, spec, k, noised)
    return search


def _search(outcome: Outcome, spec: Experiment) -> Search:
    """A search that has looked at all training parts, fills and rates of funding already."""
    search = _empty_search(outcome)
    unknown_training_labels(search, outcome)
    premature_fills(search, outcome, spec)
    premature_funding(search, outcome)
    return search


def _empty_search(outcome: Outcome) -> Search:
    closes = {symbol: labels.start for symbol, labels in outcome.data.labels.items()}
    return Search(np.unique(np.concatenate(list(closes.values()))), closes)


def _rows(search: Search, outcome: Outcome, spec: Experiment, cuts: ShortCuts) -> RowsChecked:
    """Single rows of the last fold's features and of the barriers' rule, checked alone."""
    features = outcome.results[-1].predictor.features
    rows = check_rows(search, outcome.data, features, cuts, seed=spec.seed)
    return check_rule(search, outcome.data, spec.barriers, cuts, rows, seed=spec.seed)


def _points(outcome: Outcome, spec: Experiment, n: int) -> list[Point]:
    rng = generator(spec.seed, "lookahead")
    points: list[Point] = []
    while len(points) < n:
        fold = outcome.results[int(rng.integers(len(outcome.results)))].fold
        s = int(rng.integers(len(fold.test)))
        rows = np.flatnonzero(fold.test[s])[:-1]  # after the very last bar nothing is left to take away
        if len(rows):
            symbol = outcome.data.symbols[s]
            points.append(Point(fold.index, symbol, int(outcome.data.labels[symbol].start[rng.choice(rows)])))
    return points


def _bars(search: Search, outcome: Outcome, spec: Experiment, point: Point, future: Future) -> None:
    """Features, regimes, forecasts and decisions of one symbol."""
    data, result = outcome.data, outcome.results[point.fold]
    frame = data.frames[point.symbol]
    rows = result.fold.test[data.symbols.index(point.symbol)]
    inputs, _ = input_tables(result.predictor, result.predictor.features, point.symbol, frame)
    full = [*inputs, *decision_tables(result.forecasts[point.symbol], spec, point.symbol)]

    def recompute(at: int) -> list[ComputedTable]:
        bars = future(frame, data.interval, at)
        return prediction_tables(result, spec, point.symbol, bars, rows[: len(bars)], at)

    search.compare(full, recompute, point.at)


def _turns(search: Search, outcome: Outcome, spec: Experiment, point: Point) -> None:
    """One symbol's regimes, cut where they have just changed in the fold's test block."""
    data, result = outcome.data, outcome.results[point.fold]
    frame, filter_ = data.frames[point.symbol], result.predictor.regimes
    full = regime_table(filter_, data.interval, point.symbol, frame)
    likeliest = result.forecasts[point.symbol].regime.argmax(axis=1)
    turns = result.forecasts[point.symbol].start[1:][np.diff(likeliest) != 0]
    rng = generator(spec.seed, "turns", point.at)
    for at in rng.permutation(turns[turns < search.closes[-1]])[:TURNS].tolist():
        search.compare(
            [full], lambda at: [regime_table(filter_, data.interval, point.symbol, cut(frame, data.interval, at))], at
        )


def _labels(search: Search, outcome: Outcome, spec: Experiment, point: Point, future: Future) -> None:
    """One symbol's labels, each of which must stand when it ends, at the end of the one that the point decides."""
    data, symbol = outcome.data, point.symbol
    mine = data.labels[symbol]
    row = int(np.searchsorted(mine.start, point.at))
    at_end = int(mine.end[row].max()) if mine.is_labelled[row] else point.at
    settled = settled_closes(data.frames[symbol], data.interval, spec.barriers.horizon, is_cut=future is cut)

    def recompute(at: int) -> list[ComputedTable]:
        bars = future(data.frames[symbol], data.interval, at)
        return label_tables(symbol, label_symbol(bars, data.interval, spec.barriers, spec.costs))

    search.compare(label_tables(symbol, mine, settled), recompute, at_end)


def _trades(search: Search, outcome: Outcome, spec: Experiment, point: Point) -> None:
    """The profiles' trades in all symbols, with the run's own decisions and other bars after the point."""
    data, portfolio, horizon = outcome.data, spec.portfolio, spec.barriers.horizon
    rests = 1 if portfolio.entry is None else min(portfolio.entry.bars, horizon)
    wait = horizon if portfolio.no_volume == "wait" else rests

    def tables(simulations: Mapping[str, Simulation]) -> list[ComputedTable]:
        return [table for name, one in simulations.items() for table in trade_tables(name, one, search.bars, wait)]

    def recompute(at: int) -> list[ComputedTable]:
        frames = {symbol: noised(bars, data.interval, at) for symbol, bars in data.frames.items()}
        other = Dataset(data.interval, frames, data.labels)
        return tables({one.name: simulate_profile(other, outcome.results, one, spec) for one in spec.profiles})

    search.compare(tables(outcome.simulations), recompute, point.at)


def _refit(search: Search, outcome: Outcome, spec: Experiment, k: int, future: Future) -> None:
    """A fold's whole fit, with other bars and labels from its test block on."""
    fold, first_test = outcome.results[k].fold, outcome.results[0].fold.opens

    def recompute(at: int) -> list[ComputedTable]:
        other, known = _without_future(outcome, spec, at, future)
        result = research_fold(other, known, fold, _record_before(outcome, k), first_test)
        again = walk_forward(other, spec, spec.embargo(other.interval))[k]
        # where bars choose the events, noise may move the edges of the blocks, and their rows with them
        rows = again.train if again.opens == fold.opens else fold.train
        return [*fit_tables(result), *training_row_tables(fold, rows, search.bars)]

    full = [*fit_tables(outcome.results[k]), *training_row_tables(fold, fold.train, search.bars)]
    search.compare(full, recompute, fold.opens)


def _rescale(search: Search, outcome: Outcome, spec: Experiment, k: int) -> None:
    """What features learn, with noise from a fold's test block on: the quick part of its fit."""
    fold, predictor = outcome.results[k].fold, outcome.results[k].predictor

    def recompute(at: int) -> list[ComputedTable]:
        other, known = _without_future(outcome, spec, at, noised)
        features, _ = other.panel(known.feature_set(predictor.regimes), fold.train, seed=derive(spec.seed, "fold", k))
        return scale_tables(fold, features)

    search.compare(scale_tables(fold, predictor.features), recompute, fold.opens)


def _choice(search: Search, outcome: Outcome, spec: Experiment, k: int, future: Future) -> None:
    """What a fold chose among profiles, thresholds and regime maps, with other bars from its test block on."""
    results, fold = outcome.results[: k + 1], outcome.results[k].fold

    def chosen(data: Dataset) -> list[ComputedTable]:
        return choice_tables(fold, nested_selection.choose_for_fold(data, spec, results, outcome.record, held=None))

    search.compare(chosen(outcome.data), lambda at: chosen(_without_future(outcome, spec, at, future)[0]), fold.opens)


def _without_future(outcome: Outcome, spec: Experiment, at: int, future: Future) -> tuple[Dataset, Experiment]:
    """Other bars and labels after `at`, and the features as they were known then."""
    data = outcome.data
    frames = {symbol: future(bars, data.interval, at) for symbol, bars in data.frames.items()}
    labels = {s: label_symbol(bars, data.interval, spec.barriers, spec.costs) for s, bars in frames.items()}
    return Dataset(data.interval, frames, labels), replace(spec, features=as_known(spec.features, at))


def _record_before(outcome: Outcome, k: int) -> Record:
    """The record as it was before the fold: nothing for the first, which fills its own part."""
    record = Record(outcome.record.sizes)
    if k == 0:
        return record
    opens = outcome.results[k].fold.opens
    earlier = tuple(labels.start < opens for labels in outcome.data.labels.values())
    for name, logits in outcome.record.log_odds.items():
        record.add(name, earlier, logits)
    return record
