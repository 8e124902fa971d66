from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.training.trainings import NETWORK, QUICK, SHORT, bank_of, loss, market, training_set
from torch.utils._python_dispatch import TorchDispatchMode

from tradsys.core.errors import ConfigError
from tradsys.models.training.checkpoints import Checkpoint, read_safetensors
from tradsys.models.training.crops import CropBank, TrainingSet
from tradsys.models.training.model_batch import ModelBatch
from tradsys.models.training.recipe import Member, TrainingRecipe
from tradsys.models.training.schedule import Schedule
from tradsys.models.training.training_loop import train

FIVE = replace(SHORT, min_steps=5, max_steps=5, dropout=0.1, check_every=5)


def scaled_fold(factor: float, upto: float) -> TrainingSet:
    """A fold of the same bars with features on a scale of its own."""
    x, y = market(900)
    return training_set((factor * x, y), upto=upto)


FOLDS = [scaled_fold(1.0, 0.5), scaled_fold(0.8, 0.75), scaled_fold(1.2, 1.0)]
TRIALS = [
    FIVE,
    replace(FIVE, lr=3e-3, weight_decay=0.3, dropout=0.0, noise=0.7),
    replace(FIVE, ema=0.5, clip=0.05, warm_up=2, min_steps=3, max_steps=3),
]


def ended(bank: CropBank, members: list[Member], folder: Path) -> dict[str, np.ndarray]:
    """All that training these members leaves behind, a row a member."""
    path = folder / f"{len(list(folder.iterdir()))}.safetensors"
    train(NETWORK, bank, loss, members, checkpoint=Checkpoint(path))
    return read_safetensors(path)[0]


def test_folds_seeds_and_trials_side_by_side_equal_models_trained_alone(tmp_path: Path) -> None:
    members = [Member(fold, seed, recipe) for fold in range(3) for seed in (1, 2) for recipe in TRIALS]
    together = ended(bank_of(*FOLDS), members, tmp_path)
    assert len(np.unique(together["theta"], axis=0)) == 18
    for row, member in enumerate(members):
        alone = ended(bank_of(FOLDS[member.data]), [replace(member, data=0)], tmp_path)
        for name in ("theta", "average", "best_theta", "gain", "error"):
            np.testing.assert_allclose(together[name][row], alone[name][0], atol=1e-5)
        for name in ("best_step", "status", "ended"):
            assert together[name][row] == alone[name][0]


def test_models_that_stop_leave_the_group_and_the_others_come_out_as_alone(tmp_path: Path) -> None:
    quick_to_stop = replace(SHORT, min_steps=60, max_steps=60, lr=1e-9, check_every=5, patience=2)
    lasting = replace(quick_to_stop, lr=1e-3, patience=99)
    members = [Member(0, 0, quick_to_stop), Member(0, 1, lasting), Member(0, 2, quick_to_stop)]
    together = ended(bank_of(FOLDS[2]), members, tmp_path)
    assert together["ended"][:, 0].tolist() == [10, 60, 10]
    assert together["rows"].tolist() == []
    for row, member in enumerate(members):
        alone = ended(bank_of(FOLDS[2]), [member], tmp_path)
        assert together["status"][row] == alone["status"][0]
        np.testing.assert_allclose(together["theta"][row], alone["theta"][0], atol=1e-4)


def unplaced(fold: TrainingSet) -> TrainingSet:
    """The same values in arrays of its own, so that poison in a bank reaches this set alone."""
    return replace(fold, offset=[fold.offset[0].copy()])


