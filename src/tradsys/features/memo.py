"""Cache of raw features of the same bars: each is computed once, however it is combined or scaled."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.features.feature import Feature
from tradsys.features.feature_set import FittedFeatures, in_chunks


@dataclass(frozen=True, slots=True)
class RawFeatures:
    """Raw values of some symbols' bars, kept by feature; equal features share them.

    No feature looks ahead, so that the rows of the first bars are what those bars alone would give, to the last bit:
    walk-forward folds read their training part as the beginning of the whole.
    """

    frames: Sequence[pl.DataFrame]
    known: dict[tuple[Feature, int], list[FloatArray]] = field(default_factory=dict, repr=False)

    def of(self, features: FittedFeatures) -> list[FloatArray]:
        """A new array (n_bars, n_features) a symbol, NaN in the warm-up rows."""
        warm_up = features.lookback - 1  # it says where chunks begin, which moves the last bit of a regime
        for feature in features.features:
            if (feature, warm_up) not in self.known:
                self.known[feature, warm_up] = [in_chunks((feature,), bars, warm_up) for bars in self.frames]
        columns = [self.known[feature, warm_up] for feature in features.features]
        return [features.warmed_up(np.concatenate(parts, axis=1)) for parts in zip(*columns, strict=True)]
