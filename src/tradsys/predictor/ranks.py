"""Percentile rank of a confidence among the out-of-fold confidences of the training part."""

from dataclasses import dataclass

import numpy as np
from safetensors.numpy import load, save

from tradsys.core.arrays import FloatArray
from tradsys.core.errors import FitError

_NAME = "sorted_confidence"


@dataclass(frozen=True, slots=True)
class ConfidenceRanks:
    """Distribution of the chosen side's probability among the training part's purged out-of-fold forecasts."""

    sorted_confidence: FloatArray

    @classmethod
    def fit(cls, confidence: FloatArray) -> "ConfidenceRanks":
        """From confidences of shape (n,), in any order."""
        if len(confidence) == 0:
            raise FitError("ranks need out-of-fold forecasts of the training part, found none; load more history")
        return cls(np.sort(confidence))

    def to_bytes(self) -> bytes:
        """The confidences as safetensors: a pooled run has millions, which as text take seconds to read."""
        return save({_NAME: self.sorted_confidence})

    @classmethod
    def from_bytes(cls, content: bytes) -> "ConfidenceRanks":
        """The ranks that `to_bytes` wrote, equal to the last bit."""
        return cls(load(content)[_NAME])

    def rank(self, probability: FloatArray) -> FloatArray:
        """Share of the training confidences below each value, same shape, in [0, 1]; NaN stays NaN."""
        below = np.searchsorted(self.sorted_confidence, probability.ravel(), side="left") / len(self.sorted_confidence)
        return np.where(np.isnan(probability), np.nan, below.reshape(probability.shape))
