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
from tradsys.models.forecaster import Panel, Rows, stack
from tradsys.models.linear.baselines import BaseRate
from tradsys.models.linear.logistic import FittedLinear, RidgeLogistic, weighted_rate
from tradsys.models.losses import FocalLoss
from tradsys.models.networks.network import Network
from tradsys.models.networks.onnx_forecaster import OnnxForecaster, TrainedNetwork
from tradsys.models.training.batches import DeviceBudget, train_many
from tradsys.models.training.crops import TrainingSet
from tradsys.models.training.joint_fit import FitJob, TrainingTask, fit_jointly
from tradsys.models.training.recipe import Member, Trained, TrainingProgress, TrainingRecipe
from tradsys.models.training.step_parts import Loss
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
        return self.network(n_features=1).receptive_field

    @property
    def budget(self) -> DeviceBudget:
        """What its training may take: what the plan leaves to networks, or what is there."""
        return DeviceBudget() if self.plan is None else DeviceBudget.of(self.plan)

    @abstractmethod
    def network(self, n_features: int) -> Network:
        """The network's shape for this many columns."""

    @abstractmethod
    def to_onnx(self, n_features: int, theta: Float32Array) -> bytes:
        """One trained network (n_parameters,) as an ONNX graph, with inputs and output as `OnnxForecaster` has them."""

    def recipe(self) -> TrainingRecipe:
        return TrainingRecipe(
            max_steps=self.max_steps,
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            dropout=self.dropout,
            noise=self.noise,
            margin=self.margin,
        )

    def fit(self, panel: Panel, rows: Rows, *, seed: int, progress: TrainingProgress | None = None) -> OnnxForecaster:
        """Fit on the chosen rows alone; the same seed on the same kind of machine gives the same bytes."""
        return self.fit_many([(panel, rows, seed)], progress=progress)[0]

    def fit_many(
        self,
        panels_rows_seeds: Sequence[tuple[Panel, Rows, int]],
        *,
        progress: TrainingProgress | None = None,
        budget: DeviceBudget | None = None,
    ) -> list[OnnxForecaster]:
        """Fit one model for each panel, rows and seed, in one batch; folds have panels of their own.

        Each comes out as `fit` would make it, up to rounding.
        """
        jobs = [FitJob(self, panel, rows, seed) for panel, rows, seed in panels_rows_seeds]
        return fit_jointly(jobs, progress=progress, budget=budget)

    def task(self, panel: Panel, rows: Rows, *, seed: int) -> TrainingTask:
        learning, stopping = self.split(panel, rows)
        offset = self.offset.fit(panel, learning, seed=seed)
        return TrainingTask(panel, rows, learning, stopping, offset, self.network_seed(seed), self.recipe())

    def network_seed(self, seed: int) -> int:
        return derive(seed, self.name)

    def forecaster_of(self, task: TrainingTask, trained: Trained) -> OnnxForecaster:
        """The linear model with the trained network, or alone and fitted on all rows where the network is not kept."""
        constant = self.zero_information(task.panel, task.stopping)
        record = {
            "start_loss": trained.start_loss,
            "loss": trained.start_loss - trained.gain,
            "gain_error": trained.error,
            "step": float(trained.step),
            "zero_information_loss": constant,
        }
        training = (
            f"{trained.reason}; {self.objective} loss {record['loss']:.5f} on the check rows, a constant {constant:.5f}"
        )
        if trained.theta is None:
            training += f"; {self.left_out(trained.gain, trained.error)}"
            return self.forecaster(self.offset.fit(task.panel, task.rows, seed=task.seed), None, training, record)
        return self.forecaster(task.offset, trained.theta, training, record)

    def left_out(self, gain: float, error: float) -> str:
        """Why nothing of the network stays: what it saved of the loss on the check rows, and what it needed."""
        saved = f"{1e3 * gain:+.2f} thousandths" if gain > 0 else "nothing"
        needed = f" than {1e3 * self.margin * error:+.2f}, {self.margin:g} standard errors" if gain > 0 else ""
        return (
            f"no network is kept: it saved {saved} of the loss on top of the linear model and needed more{needed}; the "
            "linear model decides alone"
        )

    def forecaster(
        self, offset: FittedLinear, theta: Float32Array | None, training: str, record: Mapping[str, float]
    ) -> OnnxForecaster:
        """The linear model, and the network with these parameters if there are any, as one model that forecasts."""
        n_features = offset.coef.shape[1]
        shape = self.network(n_features)
        network = None
        if theta is not None:
            network = TrainedNetwork(shape.architecture, shape.settings, self.to_onnx(n_features, theta), theta)
        gamma, alpha = (self.focal_gamma, self.focal_alpha) if self.objective == "focal" else (None, None)
        return OnnxForecaster(
            kind=self.name,
            offset=offset,
            network=network,
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
        self,
        tasks: Sequence[TrainingTask],
        *,
        progress: TrainingProgress | None = None,
        budget: DeviceBudget | None = None,
    ) -> list[Trained]:
        """Train a network for each task on its learning rows, as what is to be added to its `offset`.

        Tasks that share panel, rows and offset share one training set.
        """
        network = self.network(len(tasks[0].panel.columns))
        places: dict[tuple[int, ...], int] = {}
        data = [places.setdefault(task.shared, len(places)) for task in tasks]
        sets = [self.training_set(tasks[data.index(place)]) for place in range(len(places))]
        members = [Member(place, task.seed, task.recipe) for place, task in zip(data, tasks, strict=True)]
        return train_many(network, sets, self.loss(), members, progress=progress, budget=budget or self.budget)

    def training_set(self, task: TrainingTask) -> TrainingSet:
        """What a task's network learns from and is stopped by."""
        panel = task.panel
        return TrainingSet(
            x=panel.X,
            y=panel.y,
            offset=[self.on_loss_scale(task.offset.logits(X)) for X in panel.X],
            fit=masked(panel.weight, task.learning),
            check=masked(panel.weight, task.stopping),
        )

    def batch_key(self, n_features: int) -> Hashable:
        return type(self), self.network(n_features), self.objective, self.focal_gamma, self.focal_alpha

    def split(self, panel: Panel, rows: Rows) -> tuple[Rows, Rows]:
        """The rows to learn from and the later ones to stop by; no label of the former reaches into the latter."""
        where = np.flatnonzero(np.concatenate(rows))
        start = stack(panel.start, rows)
        end = stack(panel.last_end(), rows)
        ((learning, stopping),) = WalkForward(n_splits=1, initial=1 - self.validation).split(
            start, intervals=(start, end)
        )
        edges = np.cumsum([len(mask) for mask in rows])[:-1]
        masks = []
        for chosen in (learning, stopping):
            mask = np.zeros(sum(map(len, rows)), bool)
            mask[where[chosen]] = True
            masks.append(tuple(np.split(mask, edges)))
        return masks[0], masks[1]

    def on_loss_scale(self, logits: FloatArray) -> FloatArray:
        """The linear model's log-odds on the scale of the objective, so that adding nothing changes nothing."""
        return focal_logit(logits, self.focal_gamma, self.focal_alpha) if self.objective == "focal" else logits

    def loss(self) -> Loss:
        """What the network is trained on, of every label."""
        return (
            FocalLoss(self.focal_gamma, self.focal_alpha).each_unchecked
            if self.objective == "focal"
            else _cross_entropy
        )


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def masked(weight: Sequence[FloatArray], rows: Rows) -> list[FloatArray]:
    """Each symbol's weights (n_bars, 2), zero outside the rows."""
    return [np.where(mask[:, None], one, 0.0) for one, mask in zip(weight, rows, strict=True)]
