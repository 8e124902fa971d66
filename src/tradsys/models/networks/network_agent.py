"""An agent that is a network on top of a linear model: everything that is not the network's shape."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from tradsys.core.arrays import Float32Array, FloatArray
from tradsys.core.errors import ConfigError
from tradsys.core.seeds import derive
from tradsys.machine.plan import Plan
from tradsys.models.focal import focal_logit
from tradsys.models.linear.base_rate import BaseRate
from tradsys.models.linear.logistic import FittedLinear, RidgeLogistic, weighted_rate
from tradsys.models.losses import FocalLoss
from tradsys.models.networks.network import Network
from tradsys.models.networks.onnx_forecaster import OnnxForecaster
from tradsys.models.panel import Panel, Rows
from tradsys.models.training.crops import TrainingSet
from tradsys.models.training.group import Loss
from tradsys.models.training.groups import Budget, train_many
from tradsys.models.training.outcome import Trained
from tradsys.models.training.recipe import Member, Recipe
from tradsys.models.training.together import Job, Task, fit_together
from tradsys.models.training.training import Progress
from tradsys.splits.walk_forward import WalkForward


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAgent(ABC):
    """A causal network on top of ridge logistic regression, stopped early on the last of its training time.

    The last `validation` of the rows' time span decides when to stop and whether the network is kept at all; the rows
    before it, purged of labels that reach into it, fit the linear model and the network. Where the network does not
    beat the linear model there by `margin` standard errors, what remains is the linear model, fitted on all rows. With
    the base rate as `offset` the network stands alone. An agent adds its `name`, the fields of its network's shape, and
    how that network is written as ONNX.
    """

    name: ClassVar[str]

    dropout: float = 0.0
    learning_rate: float = 5e-4
    weight_decay: float = 0.05
    noise: float = 0.5
    max_steps: int = 400
    objective: Literal["bce", "focal"] = "bce"
    focal_gamma: float = 2.0
    focal_alpha: float | None = None
    validation: float = 0.15
    margin: float = 2.0
    offset: RidgeLogistic | BaseRate = RidgeLogistic()
    plan: Plan | None = field(default=None, compare=False, repr=False)
    """What it may take of the machine; no part of what it is."""

    def __post_init__(self) -> None:
        if self.objective not in ("bce", "focal"):
            raise ConfigError(f"objective is 'bce' or 'focal', was {self.objective!r}")
        if not 0 < self.validation < 1:
            raise ConfigError(f"validation must be a share between 0 and 1, was {self.validation}; 0.15 is usual")
        FocalLoss(self.focal_gamma, self.focal_alpha)
        self.network(n_features=1)
        self.recipe()

    @property
    def memory(self) -> int:
        """Earlier rows that one forecast depends on: the network's receptive field."""
        return self.network(n_features=1).receptive_field

    @property
    def budget(self) -> Budget:
        """What its training may take: what the plan leaves to networks, or what is there."""
        return Budget() if self.plan is None else Budget.of(self.plan)

    @abstractmethod
    def network(self, n_features: int) -> Network:
        """The network's shape for this many columns."""

    @abstractmethod
    def to_onnx(self, n_features: int, theta: Float32Array) -> bytes:
        """One trained network (n_parameters,) as an ONNX graph, with inputs and output as `OnnxForecaster` has them."""

    def recipe(self) -> Recipe:
        """How the network is trained."""
        return Recipe(
            max_steps=self.max_steps,
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            dropout=self.dropout,
            noise=self.noise,
            margin=self.margin,
        )

    def fit(self, panel: Panel, rows: Rows, *, seed: int, progress: Progress | None = None) -> OnnxForecaster:
        """Fit on the chosen rows alone; the same seed on the same kind of machine gives the same bytes."""
        return self.fit_many([(panel, rows, seed)], progress=progress)[0]

    def fit_many(
        self,
        panels_rows_seeds: Sequence[tuple[Panel, Rows, int]],
        *,
        progress: Progress | None = None,
        budget: Budget | None = None,
    ) -> list[OnnxForecaster]:
        """Fit one model for each panel, rows and seed, all side by side; folds have panels of their own.

        Each comes out as `fit` would make it, up to rounding.
        """
        jobs = [Job(self, panel, rows, seed) for panel, rows, seed in panels_rows_seeds]
        return fit_together(jobs, progress=progress, budget=budget)

    def task(self, panel: Panel, rows: Rows, *, seed: int) -> Task:
        """Split the rows and fit the linear model: what is left to do is the network."""
        early, late = self.split(panel, rows)
        offset = self.offset.fit(panel, early, seed=seed)
        return Task(panel, rows, early, late, offset, self.stream(seed), self.recipe())

    def stream(self, seed: int) -> int:
        """The seed of the network's own random streams."""
        return derive(seed, self.name)

    def finish(self, task: Task, trained: Trained) -> OnnxForecaster:
        """The linear model with the trained network, or alone and fitted on all rows where the network is not kept."""
        constant = self.zero_information(task.panel, task.late)
        record = {
            "start_loss": trained.start_loss,
            "loss": trained.start_loss - trained.gain,
            "gain_error": trained.error,
            "step": float(trained.step),
            "zero_information_loss": constant,
        }
        said = (
            f"{trained.reason}; {self.objective} loss {record['loss']:.5f} on the check rows, a constant {constant:.5f}"
        )
        if trained.theta is None:
            return self.forecaster(self.offset.fit(task.panel, task.rows, seed=task.seed), None, said, record)
        return self.forecaster(task.offset, self.to_onnx(len(task.panel.columns), trained.theta), said, record)

    def forecaster(
        self, offset: FittedLinear, content: bytes | None, training: str, record: Mapping[str, float]
    ) -> OnnxForecaster:
        """The linear model and what `to_onnx` wrote, as one model that forecasts."""
        shape = self.network(offset.coef.shape[1])
        gamma, alpha = (self.focal_gamma, self.focal_alpha) if self.objective == "focal" else (None, None)
        return OnnxForecaster(
            kind=self.name,
            offset=offset,
            network=content,
            window=shape.window,
            context=shape.context,
            memory=shape.receptive_field,
            gamma=gamma,
            alpha=alpha,
            training=training,
            record=record,
        )

    def zero_information(self, panel: Panel, rows: Rows) -> float:
        """What the best constant scores on these rows under this objective: no loss means anything without it."""
        y, weight = panel.stack_y(rows), panel.stack_weight(rows)
        loss = FocalLoss(self.focal_gamma, self.focal_alpha) if self.objective == "focal" else FocalLoss(0.0)
        share = weight.sum(axis=0) / weight.sum()
        rates = [weighted_rate(*side) for side in zip(y.T, weight.T, strict=True)]
        return float(share @ [loss.zero_information(rate) for rate in rates])

    def train_many(
        self, tasks: Sequence[Task], *, progress: Progress | None = None, budget: Budget | None = None
    ) -> list[Trained]:
        """Train a network for each task on its early rows, as what is to be added to its `offset`.

        Late rows stop it. Tasks that share panel, rows and offset share one training set.
        """
        network = self.network(len(tasks[0].panel.columns))
        places: dict[tuple[int, ...], int] = {}
        data = [places.setdefault(task.shared, len(places)) for task in tasks]
        sets = [self.training_set(tasks[data.index(place)]) for place in range(len(places))]
        members = [Member(place, task.seed, task.recipe) for place, task in zip(data, tasks, strict=True)]
        return train_many(network, sets, self.loss(), members, progress=progress, budget=budget or self.budget)

    def training_set(self, task: Task) -> TrainingSet:
        """What a task's network learns from and is stopped by."""
        panel = task.panel
        return TrainingSet(
            x=panel.X,
            y=panel.y,
            offset=[self.start(task.offset.logits(X)) for X in panel.X],
            fit=masked(panel.weight, task.early),
            check=masked(panel.weight, task.late),
        )

    def kin(self, n_features: int) -> Hashable:
        """Equal for agents whose networks can be trained side by side, whatever their recipes."""
        return type(self), self.network(n_features), self.objective, self.focal_gamma, self.focal_alpha

    def split(self, panel: Panel, rows: Rows) -> tuple[Rows, Rows]:
        """The rows to learn from and the later ones to stop by, no label of the former reaching into the latter."""
        where = np.flatnonzero(np.concatenate(rows))
        start = np.concatenate([s[r] for s, r in zip(panel.start, rows, strict=True)])
        end = np.concatenate([e[r] for e, r in zip(panel.last_end(), rows, strict=True)])
        ((early, late),) = WalkForward(n_splits=1, initial=1 - self.validation).split(start, intervals=(start, end))
        edges = np.cumsum([len(mask) for mask in rows])[:-1]
        masks = []
        for chosen in (early, late):
            mask = np.zeros(sum(map(len, rows)), bool)
            mask[where[chosen]] = True
            masks.append(tuple(np.split(mask, edges)))
        return masks[0], masks[1]

    def start(self, logits: FloatArray) -> FloatArray:
        """The linear model's log-odds on the scale of the objective, so that adding nothing changes nothing."""
        return focal_logit(logits, self.focal_gamma, self.focal_alpha) if self.objective == "focal" else logits

    def loss(self) -> Loss:
        """What the network is trained on, of every label."""
        return FocalLoss(self.focal_gamma, self.focal_alpha).each if self.objective == "focal" else _cross_entropy


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def masked(weight: Sequence[FloatArray], rows: Rows) -> list[FloatArray]:
    """Each symbol's weights (n_bars, 2), zero outside the rows."""
    return [np.where(mask[:, None], one, 0.0) for one, mask in zip(weight, rows, strict=True)]
