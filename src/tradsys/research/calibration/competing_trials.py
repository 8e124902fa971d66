"""Competing trials on a market that an experiment has run on: logistic models of a few columns, four rules each.

The verdict has to hold among 20 or 100 trials, and a hundred whole experiments a market would take minutes. A competing
model takes from the experiment all that is computed already (features, labels, folds, regimes) and refits the logistic
alone, one Newton step from the base rate, from sums over rows that all of them share. Its ranks are read from training
rows.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from tradsys.core.arrays import BoolArray, Float32Array, FloatArray, IntArray
from tradsys.core.bars import to_arrays
from tradsys.core.kernels import njit
from tradsys.core.seeds import generator
from tradsys.core.sides import SIDES
from tradsys.core.slippage import slippage_of
from tradsys.core.time import DAY_MS
from tradsys.journal.trial import TrialSeries
from tradsys.profiles.rules import QUIET
from tradsys.research.walk.experiment import Outcome
from tradsys.research.walk.experiment_spec import Experiment

type ActionArray = npt.NDArray[np.int8]

N_RULES = 4
_N_COLUMNS = 6
_ROLLING_BLOCKS = 2
_PENALTY = 2.0
_RANK_EVERY = 6


@dataclass(frozen=True, slots=True)
class _Model:
    """Columns of the design that a model reads, the intercept first, and how many of the latest blocks train it."""

    columns: IntArray
    n_blocks: int | None


def competing_trials(
    outcome: Outcome, spec: Experiment, own: TrialSeries, n_models: int, *, seed: int
) -> list[TrialSeries]:
    """Four trials a model: its best 5 and 25% outside the quiet regime, its best 25%, and all that pay their costs.

    Every other model trains on the last two blocks alone. For one symbol; `own` lends its days and its grid. Orders
    that come a bar later are those of the label one row on.
    """
    (frame,), (labels,) = outcome.data.frames.values(), outcome.data.labels.values()
    arrays = to_arrays(frame)
    exits = np.searchsorted(labels.start, labels.end)
    first = int(np.searchsorted(arrays.ts, own.grid[0]))
    day = (labels.start - 1) // DAY_MS - own.days[0]
    taker = spec.costs.taker + slippage_of(frame, spec.costs)
    trials = []
    for i, action in enumerate(_actions(outcome, spec, n_models, seed)):
        (daily, position, n_trades), (delayed, _, _) = (
            trade(acts, arrays.open, arrays.close, exits, labels.ret, labels.net, taker, day, len(own.days))
            for acts in (action, np.where(labels.is_labelled, np.append(action[:1] * 0, action[:-1]), 0))
        )
        held = position[None, first : first + len(own.grid)]
        key, grid = f"rival {i}", (own.grid, held, own.opens, own.symbols)
        trials.append(TrialSeries(key, own.days, daily, *grid, n_trades, delayed))
    return trials


def _actions(outcome: Outcome, spec: Experiment, n_models: int, seed: int) -> ActionArray:
    """What every competitor does at every bar, (n_models * 4, n_bars): -1, 0 or 1."""
    (frame,), (labels,) = outcome.data.frames.values(), outcome.data.labels.values()
    features = outcome.results[0].predictor.features  # the first training part's scale serves all later ones
    X = features.standardise(outcome.data.raw.of(features)[0])
    design = np.column_stack([np.ones(len(X)), X])
    usable = labels.is_labelled & np.isfinite(X).all(axis=1)
    models = _models(X.shape[1], n_models, seed)
    trains = [result.fold.train[0] & usable for result in outcome.results]
    blocks = [_sums(design, labels.target, labels.weight, rows) for rows in _growth(trains)]
    slippage = slippage_of(frame, spec.costs)
    actions = np.zeros((n_models * N_RULES, len(X)), np.int8)
    for k, (result, train) in enumerate(zip(outcome.results, trains, strict=True)):
        beta = np.stack([_fit(model, blocks[: k + 1], design.shape[1]) for model in models])
        rows, sample = np.flatnonzero(result.fold.test[0] & usable), np.flatnonzero(train)[::_RANK_EVERY]
        is_lively = result.predictor.regimes.filter(frame)[rows].argmax(axis=1) != QUIET
        probability, before = (_probability(design[part], beta) for part in (rows, sample))
        taker = spec.costs.taker + slippage[rows]
        actions[:, rows] = _decide(probability, before, is_lively, labels.atr_over_price[rows], taker, spec)
    return actions


def _models(n_features: int, n_models: int, seed: int) -> list[_Model]:
    rng = generator(seed, "rivals")
    drawn = [1 + np.sort(rng.choice(n_features, _N_COLUMNS, replace=False)) for _ in range(n_models)]
    return [_Model(np.append(0, columns), _ROLLING_BLOCKS if i % 2 else None) for i, columns in enumerate(drawn)]


def _growth(trains: list[BoolArray]) -> list[BoolArray]:
    """Rows that each fold's training part has and the one before has not."""
    return [trains[0], *(later & ~earlier for earlier, later in pairwise(trains))]


