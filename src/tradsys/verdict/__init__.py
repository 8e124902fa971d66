"""How much of a result is luck: the verdict on a run's profiles, multiple testing, and forecast scores."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.verdict.confidence_set import ConfidenceSet as ConfidenceSet
    from tradsys.verdict.confidence_set import model_confidence_set as model_confidence_set
    from tradsys.verdict.pbo import Overfitting as Overfitting
    from tradsys.verdict.pbo import probability_of_backtest_overfitting as probability_of_backtest_overfitting
    from tradsys.verdict.procedure import judge as judge
    from tradsys.verdict.reliability import BrierParts as BrierParts
    from tradsys.verdict.reliability import brier_parts as brier_parts
    from tradsys.verdict.reliability import clopper_pearson as clopper_pearson
    from tradsys.verdict.reliability import reliability_bins as reliability_bins
    from tradsys.verdict.results import JointVerdict as JointVerdict
    from tradsys.verdict.results import ProfileVerdict as ProfileVerdict
    from tradsys.verdict.results import VerdictSpec as VerdictSpec
    from tradsys.verdict.scores import ForecastOutcomes as ForecastOutcomes
    from tradsys.verdict.scores import ForecastScore as ForecastScore
    from tradsys.verdict.scores import auc as auc
    from tradsys.verdict.scores import brier as brier
    from tradsys.verdict.scores import log_loss as log_loss
    from tradsys.verdict.scores import score as score
    from tradsys.verdict.sharpe import deflated_sharpe_ratio as deflated_sharpe_ratio
    from tradsys.verdict.sharpe import expected_max_sharpe as expected_max_sharpe
    from tradsys.verdict.sharpe import min_backtest_length as min_backtest_length
    from tradsys.verdict.sharpe import min_track_record_length as min_track_record_length
    from tradsys.verdict.sharpe import probabilistic_sharpe_ratio as probabilistic_sharpe_ratio
    from tradsys.verdict.skill import Estimate as Estimate
    from tradsys.verdict.skill import Overlap as Overlap
    from tradsys.verdict.skill import estimate as estimate
    from tradsys.verdict.skill import gain as gain
    from tradsys.verdict.stationary import optimal_block_length as optimal_block_length
    from tradsys.verdict.stepdown import SuperiorAbility as SuperiorAbility
    from tradsys.verdict.stepdown import SuperiorModels as SuperiorModels
    from tradsys.verdict.stepdown import effective_trials as effective_trials
    from tradsys.verdict.stepdown import holm as holm
    from tradsys.verdict.stepdown import romano_wolf as romano_wolf
    from tradsys.verdict.stepdown import sidak as sidak
    from tradsys.verdict.stepdown import superior_models as superior_models
    from tradsys.verdict.stepdown import superior_predictive_ability as superior_predictive_ability

__getattr__, __dir__, __all__ = attach(__name__, __file__)
