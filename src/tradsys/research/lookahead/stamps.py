"""Time stamps of all that a run reads: pooled symbols, columns from outside, and series of own features."""

from collections.abc import Mapping, Sequence

import polars as pl

from tradsys.core.arrays import FloatArray
from tradsys.data.alignment import check_alignment
from tradsys.data.market import Market
from tradsys.data.misaligned import Alignment
from tradsys.features.feature import FittableFeature, OutsideSeries
from tradsys.features.feature_set import FeatureSet, feature_rows


def check_stamps(market: Market, features: FeatureSet, allow_lead: Sequence[str] = ()) -> Alignment:
    """`check_alignment` with the columns of features that read a series of their own; a DataError as there."""

    def of_own_series(bars: pl.DataFrame) -> Mapping[str, FloatArray]:
        found: dict[str, FloatArray] = {}
        for feature in features.features:
            if isinstance(feature, OutsideSeries) and not isinstance(feature, FittableFeature):
                found |= dict(zip(feature.columns, feature_rows(feature, bars).T, strict=True))
        return found

    return check_alignment(market, allow_lead, further=of_own_series)
