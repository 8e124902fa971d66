"""Folds x seeds x trials in one call: models are trained side by side, as many at once as memory holds."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tradsys.core.errors import FitError
from tradsys.machine.plan import Plan, Precision
from tradsys.models.networks.network import Network
from tradsys.models.training.checkpoints import Checkpoint
from tradsys.models.training.compiling import Compiling
from tradsys.models.training.crops import CropBank, Layout, TrainingSet, identity
from tradsys.models.training.device import ROWS_AT_ONCE, best_device
from tradsys.models.training.recipe import Member, Trained, TrainingProgress, TrainingRecipe, part_of
from tradsys.models.training.step_parts import Loss
from tradsys.models.training.training_loop import train

_VECTORS = 12
"""Parameter vectors a model: value, average, best, two moments, gradient, and what an update holds for a moment."""
_BACKWARD = 1.5
"""Peak of a step against what its forward pass keeps: gradients of activations come and go."""
_MODELS_ON_PROCESSOR = 8
"""On a processor larger groups are no faster: what they work on leaves its caches."""


@dataclass(frozen=True, slots=True)
class DeviceBudget:
    """Where a call trains, in which precision, what it may use there, and how often it saves itself where.

    `free_bytes` None asks the card, rounded down to a power of two so that groups, and with them rounding, do not
    change with what little else it holds; on a processor it is no limit. `folder` None keeps no checkpoints.
    """

    device: torch.device = field(default_factory=best_device)
    free_bytes: int | None = None
    max_models: int | None = None
    folder: Path | None = None
    every_s: float = 60.0
    precision: Precision = "bfloat16"
    compiling: Compiling = Compiling()

    @classmethod
    def of(cls, plan: Plan) -> "DeviceBudget":
        """What a plan leaves to networks, its bytes rounded down for the same reason.

        On a processor the number of models is the limit, whatever the plan: groups that followed the memory which
        happens to be free would change the rounding of results from one run to the next.
        """
        if plan.device == "cpu":
            return cls(torch.device("cpu"), precision=plan.precision, compiling=Compiling(plan.compile))
        free_bytes = 1 << max(0, plan.device_bytes.bit_length() - 1)
        return cls(torch.device(plan.device), free_bytes, precision=plan.precision, compiling=Compiling(plan.compile))

    def limits(self) -> tuple[int, int]:
        """Bytes, and models in a group."""
        is_cuda = self.device.type == "cuda"
        free_bytes, max_models = self.free_bytes, self.max_models
        if free_bytes is None:
            free_bytes = 1 << (torch.cuda.mem_get_info(self.device)[0].bit_length() - 1) if is_cuda else sys.maxsize
        if max_models is None:
            max_models = sys.maxsize if is_cuda else _MODELS_ON_PROCESSOR
        return free_bytes, max_models


def train_many(
    network: Network,
    sets: Sequence[TrainingSet],
    loss: Loss,
    members: Sequence[Member],
    *,
    budget: DeviceBudget | None = None,
    progress: TrainingProgress | None = None,
) -> list[Trained]:
    """Train every member; `members` name their training set by its place in `sets`. Outcomes come in their order.

    Members are cut into groups that fit the budget, each with a bank of its own sets alone. An interrupted call with a
    folder for checkpoints goes on from there: groups that had ended are not trained again.
    """
    budget = budget or DeviceBudget()
    free_bytes, max_models = budget.limits()
    if budget.device.type == "cuda":
        free_bytes -= max(check_bytes(network, recipe) for recipe in {member.recipe for member in members})
    groups = cut(network, sets, members, free_bytes, max_models)
    outcomes: dict[int, Trained] = {}
    for k, group in enumerate(groups):
        held = sorted({members[i].data for i in group})
        own = [replace(members[i], data=held.index(members[i].data)) for i in group]
        margin = sum(own[0].recipe.crop_length(network))
        bank = CropBank.build([sets[number] for number in held], margin=margin, device=budget.device)
        checkpoint = Checkpoint(budget.folder / f"group-{k}.safetensors", budget.every_s) if budget.folder else None
        trained = train(
            network,
            bank,
            loss,
            own,
            progress=part_of(progress, k, len(groups)),
            checkpoint=checkpoint,
            precision=budget.precision,
            compiling=budget.compiling,
        )
        outcomes |= zip(group, trained, strict=True)
    return [outcomes[i] for i in range(len(members))]


def cut(
    network: Network, sets: Sequence[TrainingSet], members: Sequence[Member], free_bytes: int, max_models: int
) -> list[list[int]]:
    """Members of each group, by their place: those of one pace and neighbouring sets, as many as fit."""
    order = sorted(range(len(members)), key=lambda i: (members[i].recipe.pace, members[i].data, i))
    sizes = {_size(m.recipe): m.recipe for m in members}
    models = {size: model_bytes(network, recipe) for size, recipe in sizes.items()}
    groups: list[list[int]] = []
    used, held, pace = 0, set[tuple[int, ...]](), (0, 0, 0)
    for i in order:
        member = members[i]
        margin = sum(member.recipe.crop_length(network))
        model = models[_size(member.recipe)]
        arrays = set_bytes(sets[member.data], margin)
        _demand(model, sum(arrays.values()), free_bytes)
        more = model + sum(size for key, size in arrays.items() if key not in held)
        is_full = used + more > free_bytes or (groups and len(groups[-1]) == max_models)
        if not groups or member.recipe.pace != pace or is_full:
            groups.append([])
            used, held, pace = 0, set(), member.recipe.pace
            more = model + sum(arrays.values())
        groups[-1].append(i)
        used += more
        held |= arrays.keys()
    return groups


def at_once(network: Network, one: TrainingSet, recipe: TrainingRecipe, budget: DeviceBudget) -> int:
    """How many networks that share one training set a budget has room for."""
    free_bytes, max_models = budget.limits()
    model = model_bytes(network, recipe)
    shared = sum(set_bytes(one, sum(recipe.crop_length(network))).values())
    _demand(model, shared, free_bytes)
    return min(max_models, (free_bytes - shared) // model)


def _demand(model: int, data: int, free_bytes: int) -> None:
    if model + data > free_bytes:
        raise FitError(
            f"one network needs {(model + data) / 1e6:,.0f} MB ({model / 1e6:,.0f} of its own and its features, labels "
            f"and weights), found {free_bytes / 1e6:,.0f} MB free; choose a smaller network, fewer or shorter crops, "
            "or less history"
        )


def set_bytes(one: TrainingSet, margin: int) -> dict[tuple[int, ...], int]:
    """Bytes on the device of each of a set's arrays, float32; equal keys are the very same arrays, held once."""
    n_rows = Layout(one.lengths, margin).n_rows
    parts = (one.x, one.y, one.offset, one.fit, one.check)
    return {identity(part): 4 * n_rows * int(np.prod(part[0].shape[1:])) for part in parts}


