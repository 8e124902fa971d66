"""A trial of a study: scored fold after fold while it runs, and read back from the storage once it is finished."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tradsys.core.errors import ConfigError
from tradsys.research.tuning.objective import Measure, SeedScore, Span, TrialScore, seed_score
from tradsys.research.tuning.out_of_fold import FailedFit, FoldForecasts
from tradsys.research.tuning.space import Settings, Value
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.settings.config import RunConfig

if TYPE_CHECKING:
    from optuna import Trial as OptunaTrial
    from optuna.trial import FrozenTrial


@dataclass(slots=True)
class RunningTrial:
    """A trial that is being scored: the forecasts of each seed, a fold after the other."""

    trial: "OptunaTrial"
    settings: dict[str, Value]
    configs: list[RunConfig]
    forecasts: list[list[FoldForecasts]]
    score: TrialScore = field(default_factory=TrialScore)
    outcome: str | None = None

    @classmethod
    def of(cls, trial: "OptunaTrial", settings: dict[str, Value], base: RunConfig, n_seeds: int) -> "RunningTrial":
        """A trial at its beginning; settings that make no configuration end it at once."""
        try:
            config = base.with_settings(settings)
        except ConfigError as error:
            return cls(trial, settings, [], [], TrialScore(troubles=(str(error),)), str(error))
        configs = [config.model_copy(update={"seed": config.seed + k}) for k in range(n_seeds)]
        return cls(trial, settings, configs, [[] for _ in configs])

    def add(
        self,
        results: Sequence[FoldForecasts | FailedFit],
        specs: Callable[[RunConfig], Experiment],
        span: Span,
        measure: Measure,
    ) -> None:
        """One more fold of every seed; anything that went wrong ends the trial, as the worst."""
        fold = len(self.forecasts[0])
        failures = [
            f"seed {config.seed}, fold {fold + 1}: {one.reason}"
            for config, one in zip(self.configs, results, strict=True)
            if isinstance(one, FailedFit)
        ]
        if failures:
            self.score = TrialScore(self.score.by_fold, self.score.blocks, tuple(failures))
            self.outcome = failures[0]
            return
        seeds: list[SeedScore] = []
        for config, forecasts, one in zip(self.configs, self.forecasts, results, strict=True):
            assert isinstance(one, FoldForecasts)
            forecasts.append(one)
            seeds.append(seed_score(forecasts, specs(config), measure, span))
        self.score = TrialScore.of(seeds)


@dataclass(frozen=True, slots=True)
class FinishedTrial:
    """A finished trial; `outcome` is "complete", "pruned" or what went wrong, `role` why it was asked for."""

    number: int
    settings: Settings
    score: TrialScore
    outcome: str
    role: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether all folds and seeds were scored without trouble."""
        return self.outcome == "complete"

    def to_dict(self) -> dict[str, Any]:
        """A trial as plain values, for a file or a program."""
        about = {"number": self.number, "settings": dict(self.settings), "outcome": self.outcome}
        shown = ("objective", "mean", "instability", "spread_folds", "spread_seeds", "by_fold", "troubles")
        return about | {name: getattr(self.score, name) for name in shown}


def is_finished(trial: "FrozenTrial") -> bool:
    """Whether a trial was scored, in whole or until it was pruned."""
    from optuna.trial import TrialState

    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED)


def read_trial(trial: "FrozenTrial") -> FinishedTrial:
    """Read a scored trial from the storage; one that was run again has the number under which it was asked for."""
    result = trial.user_attrs["result"]
    return FinishedTrial(
        number=trial.user_attrs.get("root", trial.number),
        settings=result["settings"],
        score=TrialScore.from_dict(result["score"]),
        outcome=result["outcome"],
        role=trial.user_attrs.get("role", ""),
    )
