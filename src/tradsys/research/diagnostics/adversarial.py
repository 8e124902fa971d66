"""Adversarial validation: how well a classifier tells every fold's test block from what was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.seeds import derive
from tradsys.core.time import interval_ms
from tradsys.models.forecaster import Rows, stack
from tradsys.research.diagnostics.two_sample import N_BLOCKS, SampleRows, TwoSampleTest, two_sample_test
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.deciding import FoldResult
from tradsys.research.walk.experiment import Outcome
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.research.walk.scoring import fold_columns, usable
from tradsys.runs.diagnostics import DriftMetrics, FoldDriftMetrics, GiveawayMetrics
from tradsys.runs.section import Band

_FEWEST_FOLDS = 3
_N_SHOWN = 6


def adversarial_validation(outcome: Outcome, spec: Experiment) -> DriftMetrics:
    """How well a model tells every fold's training rows from its test rows by the columns that the forecasters see.

    The gap is what a row looks back on, or the length of a left-out block where that is less, which is counted
    generously: averages fade long before. What still leaks then leaks into what is ordinary too. Where even a third of
    it does not fit, nothing is said.

    The interval is Student's over the folds, whose test blocks are apart in time: on processes that never change it
    lies above .5 in 2.5% of cases and below in as many, whereas the blocks within a fold share what they learnt.
    """
    data = outcome.data
    step = interval_ms(data.interval)
    n_bars = min((one.fold.closes - one.fold.opens) // step for one in outcome.results)
    lookback = outcome.results[0].predictor.features.lookback
    gap = min(lookback, n_bars // N_BLOCKS)
    compared = []
    if 3 * gap >= lookback:
        for result in outcome.results:
            seed = derive(spec.seed, "drift", result.fold.index)
            compared.append(_compare(data, result, gap_ms=gap * step, seed=seed))
    known = [one for one in compared if one is not None]
    return _summary(known, gap) if known else _too_short(n_bars, lookback)


@dataclass(frozen=True, slots=True)
class _FoldComparison:
    """A fold's numbers, and what its columns added and how they moved, all (n_features,)."""

    drift: FoldDriftMetrics
    columns: tuple[str, ...]
    lead: FloatArray
    shift: FloatArray
    spread: FloatArray


def _compare(data: Dataset, result: FoldResult, *, gap_ms: int, seed: int) -> _FoldComparison | None:
    X, fold, columns = fold_columns(data, result), result.fold, result.predictor.features.columns
    train, test = (_part(data, X, rows) for rows in (fold.train, fold.test))
    found = two_sample_test(train, test, gap_ms=gap_ms, seed=seed)
    if found is None:
        return None
    ordinary = _ordinary(train, fold.closes - fold.opens, gap_ms=gap_ms, seed=seed)
    scale = np.maximum(train.X.std(axis=0), 1e-9)
    shift, spread = (test.X.mean(axis=0) - train.X.mean(axis=0)) / scale, test.X.std(axis=0) / scale
    drift = FoldDriftMetrics(
        fold=fold.index,
        auc=found.auc,
        ordinary=float(np.mean([one.auc for one in ordinary])) if ordinary else None,
        n_stretches=len(ordinary),
        giveaways=_giveaways(columns, found.lead, shift, spread),
    )
    return _FoldComparison(drift, columns, found.lead, shift, spread)


def _part(data: Dataset, columns: tuple[FloatArray, ...], rows: Rows) -> SampleRows:
    """Chosen rows of all symbols in order of time."""
    chosen = usable(rows, columns, data)
    start = stack([one.start for one in data.labels.values()], chosen)
    order = np.argsort(start, kind="stable")
    return SampleRows(stack(columns, chosen)[order], start[order])


def _ordinary(train: SampleRows, length_ms: int, *, gap_ms: int, seed: int) -> list[TwoSampleTest]:
    """Each stretch of about a test block's length against the rest of the training part."""
    since = train.start - train.start[0]
    n = round(int(since[-1]) / length_ms)
    if n < 2:
        return []
    stretch = since * n // (since[-1] + 1)
    parts = [(train.rows(stretch != k), train.rows(stretch == k)) for k in range(n)]
    tests = [two_sample_test(rest, own, gap_ms=gap_ms, seed=seed) for rest, own in parts if len(own.start)]
    return [one for one in tests if one is not None]