@pytest.mark.parametrize("poison", ["offset", "lr", "loss"])
def test_a_model_that_diverges_stops_with_its_reason_and_touches_no_other(poison: str) -> None:
    recipe = replace(SHORT, min_steps=40, max_steps=40, check_every=10)
    bad = replace(recipe, lr=1e4, clip=1e9) if poison == "lr" else recipe
    bank = bank_of(FOLDS[2], unplaced(FOLDS[2]))
    row = bank.layout.rows[0].start + 100
    if poison == "offset":
        bank.offset.values[1, row] = torch.nan
    sound = [Member(0, seed, recipe) for seed in (1, 2)]
    judge = loss
    if poison == "loss":  # a loss that no number can hold, of one label of the second set alone
        bank.offset.values[1, row] = 3.0e38
        bank.y.values[0, row] = 1.0

        def judge(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return loss(logits, targets) * torch.exp(logits.clamp(min=0) * 1e-36)

    members = [sound[0], Member(1, 1, bad), sound[1]]
    mixed = train(NETWORK, bank, judge, members)
    clean = train(NETWORK, bank, judge, sound)
    assert mixed[1].has_diverged
    assert mixed[1].reason.startswith("diverged: ")
    assert not any(model.has_diverged for model in (mixed[0], mixed[2]))
    for together, alone in zip((mixed[0], mixed[2]), clean, strict=True):
        assert together.theta is not None
        assert alone.theta is not None
        assert together.reason == alone.reason == "all 40 steps done"
        np.testing.assert_allclose(together.theta, alone.theta, atol=1e-4)


def test_models_of_different_pace_are_refused() -> None:
    members = [Member(0, 0, SHORT), Member(0, 0, replace(SHORT, n_crops=3))]
    with pytest.raises(ConfigError, match="share n_crops, crop and check_every"):
        train(NETWORK, bank_of(FOLDS[0]), loss, members)


class NoHost(TorchDispatchMode):
    """Refuses what would make the processor wait for the device, or break a recording."""

    forbidden = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal")

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        assert func.overloadpacket.__name__ not in self.forbidden, f"{func} asks the host"
        return func(*args, **(kwargs or {}))


def group_of(recipe: TrainingRecipe) -> tuple[ModelBatch, Schedule]:
    bank = bank_of(*FOLDS)
    schedule = Schedule.of(NETWORK, bank, [Member(fold, fold, recipe) for fold in range(3)])
    theta = torch.stack([NETWORK.initial(seed) for seed in range(3)])
    return ModelBatch(NETWORK, bank, loss, schedule, theta), schedule


def test_steps_and_checks_ask_the_host_nothing_and_write_where_they_read() -> None:
    group, _ = group_of(FIVE)
    before = {name: value.data_ptr() for name, value in group.state.items()}
    with NoHost():
        group.begin()
        group.step()
        group.check()
    assert {name: value.data_ptr() for name, value in group.state.items()} == before
    assert group.state["number"][:, 0].tolist() == [1, 1, 1]


def test_steps_and_checks_run_where_there_are_shapes_and_no_numbers() -> None:
    # the meta device: an answer that is asked of it, or a tensor left on the processor, is an error
    meta = torch.device("meta")
    bank = bank_of(*FOLDS)
    schedule = Schedule.of(NETWORK, bank, [Member(fold, fold, FIVE) for fold in range(3)])
    theta = torch.stack([NETWORK.initial(seed) for seed in range(3)])
    group = ModelBatch(NETWORK, bank.to(meta), loss, schedule.to(meta), theta.to(meta))
    group.begin()
    group.step()
    group.check()
    assert all(value.is_meta for value in group.state.values())


def test_undoing_a_warm_up_leaves_nothing_behind() -> None:
    group, _ = group_of(QUICK)
    group.begin()
    before = {name: value.clone() for name, value in group.state.items()}
    for _ in range(3):
        group.step()
    group.check()
    moved = {name for name, value in group.state.items() if not torch.equal(value, before[name])}
    assert {"theta", "average", "momentum", "power", "number", "last_gain"} <= moved
    group.load(before)
    assert all(torch.equal(value, before[name]) for name, value in group.state.items())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_recorded_steps_do_on_cuda_what_plain_steps_do_there_and_nearly_what_a_processor_does() -> None:
    cuda = torch.device("cuda")
    recipe = replace(FIVE, min_steps=20, max_steps=20)
    members = [Member(fold, seed, recipe) for fold in range(3) for seed in (1, 2)]
    on_card = train(NETWORK, bank_of(*FOLDS).to(cuda), loss, members)
    again = train(NETWORK, bank_of(*FOLDS).to(cuda), loss, members)
    on_processor = train(NETWORK, bank_of(*FOLDS), loss, members)
    for card, same, processor in zip(on_card, again, on_processor, strict=True):
        assert card.theta is not None
        assert same.theta is not None
        assert card.theta.tobytes() == same.theta.tobytes()
        assert card.gain == pytest.approx(processor.gain, abs=5e-3)  # bfloat16 against float32
    from tradsys.models.training import device as where

    with where.reproducible(cuda):
        schedule = Schedule.of(NETWORK, bank_of(*FOLDS).to(cuda), members)
        theta = torch.stack([NETWORK.initial(member.seed) for member in members]).to(cuda)
        replayed, plain = (ModelBatch(NETWORK, bank_of(*FOLDS).to(cuda), loss, schedule, theta) for _ in range(2))
        for group in (replayed, plain):
            group.begin()
        for _ in range(5):
            replayed.step()
            plain._step()
    assert torch.equal(replayed.state["theta"], plain.state["theta"])
