"""A trial on its way through the folds: what its seeds have said so far, and what became of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tradsys.core.errors import ConfigError
from tradsys.research.tuning.forecasts import Failed, Said
from tradsys.research.tuning.plan import StudyPlan
from tradsys.research.tuning.score import Measure, Score, Span, Worth, worth
from tradsys.research.tuning.space import Value
from tradsys.research.walk.experiment_spec import Experiment
from tradsys.settings.config import RunConfig

if TYPE_CHECKING:
    from optuna import Trial as OptunaTrial


@dataclass(slots=True)
class Running:
    """A trial of the batch: what its seeds have said of the folds so far."""

    trial: "OptunaTrial"
    settings: dict[str, Value]
    configs: list[RunConfig]
    said: list[list[Said]]
    score: Score = field(default_factory=Score)
    outcome: str | None = None

    @classmethod
    def of(cls, trial: "OptunaTrial", settings: dict[str, Value], plan: StudyPlan) -> "Running":
        """At its beginning; settings that make no configuration end it at once."""
        try:
            config = plan.base.with_settings(settings)
        except ConfigError as error:
            return cls(trial, settings, [], [], Score(troubles=(str(error),)), str(error))
        configs = [config.model_copy(update={"seed": config.seed + k}) for k in range(plan.n_seeds)]
        return cls(trial, settings, configs, [[] for _ in configs])

    def add(
        self, results: Sequence[Said | Failed], specs: Callable[[RunConfig], Experiment], span: Span, measure: Measure
    ) -> None:
        """One more fold of every seed; anything that went wrong ends the trial, as the worst."""
        fold = len(self.said[0])
        failures = [
            f"seed {config.seed}, fold {fold + 1}: {one.reason}"
            for config, one in zip(self.configs, results, strict=True)
            if isinstance(one, Failed)
        ]
        if failures:
            self.score = Score(self.score.by_fold, self.score.blocks, tuple(failures))
            self.outcome = failures[0]
            return
        seeds: list[Worth] = []
        for config, said, one in zip(self.configs, self.said, results, strict=True):
            assert isinstance(one, Said)
            said.append(one)
            seeds.append(worth(said, specs(config), measure, span))
        self.score = Score.of(seeds)
