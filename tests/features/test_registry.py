"""Features by name, and the way into a file and back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from tradsys.core.errors import ConfigError
from tradsys.core.registry import forget, root_of
from tradsys.features.catalogue import SHIPPED
from tradsys.features.momentum import Rsi, StandardReturns
from tradsys.features.registry import feature_from_dict, feature_named, feature_to_dict, register


@pytest.fixture
def own_registry() -> Iterator[None]:
    yield
    forget(root_of(__name__))


def test_a_feature_is_saved_by_class_name_and_parameters() -> None:
    assert feature_to_dict(Rsi(period=7)) == {"feature": "Rsi", "period": 7}
    assert feature_from_dict({"feature": "StandardReturns", "horizons": [2, 3]}) == StandardReturns((2, 3))


def test_names_are_unique_and_lead_to_the_default() -> None:
    assert len({feature.name for feature in SHIPPED}) == len(SHIPPED)
    assert feature_named("rsi") == Rsi()


def test_a_mistyped_name_is_told_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="did you mean 'macd'"):
        feature_named("mcad")
    with pytest.raises(ConfigError, match="did you mean 'Macd'"):
        feature_from_dict({"feature": "Macdd"})


def test_an_unknown_parameter_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="no parameter length"):
        feature_from_dict({"feature": "Rsi", "length": 7})


@pytest.mark.usefixtures("own_registry")
def test_a_feature_of_ones_own_may_write_itself() -> None:
    @register
    @dataclass(frozen=True)
    class Matrix:
        values: Any
        name: ClassVar[str] = "matrix"
        columns: ClassVar[tuple[str, ...]] = ("m",)
        lookback: ClassVar[int] = 1
        is_odd: ClassVar[tuple[bool, ...]] = (False,)
        is_volatility: ClassVar[tuple[bool, ...]] = (False,)

        def compute(self, bars: pl.DataFrame) -> np.ndarray:
            return np.ones((len(bars), 1))

        def to_dict(self) -> dict[str, Any]:
            return {"values": self.values.tolist()}

        @classmethod
        def from_dict(cls, saved: dict[str, Any]) -> "Matrix":
            return cls(np.array(saved["values"]))

    saved = feature_to_dict(Matrix(np.eye(2)))
    assert saved == {"feature": "Matrix", "values": [[1.0, 0.0], [0.0, 1.0]]}
    np.testing.assert_array_equal(feature_from_dict(saved).values, np.eye(2))


@pytest.mark.usefixtures("own_registry")
def test_a_name_is_given_once() -> None:
    with pytest.raises(ConfigError, match="registered already"):
        register(Rsi)


def test_an_unregistered_feature_cannot_be_saved() -> None:
    class Loose:
        pass

    with pytest.raises(ConfigError, match="put @register above its class"):
        feature_to_dict(Loose())
