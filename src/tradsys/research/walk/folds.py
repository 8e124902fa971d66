"""Purged walk-forward folds over the labels of all symbols."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from tradsys.core.errors import NotEnoughBars
from tradsys.labels.barriers import BarrierSpec
from tradsys.models.forecaster import Panel, Rows, stack
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.record import rows_at
from tradsys.splits.kfold import PurgedKFold
from tradsys.splits.walk_forward import WalkForward


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows that train and rows that are tested, a mask a symbol; the test block is [opens, closes) in ms.

    What is fitted on bars reads all of them up to the last training row but those `held_out`: in walk-forward none are,
    since nothing that is tested lies before it.
    """

    index: int
    train: Rows
    test: Rows
    opens: int
    closes: int
    held_out: Rows | None = None


def purged_folds(panel: Panel, rows: Rows, n_folds: int, embargo: timedelta) -> Iterator[tuple[Rows, Rows]]:
    """What trains and what is tested of the given rows of all symbols, one purged block of time after the other."""
    where, sizes = np.flatnonzero(np.concatenate(rows)), [len(mask) for mask in rows]
    start, end = stack(panel.start, rows), stack(panel.last_end(), rows)
    for train, test in PurgedKFold(n_folds, embargo).split(start, intervals=(start, end)):
        yield rows_at(where[train], sizes), rows_at(where[test], sizes)


def _of_rule(barriers: BarrierSpec) -> str:
    """What a barrier rule other than the ATR may have left out, as half a sentence."""
    return "" if barriers.rule is None else f" of which {barriers.rule.name} measures a positive pace"


def walk_forward(data: Dataset, spec: Experiment, embargo: timedelta) -> list[Fold]:
    """Purged expanding folds by label interval; the shares of the settings refer to the history with its lock-box."""
    labelled = data.labelled
    sizes = [len(mask) for mask in labelled]
    if not any(map(np.any, labelled)):
        raise NotEnoughBars(
            f"a label needs prices that move and {spec.barriers.horizon} bars after it, found none in {sum(sizes):,} "
            f"bars before the lock-box{_of_rule(spec.barriers)}; load more history, or look at the prices"
        )
    labels = data.stacked(labelled)
    start, end = labels.start, labels.last_end
    splitter = WalkForward(spec.folds.n_folds, initial=spec.folds.initial / (1 - spec.folds.lockbox), embargo=embargo)
    edges = splitter.boundaries(start, intervals=(start, end))
    everyone = np.flatnonzero(np.concatenate(labelled))
    folds = []
    for k, (train, _) in enumerate(splitter.split(start, intervals=(start, end))):
        opens, closes = int(edges[k]), int(edges[k + 1])
        test = tuple((one.start >= opens) & (one.start < closes) for one in data.labels.values())
        folds.append(Fold(k, rows_at(everyone[train], sizes), test, opens, closes))
    return folds
