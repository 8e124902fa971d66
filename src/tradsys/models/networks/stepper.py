"""A fitted network forecasting bar by bar as bars close: microseconds a bar, from what it remembers of earlier ones."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from numba.extending import register_jitable

from tradsys.core.arrays import Float32Array, FloatArray
from tradsys.core.errors import BundleError, ConfigError
from tradsys.core.kernels import njit
from tradsys.models import focal
from tradsys.models.forecaster import check_n_features
from tradsys.models.networks.onnx_forecaster import OnnxForecaster, TrainedNetwork
from tradsys.models.networks.steps import ResNetSteps, TransformerSteps


class Steps(Protocol):
    """A network's memory of the bars so far."""

    def add(self, x: Float32Array) -> Float32Array:
        """The network's output for the next bar, (n_features,) -> (n_outputs,)."""

    def skip(self) -> None:
        """The next bar is not known."""


STEPS: Mapping[str, Callable[[TrainedNetwork], Steps]] = {
    "banded_transformer": TransformerSteps,
    "dilated_resnet": ResNetSteps,
}
"""Name of an architecture -> how it steps; a new network is one line here."""

for _function in focal.COMPILED:
    register_jitable(_function)
# the functions of whole arrays, compiled: for the two log-odds of one bar numpy's calls take fifty times longer
_add_on_focal_scale = njit(cache=True)(focal.add_on_focal_scale)


class Stepper:
    """The forecasts of an `OnnxForecaster`, a row at a time, equal to its batch within 1e-5.

    A network's batch reads `memory` earlier rows anew for every forecast; this one keeps what it computed of them.
    """

    def __init__(self, forecaster: OnnxForecaster) -> None:
        self._forecaster, self._n_features = forecaster, forecaster.offset.coef.shape[1]
        self._steps = _steps(forecaster.network)

    def warm(self, X: FloatArray) -> None:
        """Forget everything, then remember the last rows of a history (n_rows, n_features), oldest first.

        The next `step` then forecasts what the batch forecasts for the row after them; `memory` rows are enough.
        """
        check_n_features(X, self._n_features)
        self._steps = _steps(self._forecaster.network)
        if self._steps is not None:
            for row in X[max(0, len(X) - self._forecaster.memory) :]:
                self.step(row)

    @contextmanager
    def unmoved_if_refused(self) -> Iterator[None]:
        """Whatever is raised after a `warm` inside brings back what was known before it."""
        known = self._steps
        try:
            yield
        except BaseException:
            self._steps = known
            raise

    def step(self, row: FloatArray) -> FloatArray:
        """Log-odds (2,) of the bar that has just closed, from its features (n_features,); NaN where one of them is."""
        if row.shape != (self._n_features,):
            raise ConfigError(
                f"this model was fitted on {self._n_features} features, found a row of shape {row.shape}; "
                "compute the features with the set it was fitted with"
            )
        base: FloatArray = self._forecaster.offset.logits(row[None])[0]
        if self._steps is None:
            return base
        if not np.isfinite(base[0]):
            self._steps.skip()
            return np.full(2, np.nan)
        added = self._steps.add(row.astype(np.float32))
        gamma, alpha = self._forecaster.gamma, self._forecaster.alpha
        if gamma is None:
            return base + added
        logits: FloatArray = _add_on_focal_scale(base, added, gamma, alpha)
        return logits


def _steps(network: TrainedNetwork | None) -> Steps | None:
    if network is None:
        return None
    if network.architecture not in STEPS:
        raise BundleError(
            f"networks that step are {', '.join(STEPS)}, found {network.architecture!r}; forecast with "
            "ONNX Runtime instead"
        )
    return STEPS[network.architecture](network)
