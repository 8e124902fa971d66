"""Skill of the forecasts: the test rows of all folds, scored against outcomes and reference forecasters."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.time import interval_ms
from tradsys.models.forecaster import Rows, stack
from tradsys.research.walk.dataset import Dataset, StackedLabels, filled
from tradsys.research.walk.deciding import FoldResult
from tradsys.runs.section import MeasuredGain
from tradsys.verdict.reliability import reliability_bins
from tradsys.verdict.scores import ForecastOutcomes, log_loss, score
from tradsys.verdict.skill import Estimate, Overlap, gain

DECISION_MAKER = "decision maker"
BASE_RATE, VOLATILITY, LOGISTIC, BOOSTED = "base_rate", "volatility_only", "logistic", "boosted"
REFERENCES = {
    "over_base": BASE_RATE,
    "over_volatility": VOLATILITY,
    "over_logistic": LOGISTIC,
    "over_boosted": BOOSTED,
}
"""Field of the skill table: the forecaster over whom the gain is."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Test rows of all folds with an outcome and a forecast by everyone; all arrays in one order.

    `fold` (n,), the place of its `symbol` among the data's (n,), and a forecaster's calibrated `probability` (n, 2).
    """

    fold: IntArray
    symbol: IntArray
    outcomes: ForecastOutcomes
    probability: Mapping[str, FloatArray]


def gather(data: Dataset, results: Sequence[FoldResult], horizon: int) -> Scored:
    """Every fold's test rows, symbol after symbol within a fold; labels live for at most `horizon` bars."""
    labels: list[StackedLabels] = []
    symbols: list[IntArray] = []
    forecasts: dict[str, list[FloatArray]] = {}
    for result in results:
        by_name = dict(result.probabilities) | {DECISION_MAKER: result.probabilities[result.decider]}
        rows = scored_rows(data, result)
        of_test = tuple(mask[test] for mask, test in zip(rows, result.fold.test, strict=True))
        labels.append(data.stacked(rows))
        symbols.append(np.repeat(np.arange(len(rows)), [np.count_nonzero(mask) for mask in rows]))
        for name, values in by_name.items():
            forecasts.setdefault(name, []).append(stack(values, of_test))
    fold = np.repeat([result.fold.index for result in results], [len(one.start) for one in labels])
    start = np.concatenate([one.start for one in labels])
    y, uniqueness = (np.concatenate([getattr(one, name) for one in labels]) for name in ("target", "weight"))
    outcomes = ForecastOutcomes(y, uniqueness, Overlap(start, interval_ms(data.interval), horizon))
    return Scored(fold, np.concatenate(symbols), outcomes, {name: np.concatenate(p) for name, p in forecasts.items()})


def scored_rows(data: Dataset, result: FoldResult) -> Rows:
    """A fold's test rows that have an outcome on both sides and a forecast by everyone."""
    return filled(data, forecast_rows(data, result))


def forecast_rows(data: Dataset, result: FoldResult) -> Rows:
    """A fold's test rows that are labelled, orders that were missed among them, with a forecast by everyone."""
    found = tuple(test & one.is_labelled for test, one in zip(result.fold.test, data.labels.values(), strict=True))
    for s, (mask, test) in enumerate(zip(found, result.fold.test, strict=True)):
        mask[test] &= np.logical_and.reduce([np.isfinite(p[s]).all(axis=1) for p in result.probabilities.values()])
    return found


def fold_columns(data: Dataset, result: FoldResult) -> tuple[FloatArray, ...]:
    """A symbol's standardised columns of all bars, (n_bars, n_features), on the scale of the fold's training part."""
    features = result.predictor.features
    return tuple(features.standardise(values) for values in data.raw.of(features))


def usable(rows: Rows, columns: tuple[FloatArray, ...], data: Dataset) -> Rows:
    """Those of the rows that have all columns and an outcome on both sides."""
    labels = data.labels.values()
    known = tuple(
        mask & np.isfinite(X).all(axis=1) & one.is_labelled for mask, X, one in zip(rows, columns, labels, strict=True)
    )
    return filled(data, known)


def skill_table(scored: Scored, *, seed: int) -> dict[str, Any]:
    """Scores of every forecaster, and its gains in millinats over the references, with 95% intervals."""
    outcomes = scored.outcomes
    losses = {name: log_loss(p, outcomes.y) for name, p in scored.probability.items()}
    gains = {
        (name, key): gain(losses[reference], losses[name], outcomes.overlap, seed=seed)
        for key, reference in REFERENCES.items()
        for name in losses
        if name != reference
    }
    visible = gains[LOGISTIC, "over_base"].smallest_visible
    return {
        "n": outcomes.n,
        "effective_n": outcomes.effective_n,
        "base_rate": outcomes.base_rate,
        "log_loss_base": float(losses[BASE_RATE].mean()),
        "smallest_visible_gain_millinats": None if visible is None else visible * 1e3,
        "forecasters": [
            _scores(name, p, outcomes, seed)
            | {key: millinats(gains[name, key]).to_json() if (name, key) in gains else None for key in REFERENCES}
            for name, p in scored.probability.items()
        ],
    }


def _scores(name: str, probability: FloatArray, outcomes: ForecastOutcomes, seed: int) -> dict[str, Any]:
    scores = score(probability, outcomes, seed=seed)
    means = {"log_loss": scores.log_loss, "brier": scores.brier, "auc": scores.auc}
    return {
        "name": name,
        **{key: one.value if one else None for key, one in means.items()},
        "intervals": {key: [one.low, one.high] if one else [None, None] for key, one in means.items()},
        "brier_parts": asdict(scores.brier_parts),
    }


def millinats(estimate: Estimate) -> MeasuredGain:
    """An estimate in nats, in thousandths."""
    shown = {name: getattr(estimate, name) for name in ("value", "low", "high", "smallest_visible")}
    return MeasuredGain(
        **{name: None if nats is None else nats * 1e3 for name, nats in shown.items()},
        n=estimate.n,
        n_blocks=estimate.n_blocks,
        block_bars=estimate.block,
    )


def reliability(scored: Scored) -> dict[str, list[dict[str, float]]]:
    """The decision maker's forecasts against frequencies, in bins a side."""
    forecast, outcomes = scored.probability[DECISION_MAKER], scored.outcomes
    return {
        side: [asdict(one) for one in reliability_bins(forecast[:, k], outcomes.y[:, k], outcomes.uniqueness[:, k])]
        for k, side in enumerate(("long", "short"))
    }
