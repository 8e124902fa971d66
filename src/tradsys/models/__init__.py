"""What forecasts: the baselines, the network, its losses and training, and the calibration of all of them."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.models.base_rate import BaseRate
    from tradsys.models.boosted import Boosted
    from tradsys.models.calibration import Calibration, fit_calibration
    from tradsys.models.ensemble import Ensemble, FittedEnsemble
    from tradsys.models.forecaster import FittedForecaster, Forecaster
    from tradsys.models.logistic import RidgeLogistic
    from tradsys.models.losses import FocalLoss, SupervisedContrastiveLoss
    from tradsys.models.panel import Panel
    from tradsys.models.registry import load_forecaster
    from tradsys.models.resnet_agent import ResNetAgent
    from tradsys.models.stepper import Stepper
    from tradsys.models.symmetric import SymmetricLogistic
    from tradsys.models.transformer_agent import TransformerAgent
    from tradsys.models.volatility_agent import VolatilityAgent
    from tradsys.models.volatility_forecast import VolatilityForecast
    from tradsys.models.volatility_only import VolatilityOnly

__all__ = [
    "BaseRate",
    "Boosted",
    "Calibration",
    "Ensemble",
    "FittedEnsemble",
    "FittedForecaster",
    "FocalLoss",
    "Forecaster",
    "Panel",
    "ResNetAgent",
    "RidgeLogistic",
    "Stepper",
    "SupervisedContrastiveLoss",
    "SymmetricLogistic",
    "TransformerAgent",
    "VolatilityAgent",
    "VolatilityForecast",
    "VolatilityOnly",
    "fit_calibration",
    "load_forecaster",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "BaseRate": "base_rate",
        "Boosted": "boosted",
        "Calibration": "calibration",
        "Ensemble": "ensemble",
        "FittedEnsemble": "ensemble",
        "FittedForecaster": "forecaster",
        "FocalLoss": "losses",
        "Forecaster": "forecaster",
        "Panel": "panel",
        "ResNetAgent": "resnet_agent",
        "RidgeLogistic": "logistic",
        "Stepper": "stepper",
        "SupervisedContrastiveLoss": "losses",
        "SymmetricLogistic": "symmetric",
        "TransformerAgent": "transformer_agent",
        "VolatilityAgent": "volatility_agent",
        "VolatilityForecast": "volatility_forecast",
        "VolatilityOnly": "volatility_only",
        "fit_calibration": "calibration",
        "load_forecaster": "registry",
    },
)
