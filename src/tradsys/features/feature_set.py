"""Several features as one matrix: the spec, and what fitting it on training bars leaves for good."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import polars as pl

from tradsys.core.arrays import BoolArray, FloatArray
from tradsys.core.errors import ConfigError, DataError, NotEnoughBars
from tradsys.core.frames import HeldBars, as_bars, as_frames
from tradsys.core.plugins import told_of_own
from tradsys.core.seeds import derive
from tradsys.core.single_symbol import single_symbol
from tradsys.features.catalogue import DEFAULT
from tradsys.features.feature import Feature, FittableFeature, OutsideFeature
from tradsys.features.registry import feature_from_dict, feature_named, feature_to_dict

CLIP = 5.0
_CHUNK = 32_768


@dataclass(frozen=True, slots=True)
class FeatureMatrix:
    """Scaled features of one symbol, shape (n_bars, n_features), NaN in the warm-up rows and nowhere else."""

    values: FloatArray
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Which features there are to be; nothing is known of any market yet."""

    features: tuple[Feature | FittableFeature, ...]

    def __post_init__(self) -> None:
        if not self.features:
            raise ConfigError("a feature set needs at least one feature; FeatureSet.default() has the recommended ones")

    @classmethod
    def default(cls) -> Self:
        """The set that did best on the development bars: momentum, volatility ratios, candles and volume; no clock."""
        return cls(DEFAULT)

    @classmethod
    def from_names(cls, names: Sequence[str]) -> Self:
        """Features by name, each with its default parameters.

        >>> FeatureSet.from_names(["rsi", "macd"]).features
        (Rsi(period=14), Macd(fast=12, slow=26, signal=9))
        """
        return cls(tuple(feature_named(name) for name in names))

    def fit(self, frames: HeldBars, *, seed: int = 0) -> "FittedFeatures":
        """Learn what features have to learn, and each column's scale, from training bars alone, one frame a symbol.

        Odd columns are divided by their root mean square and not centred, so that they still change sign with the
        market; all others get mean zero and standard deviation one.
        """
        frames = as_frames(frames, "FeatureSet.fit")
        unscaled = self.learn(frames, seed=seed)
        return unscaled.scaled([unscaled.raw(bars) for bars in frames])

    def learn(self, frames: HeldBars, *, seed: int = 0) -> "FittedFeatures":
        """The first half of `fit`: what features have to learn, on a scale of one that is not learnt yet."""
        frames = as_frames(frames, "FeatureSet.fit")
        if not frames:
            raise ConfigError("features are learnt from one frame a symbol, found none")
        for bars in frames:
            single_symbol(bars, "FeatureSet.fit")
        features = tuple(
            feature.fit(frames, seed=derive(seed, "feature", i)) if isinstance(feature, FittableFeature) else feature
            for i, feature in enumerate(self.features)
        )
        n_columns = sum(len(feature.columns) for feature in features)
        return FittedFeatures(features, (0.0,) * n_columns, (1.0,) * n_columns)