def _sums(design: FloatArray, y: FloatArray, weight: FloatArray, rows: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Weighted Gram matrices (2, F, F) and weighted sums of the labelled rows (2, F), a side each."""
    D, W = design[rows], weight[rows]
    weighted = [D * W[:, side : side + 1] for side in range(2)]
    return np.stack([part.T @ D for part in weighted]), np.stack([p.T @ y[rows, s] for s, p in enumerate(weighted)])


def _fit(model: _Model, blocks: list[tuple[FloatArray, FloatArray]], n_columns: int) -> FloatArray:
    """Coefficients (2, n_columns), zero where the model has no column."""
    used = blocks if model.n_blocks is None else blocks[-model.n_blocks :]
    gram, moment = (np.sum([block[i] for block in used], axis=0) for i in range(2))
    beta = np.zeros((2, n_columns))
    columns = model.columns
    ridge = np.diag([0.0] + [_PENALTY] * (len(columns) - 1))
    for side in range(2):
        total = gram[side, 0, 0]
        rate = moment[side, 0] / total
        score = (moment[side] - rate * gram[side, 0])[columns] / total
        curvature = rate * (1 - rate) * gram[side][np.ix_(columns, columns)] / total
        beta[side, columns] = np.linalg.solve(curvature + ridge, score)
        beta[side, 0] += np.log(rate / (1 - rate))
    return beta


def _decide(
    probability: FloatArray,
    before: FloatArray,
    is_lively: BoolArray,
    atr_over_price: FloatArray,
    taker: FloatArray,
    spec: Experiment,
) -> ActionArray:
    """Actions (n_models * 4, n_rows) from probabilities of the rows and of training rows, (n_models, n, 2) both.

    `taker` (n_rows,) is what a market order is known to cost.
    """
    allowed = np.array([side in spec.sides for side in SIDES])
    probability, before = (np.where(allowed, p, -np.inf) for p in (probability, before))
    best_side, confidence = probability.argmax(axis=2), probability.max(axis=2)
    high, middle = np.quantile(before.max(axis=2), [0.95, 0.75], axis=1)[:, :, None]
    gross = (confidence * spec.barriers.upper - (1 - confidence) * spec.barriers.lower) * atr_over_price
    fees = taker + confidence * spec.costs.maker + (1 - confidence) * taker
    rules = ((confidence > high) & is_lively, (confidence > middle) & is_lively, confidence > middle, gross > fees)
    side = np.where(best_side == 0, 1, -1)
    acts = np.stack([np.where(rule, side, 0) for rule in rules], axis=1)
    return acts.reshape(-1, acts.shape[-1]).astype(np.int8)


def _probability(design: FloatArray, beta: FloatArray) -> FloatArray:
    n_models, _, n_columns = beta.shape
    z = (design @ beta.reshape(-1, n_columns).T).reshape(len(design), n_models, 2)
    return np.asarray(expit(z)).transpose(1, 0, 2)


@njit(cache=True)
def trade(
    action: ActionArray,
    open_: FloatArray,
    close: FloatArray,
    exits: IntArray,
    ret: FloatArray,
    net: FloatArray,
    taker: FloatArray,
    day: IntArray,
    n_days: int,
) -> tuple[FloatArray, Float32Array, int]:
    """Daily net returns on the notional at entry, the position from open to open, and the number of trades.

    A trade is the label it stands for, `taker` (n_bars,) what entering costs; the next decision is taken when its exit
    bar has closed.
    """
    daily = np.zeros(n_days)
    position = np.zeros(len(action), np.float32)
    n_trades, row = 0, 0
    while row < len(action):
        if action[row] == 0:
            row += 1
            continue
        side = action[row]
        column = 0 if side > 0 else 1
        entry, last = open_[row + 1], exits[row, column]
        mark = entry
        daily[day[row + 1]] -= taker[row + 1]
        for j in range(row + 1, last + 1):
            now = close[j] if j < last else entry * (1.0 + side * ret[row, column])
            daily[day[j]] += side * (now - mark) / entry
            position[j] = side
            mark = now
        daily[day[last]] -= ret[row, column] - net[row, column] - taker[row + 1]
        n_trades += 1
        row = last
    return daily, position, n_trades
