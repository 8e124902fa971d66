"""The small predictor of the predictor's own tests, for tests of what decides with it."""

from tests.predictor.conftest import bars, predictor

__all__ = ["bars", "predictor"]