def model_bytes(network: Network, recipe: TrainingRecipe) -> int:
    """Bytes that one more model in a group takes at the peak of a step, measured on one crop of one model."""
    return int(recipe.n_crops * _BACKWARD * _crop_bytes(network, recipe)) + 4 * _VECTORS * network.n_parameters


def check_bytes(network: Network, recipe: TrainingRecipe) -> int:
    """Bytes that a check on a card takes at most: what goes through it at once, as if a backward pass followed."""
    return _crop_bytes(network, recipe) * -(-ROWS_AT_ONCE // sum(recipe.crop_length(network)))


def _crop_bytes(network: Network, recipe: TrainingRecipe) -> int:
    """Bytes that the forward pass of one crop keeps for the backward pass."""
    context, length = recipe.crop_length(network)
    shape = (1, 1, (context + length) // network.window, network.window)
    kept: dict[int, int] = {}

    def keep(saved: Tensor) -> Tensor:
        kept[saved.untyped_storage().data_ptr()] = saved.untyped_storage().nbytes()
        return saved

    theta = network.initial(0)[None].requires_grad_()
    drop = (lambda x: x * torch.ones_like(x)) if recipe.dropout > 0 else None
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda saved: saved):
        output = network.forward(
            network.unpack(theta), torch.zeros(*shape, network.n_features), torch.ones(shape, dtype=torch.bool), drop
        )
    del output
    return sum(kept.values())


def _size(recipe: TrainingRecipe) -> tuple[int, int, bool]:
    """What the memory of a model hangs on, besides its network."""
    return recipe.n_crops, recipe.crop, recipe.dropout > 0
