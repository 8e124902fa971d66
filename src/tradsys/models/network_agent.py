"""An agent that is a network on top of a linear model: everything that is not the network's shape."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from tradsys.core.arrays import Float32Array, FloatArray
from tradsys.core.errors import ConfigError
from tradsys.core.seeds import derive
from tradsys.models.base_rate import BaseRate
from tradsys.models.crops import CropBank, best_device
from tradsys.models.focal import focal_logit
from tradsys.models.logistic import FittedLinear, RidgeLogistic, weighted_rate
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
            margin=self.margin,
        )

    def fit(self, panel: Panel, rows: Rows, *, seed: int, progress: Progress | None = None) -> OnnxForecaster:
        """Fit on the chosen rows alone; the same seed on the same kind of machine gives the same bytes."""
        early, late = self.split(panel, rows)
        offset = self.offset.fit(panel, early, seed=seed)
        trained = self.train(panel, early, late, offset, seed=derive(seed, self.name), progress=progress)
        return self.fitted(panel, rows, offset, trained, self.zero_information(panel, late))

    def fitted(
        self, panel: Panel, rows: Rows, offset: FittedLinear, trained: Trained, zero_information: float
    ) -> OnnxForecaster:
        """What a training came to, with its record; the linear model on all rows where the network was not kept."""
        record = {
            "start_loss": trained.start_loss,
            "loss": trained.start_loss - trained.gain,
            "gain_error": trained.error,
            "step": float(trained.step),
            "zero_information_loss": zero_information,
        }
        said = f"{trained.reason}; {self.objective} loss {record['loss']:.5f} on the check rows, a constant "
        said += f"{zero_information:.5f}"
        if trained.theta is None:
            return self.forecaster(self.offset.fit(panel, rows, seed=0), None, said, record)
        return self.forecaster(offset, self.to_onnx(len(panel.columns), trained.theta), said, record)

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
        return float(sum(s * loss.zero_information(weighted_rate(*side)) for s, *side in zip(share, y.T, weight.T, strict=True)))

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
            offset=[[self.start(offset.logits(X)) for X in panel.X]],
            fit=[masked(panel.weight, early)],
            check=[masked(panel.weight, late)],
            margin=sum(recipe.crop_length(network)),
            device=best_device(),
        )
        (trained,) = train(network, bank, self.loss(), recipe, seeds=[seed], progress=progress)
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
