"""Agents fitted together: the networks of all folds, seeds and trials are trained side by side."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tradsys.models.linear.logistic import FittedLinear
from tradsys.models.networks.onnx_forecaster import OnnxForecaster
from tradsys.models.panel import Panel, Rows
from tradsys.models.training.groups import Budget
from tradsys.models.training.outcome import Trained
from tradsys.models.training.recipe import Recipe
from tradsys.models.training.training import Progress

if TYPE_CHECKING:
    from tradsys.models.networks.network_agent import NetworkAgent


@dataclass(frozen=True, slots=True)
class Job:
    """An agent to be fitted on the chosen rows of a panel."""

    agent: "NetworkAgent"
    panel: Panel
    rows: Rows
    seed: int


@dataclass(frozen=True, slots=True)
class Task:
    """What one network is trained on: the early rows teach it, the late ones stop it, `offset` is what it adds to."""

    panel: Panel
    rows: Rows
    early: Rows
    late: Rows
    offset: FittedLinear
    seed: int
    recipe: Recipe

    @property
    def shared(self) -> tuple[int, ...]:
        """Equal for tasks that have the very same data, whatever their seeds and recipes."""
        return id(self.panel), id(self.early), id(self.late), id(self.offset)


def fit_together(
    jobs: Sequence[Job], *, progress: Progress | None = None, budget: Budget | None = None
) -> list[OnnxForecaster]:
    """Fit every job; agents whose networks are of one shape and one objective are trained side by side.

    Folds, seeds and trials of one configuration differ in panel, rows, seed and recipe alone. Jobs on the very same
    panel and rows share their linear model and their data on the device.
    """
    tasks = _tasks(jobs)
    kin: dict[Hashable, list[int]] = {}
    for i, job in enumerate(jobs):
        kin.setdefault(job.agent.kin(len(job.panel.columns)), []).append(i)
    trained: dict[int, Trained] = {}
    for k, members in enumerate(kin.values()):
        own = budget
        if budget is not None and budget.folder is not None:
            own = replace(budget, folder=budget.folder / f"shape-{k}")
        told = None if progress is None else _part(progress, k, len(kin))
        results = jobs[members[0]].agent.train_many([tasks[i] for i in members], progress=told, budget=own)
        trained |= zip(members, results, strict=True)
    return [job.agent.finish(tasks[i], trained[i]) for i, job in enumerate(jobs)]


def _tasks(jobs: Sequence[Job]) -> list[Task]:
    """Each job's task; what hangs on panel, rows and the linear model's settings is computed once."""
    first: dict[Hashable, Task] = {}
    tasks = []
    for job in jobs:
        rows = tuple(mask.tobytes() for mask in job.rows)
        key = (id(job.panel), rows, job.agent.offset, job.agent.validation)
        if key not in first:
            first[key] = job.agent.task(job.panel, job.rows, seed=job.seed)
        tasks.append(replace(first[key], seed=job.agent.stream(job.seed), recipe=job.agent.recipe()))
    return tasks


def _part(progress: Progress, number: int, n_parts: int) -> Progress:
    """Progress of one part of many, in its own steps."""
    return lambda step, n_steps: progress(number * n_steps + step, n_parts * n_steps)
