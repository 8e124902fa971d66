"""Agents fitted jointly: the networks of all folds, seeds and trials are trained side by side, as one batch."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tradsys.models.forecaster import Panel, Rows
from tradsys.models.linear.baselines import BaseRate
from tradsys.models.linear.logistic import FittedLinear, RidgeLogistic
from tradsys.models.networks.onnx_forecaster import OnnxForecaster
from tradsys.models.training.batches import DeviceBudget
from tradsys.models.training.recipe import Trained, TrainingProgress, TrainingRecipe, part_of


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """What one network is trained on: `learning` rows teach it, `stopping` rows end it, `offset` is what it adds to."""

    panel: Panel
    rows: Rows
    learning: Rows
    stopping: Rows
    offset: FittedLinear
    seed: int
    recipe: TrainingRecipe

    @property
    def shared(self) -> tuple[int, ...]:
        """Equal for tasks that have the very same data, whatever their seeds and recipes."""
        return id(self.panel), id(self.learning), id(self.stopping), id(self.offset)


class JointlyFitted(Protocol):
    """An agent whose network may be trained in one batch with those of others; `NetworkAgent` is one."""

    @property
    def validation(self) -> float:
        """Share of the training time whose rows stop the training."""

    @property
    def offset(self) -> RidgeLogistic | BaseRate:
        """The linear model that the network adds to."""

    def batch_key(self, n_features: int) -> Hashable:
        """Equal for agents whose networks can be trained in one batch, whatever their recipes."""

    def task(self, panel: Panel, rows: Rows, *, seed: int) -> TrainingTask:
        """The rows split, and the linear model fitted."""

    def recipe(self) -> TrainingRecipe:
        """How the network is trained."""

    def network_seed(self, seed: int) -> int:
        """The seed of the network's own random streams."""

    def train_many(
        self,
        tasks: Sequence[TrainingTask],
        *,
        progress: TrainingProgress | None = None,
        budget: DeviceBudget | None = None,
    ) -> list[Trained]:
        """A trained network for each task."""

    def forecaster_of(self, task: TrainingTask, trained: Trained) -> OnnxForecaster:
        """The linear model with the trained network, or alone where the network is not kept."""


@dataclass(frozen=True, slots=True)
class FitJob:
    """An agent to be fitted on the chosen rows of a panel."""

    agent: JointlyFitted
    panel: Panel
    rows: Rows
    seed: int


def fit_jointly(
    jobs: Sequence[FitJob], *, progress: TrainingProgress | None = None, budget: DeviceBudget | None = None
) -> list[OnnxForecaster]:
    """Fit every job; agents whose networks are of one shape and one objective are trained in one batch.

    Folds, seeds and trials of one configuration differ in panel, rows, seed and recipe alone. Jobs on the very same
    panel and rows share their linear model and their data on the device.
    """
    tasks = _tasks(jobs)
    batches: dict[Hashable, list[int]] = {}
    for i, job in enumerate(jobs):
        batches.setdefault(job.agent.batch_key(len(job.panel.columns)), []).append(i)
    trained: dict[int, Trained] = {}
    for k, members in enumerate(batches.values()):
        own = budget
        if budget is not None and budget.folder is not None:
            own = replace(budget, folder=budget.folder / f"shape-{k}")
        results = jobs[members[0]].agent.train_many(
            [tasks[i] for i in members], progress=part_of(progress, k, len(batches)), budget=own
        )
        trained |= zip(members, results, strict=True)
    return [job.agent.forecaster_of(tasks[i], trained[i]) for i, job in enumerate(jobs)]


def _tasks(jobs: Sequence[FitJob]) -> list[TrainingTask]:
    """Each job's task; what hangs on panel, rows and the linear model's settings is computed once."""
    first: dict[Hashable, TrainingTask] = {}
    tasks = []
    for job in jobs:
        rows = tuple(mask.tobytes() for mask in job.rows)
        key = (id(job.panel), rows, job.agent.offset, job.agent.validation)
        if key not in first:
            first[key] = job.agent.task(job.panel, job.rows, seed=job.seed)
        tasks.append(replace(first[key], seed=job.agent.network_seed(job.seed), recipe=job.agent.recipe()))
    return tasks
