"""What forecasts: the baselines, the network, its losses and training, and the calibration of all of them."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.models.calibration import Calibration as Calibration
    from tradsys.models.calibration import fit_calibration as fit_calibration
    from tradsys.models.forecaster import FittedForecaster as FittedForecaster
    from tradsys.models.forecaster import Forecaster as Forecaster
    from tradsys.models.forecaster import Panel as Panel
    from tradsys.models.forecaster import load_forecaster as load_forecaster
    from tradsys.models.forecaster import register_fitted as register_fitted
    from tradsys.models.linear.baselines import BaseRate as BaseRate
    from tradsys.models.linear.baselines import SymmetricLogistic as SymmetricLogistic
    from tradsys.models.linear.baselines import VolatilityOnly as VolatilityOnly
    from tradsys.models.linear.logistic import RidgeLogistic as RidgeLogistic
    from tradsys.models.linear.volatility_agent import VolatilityAgent as VolatilityAgent
    from tradsys.models.linear.volatility_forecast import VolatilityForecast as VolatilityForecast
    from tradsys.models.losses import FocalLoss as FocalLoss
    from tradsys.models.losses import SupervisedContrastiveLoss as SupervisedContrastiveLoss
    from tradsys.models.networks.stepper import Stepper as Stepper
    from tradsys.models.pooling.ensemble import Ensemble as Ensemble
    from tradsys.models.pooling.ensemble import FittedEnsemble as FittedEnsemble
    from tradsys.models.registry import register_agent as register_agent
    from tradsys.models.training.agents import ResNetAgent as ResNetAgent
    from tradsys.models.training.agents import TransformerAgent as TransformerAgent
    from tradsys.models.trees.boosted import Boosted as Boosted

__getattr__, __dir__, __all__ = attach(__name__, __file__)
