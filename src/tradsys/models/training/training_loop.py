"""The training engine: dense forecasts on crops of one resident matrix, many models as one; torch and numpy only."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tradsys.core.arrays import IntArray
from tradsys.machine.plan import Precision
from tradsys.models.networks.network import Network
from tradsys.models.training.checkpoints import Checkpoint
from tradsys.models.training.crops import CropBank
from tradsys.models.training.device import reproducible
from tradsys.models.training.model_batch import Loss, ModelBatch
from tradsys.models.training.recipe import Member, Trained, TrainingProgress
from tradsys.models.training.schedule import Schedule

_WORTH_NARROWING = 0.75


def train(
    network: Network,
    bank: CropBank,
    loss: Loss,
    members: Sequence[Member],
    *,
    progress: TrainingProgress | None = None,
    checkpoint: Checkpoint | None = None,
    precision: Precision = "bfloat16",
) -> list[Trained]:
    """Train the members side by side, each on the rows where its set's `fit` is positive, stopped by those of `check`.

    A model's logits are its offset plus its network's output, which is zero at first. Crops, first parameters and
    noise come from each model's own seed: the same seed on the same kind of machine gives the same bits, and models
    trained side by side come out as they would one by one, up to rounding. A model that diverges stops and does not
    touch the others. With a checkpoint, a training that was interrupted goes on from there and ends in the same bits.
    `precision` is that of matrix products on CUDA; a processor always takes float32.
    """
    with reproducible(bank.device):
        return _Training(network, bank, loss, members, precision).run(progress, checkpoint)


class _Training:
    """One call of `train`: a shrinking group on the device, and on the host the state of all its models."""

    def __init__(
        self, network: Network, bank: CropBank, loss: Loss, members: Sequence[Member], precision: Precision
    ) -> None:
        self.network, self.bank, self.loss, self.members = network, bank, loss, members
        self.precision = precision
        self.schedule = Schedule.of(network, bank, members)
        self.n_steps: IntArray = self.schedule.n_steps[:, 0].cpu().numpy()
        theta = torch.stack([network.initial(member.seed) for member in members]).to(bank.device)
        self.group = ModelBatch(network, bank, loss, self.schedule, theta, precision)
        self.rows: IntArray = np.arange(len(members))
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
            if is_training.sum() <= _WORTH_NARROWING * len(self.rows):
                self.collect()
                self.narrow(self.rows[is_training])
            if checkpoint and (not len(self.rows) or checkpoint.clock() - saved_at >= checkpoint.every_s):
                self.collect()
                checkpoint.save({**self.state, "rows": self.rows}, of=of)
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

    def narrow(self, rows: IntArray) -> None:
        """Go on with these models alone; what the others computed would be thrown away."""
        self.rows = rows
        if len(rows):
            del self.group  # what it recorded holds as much memory as the next will want
            state = {name: torch.from_numpy(value[rows]).to(self.bank.device) for name, value in self.state.items()}
            schedule = self.schedule.take(torch.from_numpy(rows).to(self.bank.device))
            self.group = ModelBatch(self.network, self.bank, self.loss, schedule, state["theta"], self.precision)
            self.group.load(state)

    def resume(self, saved: Mapping[str, npt.NDArray[Any]]) -> int:
        """Go on from a saved state; returns the step that it was saved at."""
        self.state = {name: value.copy() for name, value in saved.items() if name != "rows"}
        self.narrow(saved["rows"])
        return int(self.state["number"].max())

    def fingerprint(self) -> str:
        """SHA-256 of all that decides the bits of this training but the machine."""
        device = self.bank.device.type
        machine = (torch.__version__, device, self.precision if device == "cuda" else "float32")
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
