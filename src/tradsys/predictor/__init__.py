"""What decides: one object for the simulation, the event-driven backtest, paper and live; needs no torch."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.predictor.live import LivePredictor as LivePredictor
    from tradsys.predictor.predictor import Decision as Decision
    from tradsys.predictor.predictor import Predictor as Predictor
    from tradsys.predictor.rank_decider import RankDecider as RankDecider
    from tradsys.predictor.rank_decider import TargetWeights as TargetWeights
    from tradsys.predictor.traded import read_deployment as read_deployment

__getattr__, __dir__, __all__ = attach(__name__, __file__)
