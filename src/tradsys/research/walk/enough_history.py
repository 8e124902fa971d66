"""Whether a history is long enough for its folds, before anything is fitted, and the shares that it is enough for.

The first fold has the least to train on. Its rows are counted as they will be: labelled, past the warm-up of features
and regimes, and known before its test block less the embargo.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil

import numpy as np

from tradsys.core.errors import DataError, NotEnoughBars
from tradsys.data.market import Market
from tradsys.features.feature import FittableFeature
from tradsys.models.forecaster import Rows
from tradsys.regimes.momentum import RegimeMomentum
from tradsys.research.walk.agents import DECIDER
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.experiment_spec import Experiment, experiment_on
from tradsys.research.walk.fitting import FEWEST_ROWS, INNER_FOLDS
from tradsys.research.walk.folds import Fold, walk_forward
from tradsys.research.walk.lockbox import development_data
from tradsys.research.walk.record import both
from tradsys.settings.config import RunConfig
from tradsys.settings.sections import FoldSettings
from tradsys.splits.kfold import PurgedKFold

MOST_INITIAL = 0.6
"""The largest share that only trains: with a lock-box of a fifth, another fifth is left to be tested."""

_STEP = 0.05
_FEWEST_TESTED = 60
"""Labelled rows below which a test block says nothing."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shortage:
    """What the first fold lacks: rows that would train, bars that warm up or are kept apart, and how many rows do."""

    n_rows: int
    lookback: int
    apart: int
    n_needed: int = FEWEST_ROWS

    @property
    def sentence(self) -> str:
        """Why it is too little."""
        return (
            f"the first fold would train on {self.n_rows:,} rows and needs {self.n_needed:,}, after {self.lookback:,} "
            f"bars of warm-up and with {self.apart:,} bars kept apart from what is tested"
        )


type MakesFolds = Callable[[Dataset, Experiment, timedelta], list[Fold]]


def enough_folds(data: Dataset, spec: Experiment, make: MakesFolds) -> list[Fold]:
    """The folds that `make` makes, or a NotEnoughBars that names settings which work where it cannot."""
    try:
        folds = make(data, spec, spec.embargo(data.interval))
    except NotEnoughBars:
        raise
    except DataError:  # a fold without anybody to train or to test
        raise _refusal(data, spec, Shortage(0, _lookback(spec, data), _apart(spec))) from None
    short = _shortage(data, spec, folds[0])
    if short is not None:
        raise _refusal(data, spec, short)
    return folds


def with_enough_history(market: Market, config: RunConfig) -> tuple[RunConfig, str]:
    """The settings, and a sentence where the defaults of the folds were adapted to a short history.

    Only shares that nobody set are adapted: a larger first part, and fewer folds where their test blocks would be too
    small. Where the history suffices, or nothing works, the settings come back as they are.
    """
    spec = experiment_on(market, config)
    if _is_plenty(market, spec) or config.folds.model_fields_set & {"initial", "n_folds"}:
        return config, ""
    data = development_data(market, spec)
    short = _short_of(data, spec)
    if short is None:
        return config, ""
    folds = shares_that_work(data, spec)
    if folds is None:
        return config, ""
    changed = {"folds.initial": folds.initial, "folds.n_folds": folds.n_folds}
    told = (
        f"adapted to a short history: folds.initial is {folds.initial:g} and folds.n_folds {folds.n_folds} "
        f"(defaults {spec.folds.initial:g} and {spec.folds.n_folds}), since {short.sentence}"
    )
    _log.info(told)
    return config.with_settings(changed), told


def shares_that_work(data: Dataset, spec: Experiment) -> FoldSettings | None:
    """The smallest first part, and as many of the folds, with which this history is enough; None where it never is."""
    for folds in _candidates(spec.folds):
        candidate = replace(spec, folds=folds)
        if _short_of(data, candidate) is None and _tests_enough(data, candidate):
            return folds
    return None


def _candidates(folds: FoldSettings) -> Iterator[FoldSettings]:
    first = ceil(round(folds.initial / _STEP, 6))
    for step in range(first, round(MOST_INITIAL / _STEP) + 1):
        initial = round(step * _STEP, 2)
        if initial + folds.lockbox < 1:
            for n_folds in range(folds.n_folds, 0, -1):
                yield folds.model_copy(update={"initial": initial, "n_folds": n_folds})


