"""How much of a result is luck: the verdict on a run's profiles, multiple testing, and forecast scores."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.verdict.confidence_set import ConfidenceSet, model_confidence_set
    from tradsys.verdict.pbo import Overfitting, probability_of_backtest_overfitting
    from tradsys.verdict.procedure import judge
    from tradsys.verdict.proportion import clopper_pearson
    from tradsys.verdict.reliability import BrierParts, brier_parts, reliability_bins
    from tradsys.verdict.results import JointVerdict, ProfileVerdict, VerdictSpec
    from tradsys.verdict.scores import ForecastOutcomes, ForecastScore, auc, brier, log_loss, score
    from tradsys.verdict.sharpe import (
        deflated_sharpe_ratio,
        expected_max_sharpe,
        min_backtest_length,
        min_track_record_length,
        probabilistic_sharpe_ratio,
    )
    from tradsys.verdict.skill import Estimate, Overlap, estimate, gain
    from tradsys.verdict.spa import SuperiorAbility, SuperiorModels, superior_models, superior_predictive_ability
    from tradsys.verdict.stationary import optimal_block_length
    from tradsys.verdict.stepdown import holm, romano_wolf, sidak
    from tradsys.verdict.trials import effective_trials

__all__ = [
    "BrierParts",
    "ConfidenceSet",
    "Estimate",
    "ForecastOutcomes",
    "ForecastScore",
    "JointVerdict",
    "Overfitting",
    "Overlap",
    "ProfileVerdict",
    "SuperiorAbility",
    "SuperiorModels",
    "VerdictSpec",
    "auc",
    "brier",
    "brier_parts",
    "clopper_pearson",
    "deflated_sharpe_ratio",
    "effective_trials",
    "estimate",
    "expected_max_sharpe",
    "gain",
    "holm",
    "judge",
    "log_loss",
    "min_backtest_length",
    "min_track_record_length",
    "model_confidence_set",
    "optimal_block_length",
    "probabilistic_sharpe_ratio",
    "probability_of_backtest_overfitting",
    "reliability_bins",
    "romano_wolf",
    "score",
    "sidak",
    "superior_models",
    "superior_predictive_ability",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "BrierParts": "reliability",
        "ConfidenceSet": "confidence_set",
        "Estimate": "skill",
        "ForecastScore": "scores",
        "JointVerdict": "results",
        "ForecastOutcomes": "scores",
        "Overfitting": "pbo",
        "Overlap": "skill",
        "ProfileVerdict": "results",
        "SuperiorAbility": "spa",
        "SuperiorModels": "spa",
        "VerdictSpec": "results",
        "auc": "scores",
        "brier": "scores",
        "brier_parts": "reliability",
        "clopper_pearson": "proportion",
        "deflated_sharpe_ratio": "sharpe",
        "effective_trials": "trials",
        "estimate": "skill",
        "expected_max_sharpe": "sharpe",
        "gain": "skill",
        "holm": "stepdown",
        "judge": "procedure",
        "log_loss": "scores",
        "min_backtest_length": "sharpe",
        "min_track_record_length": "sharpe",
        "model_confidence_set": "confidence_set",
        "optimal_block_length": "stationary",
        "probabilistic_sharpe_ratio": "sharpe",
        "probability_of_backtest_overfitting": "pbo",
        "reliability_bins": "reliability",
        "romano_wolf": "stepdown",
        "score": "scores",
        "sidak": "stepdown",
        "superior_models": "spa",
        "superior_predictive_ability": "spa",
    },
)
