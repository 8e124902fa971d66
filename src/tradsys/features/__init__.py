"""Columns computed from bars, looking only back, and scaled by training rows alone."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.features.feature import Feature as Feature
    from tradsys.features.feature import FittableFeature as FittableFeature
    from tradsys.features.feature_set import FeatureMatrix as FeatureMatrix
    from tradsys.features.feature_set import FeatureSet as FeatureSet
    from tradsys.features.feature_set import FittedFeatures as FittedFeatures
    from tradsys.features.fractional import frac_diff as frac_diff
    from tradsys.features.fractional import frac_diff_weights as frac_diff_weights
    from tradsys.features.registry import register as register

__getattr__, __dir__, __all__ = attach(__name__, __file__)