def _short_of(data: Dataset, spec: Experiment) -> Shortage | None:
    """What the first fold lacks; None where it has enough. A history without any label is a NotEnoughBars."""
    try:
        folds = walk_forward(data, spec, spec.embargo(data.interval))
    except NotEnoughBars:
        raise
    except DataError:  # a fold without anybody to train or to test
        return Shortage(0, _lookback(spec, data), _apart(spec))
    return _shortage(data, spec, folds[0])


def _shortage(data: Dataset, spec: Experiment, first: Fold) -> Shortage | None:
    try:
        lookback = _lookback(spec, data, first.train)
    except NotEnoughBars:
        return Shortage(0, _lookback(spec, data), _apart(spec))
    warm = tuple(np.arange(len(mask)) >= lookback - 1 for mask in first.train)
    rows = both(first.train, warm)
    n = int(sum(mask.sum() for mask in rows))
    if n < FEWEST_ROWS:
        return Shortage(n, lookback, _apart(spec))
    if _inner_folds_train(data, spec, rows):
        return None
    # the block that is tested and what is kept apart from it must leave some of the rows
    n_needed = ceil(_apart(spec) * len(data.frames) * INNER_FOLDS / (INNER_FOLDS - 1)) + INNER_FOLDS
    return Shortage(n, lookback, _apart(spec), max(n + 1, n_needed))


def _inner_folds_train(data: Dataset, spec: Experiment, rows: Rows) -> bool:
    """Whether the purged folds inside the first part, which calibrate it, have rows to train on too."""
    labels = data.stacked(rows)
    splitter = PurgedKFold(INNER_FOLDS, spec.embargo(data.interval))
    try:
        for _ in splitter.split(labels.start, intervals=(labels.start, labels.last_end)):
            pass
    except DataError:
        return False
    return True


def _tests_enough(data: Dataset, spec: Experiment) -> bool:
    folds = walk_forward(data, spec, spec.embargo(data.interval))
    return all(sum(mask.sum() for mask in both(fold.test, data.labelled)) >= _FEWEST_TESTED for fold in folds)


def _lookback(spec: Experiment, data: Dataset, train: Rows | None = None) -> int:
    """Bars before the first row that can train; of features that learn their own, only where `train` says on what."""
    found = [int(getattr(spec.regimes, "lookback", 1))]
    if spec.regime_momentum:
        found.append(RegimeMomentum().least_lookback)
    for feature in spec.features.features:
        if isinstance(feature, RegimeMomentum):
            found += [feature.least_lookback, int(getattr(feature.regimes, "lookback", 1))]
        elif not isinstance(feature, FittableFeature):
            found.append(feature.lookback)
        elif train is not None:
            found.append(feature.fit(data.before(train), seed=spec.seed).lookback)
    return max(found)


def _apart(spec: Experiment) -> int:
    return spec.barriers.horizon + spec.memory


def _is_plenty(market: Market, spec: Experiment) -> bool:
    """Whether there is no doubt, so that a long history is not labelled twice."""
    first_part = len(market.bars) / len(market.symbols) * spec.folds.initial
    return first_part > 4 * (FEWEST_ROWS + _apart(spec) + 500)


def _refusal(data: Dataset, spec: Experiment, short: Shortage) -> NotEnoughBars:
    """What is wrong, and the settings that work: other shares, the logistic without memory, or more bars."""
    n_bars = round(sum(map(len, data.frames.values())) / (1 - spec.folds.lockbox))
    found = f"about {n_bars:,} bars are too few for these settings: {short.sentence}"
    return NotEnoughBars(f"{found}; {_advice(data, spec, short)}")


def _advice(data: Dataset, spec: Experiment, short: Shortage) -> str:
    quick = tuple(one for one in spec.forecasters if one.memory == 0)
    without_memory = replace(spec, forecasters=quick, challengers=(), agent=DECIDER)
    for option, candidate in (("", spec), ("--agent logistic ", without_memory)):
        nobody_to_leave_out = spec.memory == 0 or not spec.challengers  # all forecasters are compared, none chosen
        if (option and nobody_to_leave_out) or (folds := shares_that_work(data, candidate)) is None:
            continue
        return f"these work: {option}--set folds.initial={folds.initial:g} --set folds.n_folds={folds.n_folds}"
    needed = short.lookback + short.apart + spec.barriers.horizon + short.n_needed // len(data.frames)
    shares = f"--set folds.initial={MOST_INITIAL:g} --set folds.n_folds=1"
    span = f"{ceil(needed / MOST_INITIAL / 100) * 100:,} bars"
    return f"no shares of it work: load at least {span} a symbol (with {shares}), or shorten labels.horizon"
