"""The engine on a CUDA card: compiled or not, in groups or alone, interrupted or not, and against the processor."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.training.trainings import NETWORK, SHORT, bank_of, loss, market, training_set

from tradsys.models.training.checkpoints import Checkpoint, read_safetensors
from tradsys.models.training.compiling import Compiling
from tradsys.models.training.recipe import Member
from tradsys.models.training.training_loop import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

CUDA = torch.device("cuda")
TWENTY = replace(SHORT, min_steps=20, max_steps=20, dropout=0.1, check_every=5)
SETS = [training_set(market(900), upto=upto) for upto in (0.6, 1.0)]
MEMBERS = [Member(fold, seed, TWENTY) for fold in range(2) for seed in (1, 2)]


class Killed(Exception):
    """What ends a training at once."""


def ended(members: list[Member], mode: str, folder: Path, device: torch.device = CUDA) -> dict[str, np.ndarray]:
    """All that training these members leaves behind, a row a member."""
    path = folder / f"{len(list(folder.iterdir()))}.safetensors"
    bank = bank_of(*SETS).to(device)
    train(NETWORK, bank, loss, members, checkpoint=Checkpoint(path), compiling=Compiling(mode))  # type: ignore[arg-type]
    return read_safetensors(path)[0]


@pytest.mark.parametrize("n_models", [1, 4])
def test_compiled_training_equals_the_plain_one_up_to_bfloat16(n_models: int, tmp_path: Path) -> None:
    compiled, plain = (ended(MEMBERS[:n_models], mode, tmp_path) for mode in ("on", "off"))
    np.testing.assert_allclose(compiled["gain"], plain["gain"], atol=5e-3)
    np.testing.assert_allclose(compiled["last_gain"], plain["last_gain"], atol=5e-3)


@pytest.mark.parametrize("crop", [480, 1920])
def test_one_compiled_model_of_many_long_crops_has_gradients_in_their_shapes(crop: int, tmp_path: Path) -> None:
    recipe = replace(TWENTY, n_crops=64, crop=crop, min_steps=5, max_steps=5)
    bank = bank_of(training_set(market(6000)), margin=crop).to(CUDA)
    (one,) = train(NETWORK, bank, loss, [Member(0, 1, recipe)], compiling=Compiling("on"))
    assert one.theta is not None
    assert not one.has_diverged


@pytest.mark.parametrize("mode", ["on", "off"])
def test_the_same_training_gives_the_same_bits(mode: str, tmp_path: Path) -> None:
    first, again = (ended(MEMBERS, mode, tmp_path) for _ in range(2))
    assert first["theta"].tobytes() == again["theta"].tobytes()


@pytest.mark.parametrize("mode", ["on", "off"])
def test_groups_equal_models_trained_alone(mode: str, tmp_path: Path) -> None:
    together = ended(MEMBERS, mode, tmp_path)
    for row, member in enumerate(MEMBERS):
        alone = ended([member], mode, tmp_path)
        np.testing.assert_allclose(together["gain"][row], alone["gain"][0], atol=5e-3)


@pytest.mark.parametrize("mode", ["on", "off"])
def test_a_killed_training_goes_on_and_ends_in_the_same_bits(mode: str, tmp_path: Path) -> None:
    whole = ended(MEMBERS, mode, tmp_path)
    checkpoint = Checkpoint(tmp_path / "cut.safetensors", every_s=0.0)

    def kill(step: int, n_steps: int) -> None:
        if step == 10:
            raise Killed

    compiling = Compiling(mode)  # type: ignore[arg-type]
    with pytest.raises(Killed):
        train(
            NETWORK,
            bank_of(*SETS).to(CUDA),
            loss,
            MEMBERS,
            checkpoint=checkpoint,
            compiling=compiling,
            progress=kill,
        )
    train(NETWORK, bank_of(*SETS).to(CUDA), loss, MEMBERS, checkpoint=checkpoint, compiling=compiling)
    cut = read_safetensors(checkpoint.path)[0]
    for name in ("theta", "average", "best_theta", "gain"):
        assert cut[name].tobytes() == whole[name].tobytes(), name


@pytest.mark.parametrize("mode", ["on", "off"])
def test_a_card_and_a_processor_agree_up_to_bfloat16(mode: str, tmp_path: Path) -> None:
    card, processor = ended(MEMBERS, mode, tmp_path), ended(MEMBERS, "off", tmp_path, torch.device("cpu"))
    np.testing.assert_allclose(card["gain"], processor["gain"], atol=5e-3)
