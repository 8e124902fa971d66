"""The one interface of every model that forecasts: a frozen spec that fits, and what fitting returns."""

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol, Self

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import BundleError, ConfigError
from tradsys.models.panel import Panel, Rows


def check_n_features(X: FloatArray, n_features: int) -> None:
    """Refuse an array that is not (n_bars, n_features)."""
    if X.ndim != 2 or X.shape[1] != n_features:
        raise ConfigError(
            f"this model was fitted on {n_features} features, found an array of shape {X.shape}; "
            "compute the features with the set it was fitted with"
        )


class FittedForecaster(Protocol):
    """A model that forecasts; holds nothing of the data it was fitted on and needs no torch."""

    @property
    def kind(self) -> str:
        """The loader's name in the registry."""

    @property
    def memory(self) -> int:
        """Earlier rows that one forecast depends on; 0 where a forecast reads its own row alone."""

    def logits(self, X: FloatArray) -> FloatArray:
        """Uncalibrated log-odds of one symbol's rows, (n_bars, n_features) -> (n_bars, 2); NaN where X has NaN."""

    def to_files(self) -> dict[str, bytes]:
        """The whole model as named files (JSON, ONNX, UBJ); never a pickle."""

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The model that `to_files` wrote, equal to the last bit."""


class Forecaster(Protocol):
    """A frozen spec; fitting returns another object."""

    @property
    def name(self) -> str:
        """What the report calls it."""

    @property
    def memory(self) -> int:
        """Earlier rows that one forecast will depend on; 0 where it reads its own row alone."""

    def fit(self, panel: Panel, rows: Rows, *, seed: int) -> FittedForecaster:
        """Fit on the chosen rows alone."""


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
