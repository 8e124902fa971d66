"""Which class reads which kind of saved model; nothing heavy is imported until a kind is asked for."""

from collections.abc import Mapping
from importlib import import_module

from tradsys.core.errors import BundleError
from tradsys.models.forecaster import FittedForecaster

KINDS = {
    "linear": ("tradsys.models.linear.logistic", "FittedLinear"),
    "boosted": ("tradsys.models.trees.boosted", "FittedBoosted"),
    "resnet": ("tradsys.models.networks.onnx_forecaster", "OnnxForecaster"),
    "transformer": ("tradsys.models.networks.onnx_forecaster", "OnnxForecaster"),
    "volatility": ("tradsys.models.linear.volatility_forecast", "VolatilityForecast"),
}
"""Kind -> module and class; a new kind of model is one line here."""


def load_forecaster(kind: str, files: Mapping[str, bytes]) -> FittedForecaster:
    """The fitted model of this kind that `to_files` wrote."""
    if kind not in KINDS:
        raise BundleError(
            f"a model is one of {', '.join(sorted(KINDS))}, found {kind!r}; was it saved by a newer version?"
        )
    module, name = KINDS[kind]
    forecaster: FittedForecaster = getattr(import_module(module), name).from_files(files)
    return forecaster