def _summary(compared: Sequence[_FoldComparison], gap: int) -> DriftMetrics:
    folds = tuple(one.drift for one in compared)
    auc = _mean_interval(np.array([one.auc for one in folds]))
    known = [one for one in folds if one.ordinary is not None]
    areas, usual = (np.array([getattr(one, name) for one in known]) for name in ("auc", "ordinary"))
    ordinary = float(usual.mean()) if known else None
    excess = _mean_interval(areas - usual) if known else None
    lead, shift, spread = (
        np.mean([getattr(one, name) for one in compared], axis=0) for name in ("lead", "shift", "spread")
    )
    giveaways = _giveaways(compared[0].columns, lead, shift, spread)
    return DriftMetrics(
        sentence=_sentence(auc, ordinary, excess, giveaways, len(folds)),
        auc=auc,
        ordinary=ordinary,
        excess=excess,
        giveaways=giveaways,
        folds=folds,
        gap_bars=gap,
    )


def _mean_interval(values: FloatArray) -> Band:
    """Mean of the folds with Student's interval."""
    from scipy.stats import t

    mean, n = float(np.mean(values)), len(values)
    if n < _FEWEST_FOLDS:
        return Band(value=mean, low=None, high=None)
    half = float(t.ppf(0.975, n - 1)) * float(np.std(values, ddof=1)) / sqrt(n)
    return Band(value=mean, low=mean - half, high=mean + half)


def _giveaways(
    columns: tuple[str, ...], lead: FloatArray, shift: FloatArray, spread: FloatArray
) -> tuple[GiveawayMetrics, ...]:
    """Columns that distinguish the samples, most first, with their shares in it; none where nothing did."""
    helped = np.maximum(lead, 0.0)
    if lead.sum() <= 0:
        return ()
    share = helped / helped.sum()
    order = np.argsort(-share, kind="stable")[:_N_SHOWN]
    return tuple(
        GiveawayMetrics(column=columns[k], share=float(share[k]), shift=float(shift[k]), spread=float(spread[k]))
        for k in order
        if share[k] > 0
    )


def _sentence(
    auc: Band,
    ordinary: float | None,
    excess: Band | None,
    giveaways: Sequence[GiveawayMetrics],
    n_folds: int,
) -> str:
    if auc.low is None or auc.high is None:
        found = f"AUC {auc.value:.2f} over {n_folds} of the {_FEWEST_FOLDS} that an interval needs"
        return f"Too few folds to say whether the test blocks look like what was trained on: {found}."
    found = f"AUC {auc.value:.2f} [{auc.low:.2f}, {auc.high:.2f}]"
    if auc.low <= 0.5:
        return f"The test blocks look like what was trained on: {found}."
    mostly = "; mostly " + " and ".join(one.column for one in giveaways[:2]) if giveaways else ""
    if ordinary is None or excess is None or excess.low is None:
        return f"The test blocks look unlike what was trained on: {found}{mostly}."
    if excess.low <= 0:
        return (
            "The test blocks look unlike what was trained on, as stretches of the training history do beside the rest "
            f"of it (AUC {ordinary:.2f}): {found}{mostly}."
        )
    return (
        "The test blocks look unlike what was trained on, more than stretches of the training history beside the rest "
        f"of it (AUC {ordinary:.2f}): {found}{mostly}."
    )


def _too_short(n_bars: int, lookback: int) -> DriftMetrics:
    return DriftMetrics(
        sentence="Whether the test blocks look like what was trained on cannot be said: they have "
        f"{n_bars:,} bars, and with columns that look back {lookback} bars at least "
        f"{N_BLOCKS * -(-lookback // 3):,} are needed.",
        auc=None,
        ordinary=None,
        excess=None,
        giveaways=(),
        folds=(),
        gap_bars=0,
    )
