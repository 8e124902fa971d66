"""The one interface of every model that forecasts: what it is fitted on, a frozen spec, and what fitting returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from tradsys.core.arrays import BoolArray, FloatArray, IntArray
from tradsys.core.errors import BundleError, ConfigError
from tradsys.core.registry import Registry

LONG, SHORT = 0, 1
"""Columns of every two-sided array: the long side's target first, the short side's target first."""

type Rows = tuple[BoolArray, ...]
"""One mask a symbol, shape (n_bars,): the rows that take part."""


def stack[S: np.generic](values: Sequence[npt.NDArray[S]], rows: Rows) -> npt.NDArray[S]:
    """The chosen rows of every symbol, symbol after symbol."""
    return np.concatenate([v[r] for v, r in zip(values, rows, strict=True)])


@dataclass(frozen=True, slots=True)
class Panel:
    """Pooled symbols of unequal length; nothing is stacked until a forecaster asks for it.

    Shapes for symbol s: `X[s]` (n_bars, n_features), NaN during warm-up; `y[s]`, `end[s]`, `weight[s]`, `ret_atr[s]`
    (n_bars, 2), long and short; `start[s]` (n_bars,). Times are int64 milliseconds, UTC: `start` when the row's bar has
    closed, `end` when the label's outcome is known. `y` is 1 where that side's target came first and NaN where there is
    no label; `weight` is what the label weighs in a fit; `ret_atr` the gross return in units of ATR.
    `expansion[s]` and `expansion_end[s]` (n_bars,), which only the volatility agent asks for, say how much further the
    next bars move than the last ones did, and when that is known (`labels.volatility_expansion`).
    """

    symbols: tuple[str, ...]
    columns: tuple[str, ...]
    is_odd: BoolArray
    is_volatility: BoolArray
    X: tuple[FloatArray, ...]
    start: tuple[IntArray, ...]
    y: tuple[FloatArray, ...]
    end: tuple[IntArray, ...]
    weight: tuple[FloatArray, ...]
    ret_atr: tuple[FloatArray, ...]
    expansion: tuple[FloatArray, ...] = ()
    expansion_end: tuple[IntArray, ...] = ()

    def usable(self) -> Rows:
        """Rows with features and both labels."""
        return tuple(
            np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1) for x, y in zip(self.X, self.y, strict=True)
        )

    def stack_X(self, rows: Rows) -> FloatArray:
        """Features of the chosen rows, symbol after symbol, shape (n_rows, n_features)."""
        return stack(self.X, rows)

    def stack_y(self, rows: Rows) -> FloatArray:
        """Labels of the chosen rows, shape (n_rows, 2)."""
        return stack(self.y, rows)

    def stack_weight(self, rows: Rows) -> FloatArray:
        """Weights of the chosen rows, shape (n_rows, 2)."""
        return stack(self.weight, rows)

    def last_end(self) -> tuple[IntArray, ...]:
        """When both sides' outcomes are known, a symbol, shape (n_bars,)."""
        return tuple(end.max(axis=1) for end in self.end)


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


_REGISTRY: Registry[tuple[str, str]] = Registry("model of kind")
KINDS = _REGISTRY.entries
"""Kind -> module and class, which is imported when a bundle holds one."""

for _kind, _module, _class in (
    ("linear", "tradsys.models.linear.logistic", "FittedLinear"),
    ("boosted", "tradsys.models.trees.boosted", "FittedBoosted"),
    ("resnet", "tradsys.models.networks.onnx_forecaster", "OnnxForecaster"),
    ("transformer", "tradsys.models.networks.onnx_forecaster", "OnnxForecaster"),
    ("volatility", "tradsys.models.linear.volatility_forecast", "VolatilityForecast"),
):
    _REGISTRY.add(_kind, (_module, _class), _module)


def register_fitted[F: FittedForecaster](cls: type[F]) -> type[F]:
    """Class decorator that lets bundles hold a fitted model of one's own, known by its `kind`, a class variable."""
    _REGISTRY.add(str(cls.kind), (cls.__module__, cls.__qualname__), cls.__module__)
    return cls


def check_kind(fitted: FittedForecaster) -> None:
    """Refuse a fitted model that a bundle could hold but not give back."""
    if fitted.kind not in KINDS:
        raise ConfigError(
            f"a bundle holds models of registered kinds, found {fitted.kind!r}; put @register_fitted above "
            f"{type(fitted).__name__}"
        )


def load_forecaster(kind: str, files: Mapping[str, bytes]) -> FittedForecaster:
    """The fitted model of this kind that `to_files` wrote."""
    if kind not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise BundleError(
            f"a model is one of {known}, found {kind!r}; was it saved by a newer version, or is it of a plugin?"
        )
    module, name = KINDS[kind]
    forecaster: FittedForecaster = getattr(import_module(module), name).from_files(files)
    return forecaster
