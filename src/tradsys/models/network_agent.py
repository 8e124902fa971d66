"""An agent that is a network on top of a linear model: everything that is not the network's shape."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from tradsys.core.arrays import BoolArray, Float32Array, FloatArray
from tradsys.core.errors import ConfigError
from tradsys.core.seeds import derive
from tradsys.models.crops import CropBank, best_device
from tradsys.models.focal import focal_logit
from tradsys.models.logistic import FittedLinear, RidgeLogistic
from tradsys.models.losses import FocalLoss
from tradsys.models.network import Network
from tradsys.models.onnx_forecaster import OnnxForecaster
from tradsys.models.panel import Panel, Rows
from tradsys.models.training import Loss, Progress, Recipe, Trained, train
from tradsys.splits.walk_forward import WalkForward


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAgent(ABC):
    """A causal network on top of ridge logistic regression, stopped early on the last of its training time.

    The last `validation` of the rows' time span decides when to stop and whether the network is kept at all; the rows
    before it, purged of labels that reach into it, fit the linear model and the network. Where the network does not
    beat the linear model there, what remains is the linear model, fitted on all rows. An agent adds its `name`, the
    fields of its network's shape, and how that network is written as ONNX.
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
    offset: RidgeLogistic = RidgeLogistic()

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
        )

    def fit(self, panel: Panel, rows: Rows, *, seed: int, progress: Progress | None = None) -> OnnxForecaster:
        """Fit on the chosen rows alone; the same seed on the same kind of machine gives the same bytes."""
        early, late = self.split(panel, rows)
        offset = self.offset.fit(panel, early, seed=seed)
        trained = self.train(panel, early, late, offset, seed=derive(seed, self.name), progress=progress)
        content = None
        if trained.theta is None:
            offset = self.offset.fit(panel, rows, seed=seed)
        else:
            content = self.to_onnx(len(panel.columns), trained.theta)
        return self.forecaster(offset, content, trained.reason)

    def forecaster(self, offset: FittedLinear, content: bytes | None, training: str) -> OnnxForecaster:
        """The linear model and what `to_onnx` wrote, as one model that forecasts."""
        shape = self.network(offset.coef.shape[1])
        gamma, alpha = (self.focal_gamma, self.focal_alpha) if self.objective == "focal" else (None, None)
        return OnnxForecaster(
            self.name, offset, content, shape.window, shape.context, shape.receptive_field, gamma, alpha, training
        )

    def train(
        self,
        panel: Panel,
        early: Rows,
        late: Rows,
        offset: FittedLinear,
        *,
        seed: int,
        progress: Progress | None = None,
    ) -> Trained:
        """Train the network on the early rows as what is to be added to `offset`, and stop by the late ones."""
        network, recipe = self.network(len(panel.columns)), self.recipe()
        bank = CropBank.build(
            panel.X,
            panel.y,
            offset=[[self._start(offset.logits(X)) for X in panel.X]],
            fit=[[_masked(w, r) for w, r in zip(panel.weight, early, strict=True)]],
            check=[[_masked(w, r) for w, r in zip(panel.weight, late, strict=True)]],
            margin=sum(recipe.crop_length(network)),
            device=best_device(),
        )
        (trained,) = train(network, bank, self._loss(), recipe, seeds=[seed], progress=progress)
        return trained

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

    def _start(self, logits: FloatArray) -> FloatArray:
        """The linear model's log-odds on the scale of the objective, so that adding nothing changes nothing."""
        return focal_logit(logits, self.focal_gamma, self.focal_alpha) if self.objective == "focal" else logits

    def _loss(self) -> Loss:
        return FocalLoss(self.focal_gamma, self.focal_alpha).each if self.objective == "focal" else _cross_entropy


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def _masked(weight: FloatArray, rows: BoolArray) -> FloatArray:
    return np.where(rows[:, None], weight, 0.0)