@dataclass(frozen=True, slots=True)
class FittedFeatures:
    """Features ready to compute, with the centre and scale of each column that the training rows gave."""

    features: tuple[Feature, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]

    def __post_init__(self) -> None:
        columns = self.columns
        if len(set(columns)) < len(columns):
            twice = sorted({column for column in columns if columns.count(column) > 1})
            raise ConfigError(
                f"each column needs its own name, found {', '.join(twice)} twice; drop one of the features"
            )
        if not len(columns) == len(self.centre) == len(self.scale):
            raise ConfigError(
                f"{len(columns)} columns need as many centres and scales, found {len(self.centre)}, {len(self.scale)}; "
                "were they saved with other features?"
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column for feature in self.features for column in feature.columns)

    @property
    def is_odd(self) -> BoolArray:
        """Columns that change sign when the market is mirrored, shape (n_features,)."""
        return np.array([odd for feature in self.features for odd in feature.is_odd])

    @property
    def is_volatility(self) -> BoolArray:
        """Columns that tell how far prices may move and not where to, shape (n_features,)."""
        return np.array([flag for feature in self.features for flag in feature.is_volatility])

    @property
    def may_be_missing(self) -> BoolArray:
        """Columns that have no value where nothing was known from outside, shape (n_features,)."""
        return np.array([isinstance(feature, OutsideFeature) for feature in self.features for _ in feature.columns])

    @property
    def lookback(self) -> int:
        """Bars that settle one row of all features."""
        return max(feature.lookback for feature in self.features)

    @property
    def schema_digest(self) -> str:
        """SHA-256 of names, parameters and columns: what a model's input means, whatever its scale."""
        saved = [feature_to_dict(feature) for feature in self.features]
        return hashlib.sha256(json.dumps([saved, self.columns], sort_keys=True).encode()).hexdigest()

    def scaled(self, raw: Sequence[FloatArray]) -> "FittedFeatures":
        """The same features on the scale of training rows, one array of raw values a symbol, warm-up included."""
        rows = np.concatenate([values[self.lookback - 1 :] for values in raw])
        if self.may_be_missing.any():
            rows = rows[np.isfinite(rows).all(axis=1)]
        if len(rows) < 2:
            raise NotEnoughBars(
                f"scaling needs rows with all features, whose lookback is {self.lookback} bars, "
                f"found {max(map(len, raw))} bars; load earlier history or shorten the windows"
            )
        centre = np.where(self.is_odd, 0.0, rows.mean(axis=0))
        spread = np.sqrt(np.mean((rows - centre) ** 2, axis=0))
        # a column that never moves is left at zero instead of being blown up
        scale = np.where(spread > 1e-9 * (1.0 + np.abs(centre)), spread, 1.0)
        return FittedFeatures(self.features, tuple(centre.tolist()), tuple(scale.tolist()))

    def compute(self, bars: HeldBars) -> FeatureMatrix:
        """Scaled features of one symbol's bars, cut at five deviations; the first `lookback - 1` rows are NaN."""
        return FeatureMatrix(self.standardise(self.raw(bars)), self.columns)

    def standardise(self, values: FloatArray) -> FloatArray:
        """Raw values put on this scale and cut, in place."""
        centre, scale = np.array(self.centre), np.array(self.scale)
        for first in range(0, len(values), _CHUNK):
            part = values[first : first + _CHUNK]
            part -= centre
            part /= scale
            np.clip(part, -CLIP, CLIP, out=part)
        return values

    def raw(self, bars: HeldBars) -> FloatArray:
        """The same before scaling, shape (n_bars, n_features)."""
        bars = as_bars(bars, "a feature set")
        single_symbol(bars, "a feature set")
        return self.warmed_up(in_chunks(self.features, bars, self.lookback - 1))

    def warmed_up(self, values: FloatArray) -> FloatArray:
        """Raw values with NaN in the warm-up rows, in place; a DataError where one is missing that must be there."""
        warm_up = self.lookback - 1
        values[:warm_up] = np.nan
        missing = ~np.isfinite(values[warm_up:])
        missing[:, self.may_be_missing] = False
        if missing.any():
            row, column = np.argwhere(missing)[0]
            raise DataError(
                f"{self.columns[column]} has no value in row {row + warm_up}, although its bars are there; "
                "run validate_bars on the bars, whose prices must be positive and finite"
            )
        return values

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values; floats come back to the last bit."""
        return {
            "features": [feature_to_dict(feature) for feature in self.features],
            "centre": list(self.centre),
            "scale": list(self.scale),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """What `to_dict` wrote."""
        features = tuple(feature_from_dict(feature) for feature in saved["features"])
        return cls(features, tuple(saved["centre"]), tuple(saved["scale"]))


def in_chunks(features: Sequence[Feature], bars: pl.DataFrame, warm_up: int) -> FloatArray:
    """Columns side by side, in chunks that fit the cache, each with the `warm_up` bars its first row looks back on."""
    values = np.empty((len(bars), sum(len(feature.columns) for feature in features)))
    for first in range(0, len(bars), _CHUNK):
        start = max(0, first - warm_up)
        part = bars[start : first + _CHUNK]
        computed = [feature_rows(feature, part)[first - start :] for feature in features]
        np.concatenate(computed, axis=1, out=values[first : first + _CHUNK])
    return values


def feature_rows(feature: Feature, bars: pl.DataFrame) -> FloatArray:
    """What a feature computes, shape (n_bars, n_columns), refused where it is not a row a bar and a column a name."""
    with told_of_own(feature, f"the feature {feature.name!r}"):
        values = feature.compute(bars)
    wanted = (len(bars), len(feature.columns))
    if np.shape(values) != wanted:
        raise ConfigError(
            f"the feature {feature.name!r} computes a row for each bar and a column for each of its names, shape "
            f"{wanted}, found {np.shape(values)}"
        )
    return values


@dataclass(frozen=True, slots=True)
class RawFeatures:
    """Raw values of some symbols' bars, kept by feature; equal features share them.

    No feature looks ahead, so that the rows of the first bars are what those bars alone would give, to the last bit:
    walk-forward folds read their training part as the beginning of the whole.
    """

    frames: Sequence[pl.DataFrame]
    known: dict[tuple[Feature, int], list[FloatArray]] = field(default_factory=dict, repr=False)

    def of(self, features: FittedFeatures) -> list[FloatArray]:
        """A new array (n_bars, n_features) a symbol, NaN in the warm-up rows."""
        warm_up = features.lookback - 1  # it says where chunks begin, which moves the last bit of a regime
        columns = [self.of_one(feature, warm_up) for feature in features.features]
        return [features.warmed_up(np.concatenate(parts, axis=1)) for parts in zip(*columns, strict=True)]

    def of_one(self, feature: Feature, warm_up: int) -> list[FloatArray]:
        """One feature's kept values (n_bars, n_columns) a symbol, in chunks that begin `warm_up` bars early."""
        if (feature, warm_up) not in self.known:
            self.known[feature, warm_up] = [in_chunks((feature,), bars, warm_up) for bars in self.frames]
        return self.known[feature, warm_up]
