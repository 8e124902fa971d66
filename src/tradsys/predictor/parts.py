"""What a predictor consists of: everything that was fitted on one training part, and the settings of its trades."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from tradsys.auditor.auditor import FittedAuditor
from tradsys.features.feature_set import FittedFeatures
from tradsys.labels.barrier_spec import BarrierSpec
from tradsys.models.forecaster import FittedForecaster
from tradsys.models.linear.volatility_forecast import VolatilityForecast
from tradsys.models.pooling.combination import Combination
from tradsys.predictor.valuation import ConfidenceRanks, Valuation
from tradsys.profiles.profile import Profile
from tradsys.regimes.family import RegimeFilter
from tradsys.regimes.macro import FittedMacroFilter


@dataclass(frozen=True, slots=True)
class PredictorParts:
    """What a bundle's files hold; `Predictor` adds how the parts decide together."""

    interval: timedelta
    features: FittedFeatures
    forecasters: Mapping[str, FittedForecaster]
    combination: Combination
    timeout: FittedForecaster
    valuation: Valuation
    ranks: ConfidenceRanks
    regimes: RegimeFilter
    auditor: FittedAuditor
    barriers: BarrierSpec
    profile: Profile
    volatility: VolatilityForecast | None = None
    supervisor: FittedMacroFilter | None = None
