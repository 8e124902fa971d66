"""What the forecasts are worth: log-loss gained over the references, with intervals over blocks of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradsys.core.arrays import FloatArray, IntArray
from tradsys.core.seeds import generator
from tradsys.models.panel import Rows
from tradsys.research.choice import block_sums, lead, log_loss
from tradsys.research.dataset import Dataset
from tradsys.research.deciding import FoldResult
from tradsys.research.record import stack

DECISION_MAKER = "decision maker"
BASE_RATE, VOLATILITY, LOGISTIC = "base_rate", "volatility_only", "logistic"
_DRAWS = 2_000
_BINS = 10
_POWER = 2.8
"""Standard errors a gain must measure to be seen at 95% in four of five samples (1.96 + 0.84)."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Test rows of all folds with an outcome and a forecast by everyone; all arrays in one order.

    `start` (n,), `fold` (n,), `y` (n, 2), `weight` (n, 2) and a forecaster's calibrated `probability` (n, 2).
    """

    start: IntArray
    fold: IntArray
    y: FloatArray
    weight: FloatArray
    probability: Mapping[str, FloatArray]
    block_ms: int

    @property
    def effective_n(self) -> float:
        """Sum of the labels' average uniqueness, averaged over the two sides."""
        return float(self.weight.sum(axis=0).mean())


def gather(data: Dataset, results: Sequence[FoldResult], block_ms: int) -> Scored:
    """Every fold's test rows, symbol after symbol within a fold."""
    labels = tuple(data.labels.values())
    parts: list[tuple[IntArray, IntArray, FloatArray, FloatArray]] = []
    said: dict[str, list[FloatArray]] = {}
    for result in results:
        by_name = dict(result.probabilities) | {DECISION_MAKER: result.probabilities[result.decider]}
        rows: Rows = tuple(
            test & one.is_labelled & np.logical_and.reduce([np.isfinite(p[s]).all(axis=1) for p in by_name.values()])
            for s, (test, one) in enumerate(zip(result.fold.test, labels, strict=True))
        )
        start = stack([one.start for one in labels], rows)
        y, weight = stack([one.target for one in labels], rows), stack([one.weight for one in labels], rows)
        parts.append((start, np.full(len(start), result.fold.index), y, weight))
        for name, values in by_name.items():
            said.setdefault(name, []).append(stack(values, rows))
    start, fold, y, weight = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Scored(start, fold, y, weight, {name: np.concatenate(p) for name, p in said.items()}, block_ms)


def skill_table(scored: Scored, *, seed: int) -> dict[str, Any]:
    """Log-loss and AUC of every forecaster, and its gains in millinats over three references with 95% intervals."""
    losses = {name: log_loss(p, scored.y) for name, p in scored.probability.items()}
    rows = [
        {
            "name": name,
            "log_loss": float(loss.mean()),
            "auc": auc(scored.probability[name], scored.y),
            "over_base": _gain(scored, losses, BASE_RATE, name, seed),
            "over_volatility": _gain(scored, losses, VOLATILITY, name, seed),
            "over_logistic": _gain(scored, losses, LOGISTIC, name, seed),
        }
        for name, loss in losses.items()
    ]
    noise = lead(losses[BASE_RATE], losses[LOGISTIC], scored.start, scored.block_ms).standard_error
    return {
        "n": len(scored.start),
        "effective_n": scored.effective_n,
        "base_rate": float(scored.y.mean()),
        "log_loss_base": float(losses[BASE_RATE].mean()),
        "smallest_visible_gain_millinats": _POWER * noise * 1e3 if np.isfinite(noise) else None,
        "forecasters": rows,
    }


def _gain(
    scored: Scored, losses: Mapping[str, FloatArray], reference: str, name: str, seed: int
) -> dict[str, float] | None:
    """Millinats by which `name` loses less than `reference`; percentile bootstrap over blocks of time."""
    if name == reference:
        return None
    sums, counts = block_sums(losses[reference] - losses[name], scored.start, scored.block_ms)
    drawn = generator(seed, "skill").integers(len(sums), size=(_DRAWS, len(sums)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975]) * 1e3
    return {"value": float(sums.sum() / counts.sum() * 1e3), "low": float(low), "high": float(high), "n": len(sums)}


def auc(probability: FloatArray, y: FloatArray) -> float | None:
    """Area under the ROC curve, mean of the two sides; ties count a half; None where a side has one outcome only."""
    from scipy.stats import rankdata

    areas = []
    for p, hit in zip(probability.T, y.T, strict=True):
        n_hit, n_miss = hit.sum(), (1 - hit).sum()
        if n_hit == 0 or n_miss == 0:
            return None
        areas.append((rankdata(p)[hit == 1].sum() - n_hit * (n_hit + 1) / 2) / (n_hit * n_miss))
    return float(np.mean(areas))


def reliability(scored: Scored) -> dict[str, list[dict[str, float]]]:
    """Forecast against frequency in ten bins a side; intervals from the bin's effective number of labels."""
    from scipy.stats import beta

    table: dict[str, list[dict[str, float]]] = {}
    for column, side in enumerate(("long", "short")):
        p, y, w = (a[:, column] for a in (scored.probability[DECISION_MAKER], scored.y, scored.weight))
        bins = np.array_split(np.argsort(p, kind="stable"), _BINS)
        table[side] = []
        for rows in (b for b in bins if len(b)):
            n_eff, hits = max(w[rows].sum(), 1.0), y[rows].mean()
            low, high = beta.ppf(
                [0.025, 0.975], [hits * n_eff, hits * n_eff + 1], [(1 - hits) * n_eff + 1, (1 - hits) * n_eff]
            )
            table[side].append(
                {
                    "predicted": float(p[rows].mean()),
                    "observed": float(hits),
                    "n": len(rows),
                    "effective_n": float(n_eff),
                    "low": float(np.nan_to_num(low, nan=0.0)),
                    "high": float(np.nan_to_num(high, nan=1.0)),
                }
            )
    return table
