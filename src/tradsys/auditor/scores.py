"""What an auditor scores a trade with: a few shallow trees, or a line."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

import numpy as np

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import BundleError
from tradsys.core.plain_values import PlainValues
from tradsys.models.boosted import booster_from, ubj

if TYPE_CHECKING:
    import xgboost


class TradeScore(Protocol):
    """Uncalibrated log-odds that a trade makes money."""

    @property
    def kind(self) -> str:
        """Name of the class of score in a saved auditor."""

    def margin(self, X: FloatArray) -> FloatArray:
        """Log-odds of finite rows, (n, n_inputs) -> (n,)."""

    def to_files(self) -> dict[str, bytes]:
        """The score as named files."""


@dataclass(frozen=True, slots=True)
class TreeScore:
    """Boosted trees."""

    kind: ClassVar[str] = "trees"
    booster: "xgboost.Booster"

    def margin(self, X: FloatArray) -> FloatArray:
        """Log-odds of finite rows, (n, n_inputs) -> (n,)."""
        return np.asarray(self.booster.inplace_predict(X, predict_type="margin"), dtype=np.float64)

    def to_files(self) -> dict[str, bytes]:
        """The trees as UBJ."""
        return {"trees.ubj": ubj(self.booster)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The score that `to_files` wrote."""
        return cls(booster_from(_file(files, "trees.ubj")))


@dataclass(frozen=True, slots=True)
class LineScore(PlainValues):
    """Linear log-odds of standardised inputs; `centre`, `scale` and `coef` have shape (n_inputs,)."""

    kind: ClassVar[str] = "line"
    centre: FloatArray
    scale: FloatArray
    coef: FloatArray
    intercept: float

    def margin(self, X: FloatArray) -> FloatArray:
        """Log-odds of finite rows, (n, n_inputs) -> (n,)."""
        return np.asarray((X - self.centre) / self.scale @ self.coef + self.intercept)

    def to_files(self) -> dict[str, bytes]:
        """The numbers as JSON."""
        return {"line.json": json.dumps(self.to_dict()).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The score that `to_files` wrote."""
        return cls.from_dict(json.loads(_file(files, "line.json")))


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise BundleError(f"this auditor needs {name}, found {sorted(files)}; export it again")
    return files[name]
