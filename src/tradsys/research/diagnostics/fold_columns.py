"""A fold's standardised feature columns, computed again from what the run remembers rather than kept."""

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.models.forecaster import Rows
from tradsys.research.walk.dataset import Dataset
from tradsys.research.walk.deciding import FoldResult


def fold_columns(data: Dataset, result: FoldResult) -> tuple[FloatArray, ...]:
    """A symbol's standardised columns of all bars, (n_bars, n_features), on the scale of the fold's training part."""
    features = result.predictor.features
    return tuple(features.standardise(values) for values in data.raw.of(features))


def usable(rows: Rows, columns: tuple[FloatArray, ...], data: Dataset) -> Rows:
    """Those of the rows that have all columns and a label."""
    labels = data.labels.values()
    return tuple(
        mask & np.isfinite(X).all(axis=1) & one.is_labelled for mask, X, one in zip(rows, columns, labels, strict=True)
    )
