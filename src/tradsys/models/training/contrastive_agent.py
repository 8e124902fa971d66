"""An agent whose encoder learns by contrast and whose forecasts are a linear probe of it, and the control of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from typing import ClassVar

import torch

from tradsys.core.arrays import Float32Array, FloatArray
from tradsys.core.errors import ConfigError
from tradsys.core.seeds import derive
from tradsys.models.forecaster import Panel, Rows, stack
from tradsys.models.linear.probe import Probe, ProbeRows, fit_probe
from tradsys.models.networks.onnx_forecaster import OnnxForecaster
from tradsys.models.training.batches import at_once
from tradsys.models.training.contrastive import Contrast, ContrastiveLabels, Pretrained, embed, pretrain
from tradsys.models.training.crops import CropBank
from tradsys.models.training.joint_fit import TrainingTask
from tradsys.models.training.network_agent import NetworkAgent
from tradsys.models.training.recipe import TrainingProgress


@dataclass(frozen=True, slots=True)
class Controlled:
    """A fitted forecaster, and its control: the same probe on the same encoder as it was before any training."""

    fitted: OnnxForecaster
    control: OnnxForecaster


@dataclass(frozen=True, slots=True)
class ContrastiveAgent:
    """Another agent's network as an encoder, pretrained by supervised contrast, with a linear probe for its head.

    Rows, offset, recipe and margin are those of `agent`: the encoder learns from the learning rows and is stopped by
    the later ones, a fold at a time, and the probe is fitted on the learning rows on top of the same linear log-odds
    that the other objectives start from, with a ridge that the stopping rows choose. So all objectives have seen the
    same labels, and a probe that gains on the stopping rows gains on top of the linear model. Where it gains no more
    than `margin` standard errors there, what remains is the linear model on all rows.

    A probe of an untrained encoder is a probe of random features, and does well: whatever this agent shows is compared
    with that control, and its contrastive loss with that of embeddings that are all alike.
    """

    agent: NetworkAgent
    contrast: Contrast = Contrast()
    objective: ClassVar[str] = "supcon"

    def __post_init__(self) -> None:
        if self.agent.objective != "bce":
            raise ConfigError(f"the probe's objective is 'bce', was {self.agent.objective!r}; leave it as it is")

    @property
    def name(self) -> str:
        return self.agent.name

    @property
    def memory(self) -> int:
        return self.agent.memory

    def fit(self, panel: Panel, rows: Rows, *, seed: int, progress: TrainingProgress | None = None) -> OnnxForecaster:
        """Fit on the chosen rows alone; the record holds the control's gain and the trivial loss."""
        (one,) = self.fit_seeds(panel, rows, seeds=[seed], progress=progress)
        return one.fitted

    def fit_seeds(
        self, panel: Panel, rows: Rows, *, seeds: Sequence[int], progress: TrainingProgress | None = None
    ) -> list[Controlled]:
        """One forecaster a seed and its control, the encoders trained side by side, as many as memory holds."""
        task = self.agent.task(panel, rows, seed=0)
        own = [derive(seed, self.name, self.objective) for seed in seeds]
        return [self._probed(task, encoder) for encoder in self._pretrain(task, own, progress)]

    def _pretrain(
        self, task: TrainingTask, seeds: Sequence[int], progress: TrainingProgress | None
    ) -> list[Pretrained]:
        panel, network = task.panel, self.agent.network(len(task.panel.columns))
        recipe = self.contrast.recipe(task.recipe)
        margin = sum(recipe.crop_length(network))
        one, budget = self.agent.training_set(task), self.agent.budget
        bank = CropBank.build([one], margin=margin, device=budget.device)
        labels = ContrastiveLabels.build(bank.layout, panel.y, panel.start, panel.last_end(), bank.device)
        return [
            encoder
            for own in batched(seeds, at_once(network, one, recipe, budget))
            for encoder in pretrain(network, bank, labels, self.contrast, recipe, seeds=own, progress=progress)
        ]

    def _probed(self, task: TrainingTask, encoder: Pretrained) -> Controlled:
        trained, control = (self._probe(task, theta) for theta in (encoder.theta, encoder.untrained))
        record = {
            "start_loss": encoder.start_loss,
            "loss": encoder.loss,
            "step": float(encoder.step),
            "trivial_loss": encoder.trivial_loss,
            "probe_gain": trained.gain,
            "probe_error": trained.error,
            "control_gain": control.gain,
            "control_error": control.error,
        }
        training = (
            f"{encoder.reason}; contrastive loss {encoder.loss:.3f} on the check rows, {encoder.trivial_loss:.3f} "
            f"where all embeddings are alike; probe {_millinats(trained)}, of the untrained encoder "
            f"{_millinats(control)}"
        )
        both, n_features = [], len(task.panel.columns)
        for theta, probe in ((encoder.theta, trained), (encoder.untrained, control)):
            if probe.gain > self.agent.margin * probe.error:
                filled = self._with_head(n_features, theta, probe)
                both.append(self.agent.forecaster(task.offset, filled, training, record))
            else:
                linear = self.agent.offset.fit(task.panel, task.rows, seed=0)
                why = f"{training}; {self.agent.left_out(probe.gain, probe.error)}"
                both.append(self.agent.forecaster(linear, None, why, record))
        return Controlled(*both)

    def _probe(self, task: TrainingTask, theta: Float32Array) -> Probe:
        network = self.agent.network(len(task.panel.columns))
        hidden = [embed(network, theta, X) for X in task.panel.X]
        logits = [task.offset.logits(X) for X in task.panel.X]
        return fit_probe(*(_rows_of(task.panel, hidden, logits, rows) for rows in (task.learning, task.stopping)))

    def _with_head(self, n_features: int, theta: Float32Array, probe: Probe) -> Float32Array:
        """The encoder's parameters with the probe in the place of the head."""
        filled = theta.copy()
        weights = self.agent.network(n_features).unpack(torch.from_numpy(filled)[None])
        weights["head.w"][0] = torch.from_numpy(probe.weight)
        weights["head.b"][0, 0] = torch.from_numpy(probe.bias)
        return filled


def _rows_of(panel: Panel, hidden: Sequence[FloatArray], logits: Sequence[FloatArray], rows: Rows) -> ProbeRows:
    y, weight, start = panel.stack_y(rows), panel.stack_weight(rows), stack(panel.start, rows)
    return ProbeRows(stack(hidden, rows), y, weight, stack(logits, rows), start)


def _millinats(probe: Probe) -> str:
    return f"{1e3 * probe.gain:+.2f} millinats (standard error {1e3 * probe.error:.2f})"
