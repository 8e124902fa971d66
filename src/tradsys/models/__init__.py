"""What forecasts: the baselines, the network, its losses and training, and the calibration of all of them."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.models.calibration import Calibration, fit_calibration
    from tradsys.models.forecaster import FittedForecaster, Forecaster
    from tradsys.models.linear.base_rate import BaseRate
    from tradsys.models.linear.logistic import RidgeLogistic
    from tradsys.models.linear.symmetric import SymmetricLogistic
    from tradsys.models.linear.volatility_agent import VolatilityAgent
    from tradsys.models.linear.volatility_forecast import VolatilityForecast
    from tradsys.models.linear.volatility_only import VolatilityOnly
    from tradsys.models.losses import FocalLoss, SupervisedContrastiveLoss
    from tradsys.models.networks.stepper import Stepper
    from tradsys.models.panel import Panel
    from tradsys.models.pooling.ensemble import Ensemble, FittedEnsemble
    from tradsys.models.registry import load_forecaster
    from tradsys.models.training.resnet_agent import ResNetAgent
    from tradsys.models.training.transformer_agent import TransformerAgent
    from tradsys.models.trees.boosted import Boosted

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
        "BaseRate": "linear.base_rate",
        "Boosted": "trees.boosted",
        "Calibration": "calibration",
        "Ensemble": "pooling.ensemble",
        "FittedEnsemble": "pooling.ensemble",
        "FittedForecaster": "forecaster",
        "FocalLoss": "losses",
        "Forecaster": "forecaster",
        "Panel": "panel",
        "ResNetAgent": "training.resnet_agent",
        "RidgeLogistic": "linear.logistic",
        "Stepper": "networks.stepper",
        "SupervisedContrastiveLoss": "losses",
        "SymmetricLogistic": "linear.symmetric",
        "TransformerAgent": "training.transformer_agent",
        "VolatilityAgent": "linear.volatility_agent",
        "VolatilityForecast": "linear.volatility_forecast",
        "VolatilityOnly": "linear.volatility_only",
        "fit_calibration": "calibration",
        "load_forecaster": "registry",
    },
)
