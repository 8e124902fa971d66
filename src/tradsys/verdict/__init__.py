"""How much of a result is luck: the verdict on a run's profiles, and the statistics shown beside it."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.verdict.pbo import Overfitting, probability_of_backtest_overfitting
    from tradsys.verdict.procedure import judge
    from tradsys.verdict.results import Judgement, ProfileVerdict, VerdictSpec
    from tradsys.verdict.sharpe import (
        deflated_sharpe_ratio,
        expected_max_sharpe,
        min_backtest_length,
        min_track_record_length,
        probabilistic_sharpe_ratio,
    )
    from tradsys.verdict.spa import SuperiorAbility, SuperiorModels, superior_models, superior_predictive_ability
    from tradsys.verdict.stationary import optimal_block_length
    from tradsys.verdict.stepdown import holm, romano_wolf, sidak

__all__ = [
    "Judgement",
    "Overfitting",
    "ProfileVerdict",
    "SuperiorAbility",
    "SuperiorModels",
    "VerdictSpec",
    "deflated_sharpe_ratio",
    "expected_max_sharpe",
    "holm",
    "judge",
    "min_backtest_length",
    "min_track_record_length",
    "optimal_block_length",
    "probabilistic_sharpe_ratio",
    "probability_of_backtest_overfitting",
    "romano_wolf",
    "sidak",
    "superior_models",
    "superior_predictive_ability",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "Judgement": "results",
        "Overfitting": "pbo",
        "ProfileVerdict": "results",
        "SuperiorAbility": "spa",
        "SuperiorModels": "spa",
        "VerdictSpec": "results",
        "deflated_sharpe_ratio": "sharpe",
        "expected_max_sharpe": "sharpe",
        "holm": "stepdown",
        "judge": "procedure",
        "min_backtest_length": "sharpe",
        "min_track_record_length": "sharpe",
        "optimal_block_length": "stationary",
        "probabilistic_sharpe_ratio": "sharpe",
        "probability_of_backtest_overfitting": "pbo",
        "romano_wolf": "stepdown",
        "sidak": "stepdown",
        "superior_models": "spa",
        "superior_predictive_ability": "spa",
    },
)
