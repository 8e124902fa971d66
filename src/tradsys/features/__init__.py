"""Columns computed from bars, looking only back, and scaled by training rows alone."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.features.feature import Feature, FittableFeature
    from tradsys.features.feature_set import FeatureMatrix, FeatureSet, FittedFeatures
    from tradsys.features.fractional import frac_diff, frac_diff_weights
    from tradsys.features.registry import register

__all__ = [
    "Feature",
    "FeatureMatrix",
    "FeatureSet",
    "FittableFeature",
    "FittedFeatures",
    "frac_diff",
    "frac_diff_weights",
    "register",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Feature": "feature",
        "FeatureMatrix": "feature_set",
        "FeatureSet": "feature_set",
        "FittableFeature": "feature",
        "FittedFeatures": "feature_set",
        "frac_diff": "fractional",
        "frac_diff_weights": "fractional",
        "register": "registry",
    },
)
