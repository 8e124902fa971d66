"""What decides: one object for the simulation, the event-driven backtest, paper and live; needs no torch."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.predictor.decision import Decision
    from tradsys.predictor.live import LivePredictor
    from tradsys.predictor.predictor import Predictor

__all__ = ["Decision", "LivePredictor", "Predictor"]

__getattr__, __dir__ = attach(__name__, {"Decision": "decision", "LivePredictor": "live", "Predictor": "predictor"})
