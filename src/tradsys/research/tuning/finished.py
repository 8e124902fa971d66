"""A finished trial, read from the storage and written for a file or a program."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tradsys.research.tuning.score import Score
from tradsys.research.tuning.space import Settings

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished trial; `outcome` is "complete", "pruned" or what went wrong, `role` why it was asked for."""

    number: int
    settings: Settings
    score: Score
    outcome: str
    role: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether all folds and seeds were scored without trouble."""
        return self.outcome == "complete"


def is_finished(trial: "FrozenTrial") -> bool:
    """Whether it was scored, in whole or until it was pruned."""
    from optuna.trial import TrialState

    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED)


def read(trial: "FrozenTrial") -> Finished:
    """Of a trial that has a result; one that was run again has the number under which it was asked for."""
    result = trial.user_attrs["result"]
    return Finished(
        number=trial.user_attrs.get("root", trial.number),
        settings=result["settings"],
        score=Score.from_dict(result["score"]),
        outcome=result["outcome"],
        role=trial.user_attrs.get("role", ""),
    )


def mapping_of(one: Finished) -> Mapping[str, Any]:
    """A trial as plain values, for a file or a program."""
    return {
        "number": one.number,
        "settings": dict(one.settings),
        "outcome": one.outcome,
        "objective": one.score.objective,
        "mean": one.score.mean,
        "instability": one.score.instability,
        "spread_folds": one.score.spread_folds,
        "spread_seeds": one.score.spread_seeds,
        "by_fold": one.score.by_fold,
        "troubles": one.score.troubles,
    }
