"""The training engine: dense forecasts on crops of one resident matrix, many models as one; torch and numpy only."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tradsys.core.arrays import IntArray
from tradsys.machine.plan import Precision
from tradsys.models.networks.network import Network
from tradsys.models.training.checkpoints import Checkpoint
from tradsys.models.training.compiling import Compiling
from tradsys.models.training.crops import CropBank
from tradsys.models.training.device import reproducible
from tradsys.models.training.model_batch import ModelBatch
from tradsys.models.training.recipe import Member, Trained, TrainingProgress
from tradsys.models.training.schedule import Schedule
from tradsys.models.training.step_parts import Loss

_WORTH_NARROWING = 0.75
_WORTH_NARROWING_COMPILED = 0.5
"""A narrower group has to be compiled anew, or goes on uncompiled, about half as fast."""
_COMPILED = "compiled"


def train(
    network: Network,
    bank: CropBank,
    loss: Loss,
    members: Sequence[Member],
    *,
    progress: TrainingProgress | None = None,
    checkpoint: Checkpoint | None = None,
    precision: Precision = "bfloat16",
    compiling: Compiling | None = None,
) -> list[Trained]:
    """Train the members side by side, each on the rows where its set's `fit` is positive, stopped by those of `check`.

    A model's logits are its offset plus its network's output, which is zero at first. Crops, first parameters and
    noise come from each model's own seed: the same seed on the same kind of machine gives the same bits, and models
    trained side by side come out as they would one by one, up to rounding. A model that diverges stops and does not
    touch the others. With a checkpoint, a training that was interrupted goes on from there and ends in the same bits.
    `precision` is that of matrix products on CUDA; a processor always takes float32. `compiling` says whether steps are
    compiled (None: where it pays on CUDA), which moves where they round.
    """
    with reproducible(bank.device):
        return _Training(network, bank, loss, members, precision, compiling or Compiling()).run(progress, checkpoint)


class _Training:
    """One call of `train`: a shrinking group on the device, and on the host the state of all its models."""

    def __init__(
        self,
        network: Network,
        bank: CropBank,
        loss: Loss,
        members: Sequence[Member],
        precision: Precision,
        compiling: Compiling,
    ) -> None:
        self.network, self.bank, self.loss, self.members = network, bank, loss, members
        self.precision, self.compiling = precision, compiling
        self.schedule = Schedule.of(network, bank, members)
        self.n_steps: IntArray = self.schedule.n_steps[:, 0].cpu().numpy()
        theta = torch.stack([network.initial(member.seed) for member in members]).to(bank.device)
        self.rows: IntArray = np.arange(len(members))
        self.group = self.batch(self.schedule, theta, self.pays(step=0))
        self.state: dict[str, npt.NDArray[Any]] = {}

    def run(self, progress: TrainingProgress | None, checkpoint: Checkpoint | None) -> list[Trained]:
        """Steps and checks until every model has stopped; one question to the device a check."""
        step = 0
        of = self.fingerprint() if checkpoint else ""
        if checkpoint and (saved := checkpoint.load(of=of)):
            step = self.resume(saved)
        else:
            self.group.begin()
            self.collect()
        saved_at = checkpoint.clock() if checkpoint else 0.0
        every = self.members[0].recipe.check_every
        while len(self.rows):
            stop = min((step // every + 1) * every, int(self.n_steps[self.rows].max()))
            for _ in range(step, stop):
                self.group.step()
            self.group.check()
            step = stop
            is_training = self.group.is_training()
            if progress is not None:
                progress(step, int(self.n_steps.max()))
            worth = _WORTH_NARROWING_COMPILED if self.group.is_compiled else _WORTH_NARROWING
            if is_training.sum() <= worth * len(self.rows):
                self.collect()
                self.rows = self.rows[is_training]
                self.narrow(self.pays(step))
            if checkpoint and (not len(self.rows) or checkpoint.clock() - saved_at >= checkpoint.every_s):
                self.collect()
                is_compiled = np.array([len(self.rows) > 0 and self.group.is_compiled])
                checkpoint.save({**self.state, "rows": self.rows, _COMPILED: is_compiled}, of=of)
                saved_at = checkpoint.clock()
        return [self.outcome(model) for model in range(len(self.members))]

    def collect(self) -> None:
        """Bring the state of the group's models to the host."""
        for name, value in self.group.state.items():
            brought = value.cpu().numpy()
            if name not in self.state:
                self.state[name] = brought.copy()
            elif len(self.rows):
                self.state[name][self.rows] = brought

    def narrow(self, is_compiled: bool) -> None:
        """Go on with the models in `rows` alone; what the others computed would be thrown away."""
        if len(self.rows):
            del self.group  # what it recorded holds as much memory as the next will want
            device = self.bank.device
            state = {name: torch.from_numpy(value[self.rows]).to(device) for name, value in self.state.items()}
            schedule = self.schedule.take(torch.from_numpy(self.rows).to(device))
            self.group = self.batch(schedule, state["theta"], is_compiled)
            self.group.load(state)

    def batch(self, schedule: Schedule, theta: Tensor, is_compiled: bool) -> ModelBatch:
        """Models with these parameters as one batch, which has not begun."""
        compiling = self.compiling if is_compiled else None
        return ModelBatch(self.network, self.bank, self.loss, schedule, theta, self.precision, compiling)

    def pays(self, step: int) -> bool:
        """Whether the steps that the models in `rows` have left are worth compiling."""
        n_steps = int((self.n_steps[self.rows] - step).clip(min=0).sum())
        a_step = self.members[0].recipe.n_crops * self.schedule.length
        return self.compiling.pays(self.bank.device, n_steps * a_step)

    def resume(self, saved: Mapping[str, npt.NDArray[Any]]) -> int:
        """Go on from a saved state, compiled if it was; returns the step that it was saved at.

        One that does not tell is from before steps were compiled.
        """
        self.state = {name: value.copy() for name, value in saved.items() if name not in ("rows", _COMPILED)}
        self.rows = saved["rows"]
        self.narrow(_COMPILED in saved and bool(saved[_COMPILED][0]))
        return int(self.state["number"].max())

    def fingerprint(self) -> str:
        """SHA-256 of all that decides the bits of this training but the machine."""
        device = self.bank.device.type
        machine = [torch.__version__, device, self.precision if device == "cuda" else "float32"]
        if device == "cuda" or self.compiling.mode == "on":
            machine.append(self.compiling.mode)
        digest = hashlib.sha256(repr((self.network, self.members, *machine)).encode())
        for tensor in (self.bank.x, self.bank.y, self.bank.offset, self.bank.fit, self.bank.check):
            digest.update(tensor.of.cpu().numpy().tobytes())
            digest.update(tensor.values.cpu().numpy().data)
        # a loss is a function: it is known by its values
        logits = torch.linspace(-3, 3, 64 * self.network.n_outputs).view(64, -1)
        for target in (0.0, 1.0):
            digest.update(self.loss(logits, torch.full_like(logits, target)).numpy().tobytes())
        return digest.hexdigest()

    def outcome(self, model: int) -> Trained:
        """How this model ended."""
        row = {name: value[model] for name, value in self.state.items()}
        return Trained.of(row, float(self.schedule.check_weight[model]), self.members[model].recipe)
