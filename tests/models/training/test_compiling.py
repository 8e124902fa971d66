"""Compiled steps on the processor: with `aot_eager`, which traces and splits as inductor does and generates nothing."""

import gc
import shutil
import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.networks.networks import parameters, rows
from tests.models.training.trainings import CPU, NETWORK, SHORT, bank_of, loss, market, training_set
from torch._dynamo.backends.common import aot_autograd

from tradsys.core import told
from tradsys.core.errors import ConfigError, FitError
from tradsys.models.networks.network import Network
from tradsys.models.networks.resnet import DilatedResNet
from tradsys.models.training import step_parts, training_loop
from tradsys.models.training.checkpoints import Checkpoint, read_safetensors
from tradsys.models.training.compiling import Compiling, known_options
from tradsys.models.training.model_batch import ModelBatch
from tradsys.models.training.recipe import Member
from tradsys.models.training.schedule import Schedule
from tradsys.models.training.training_loop import train

TRACED = Compiling("on", "aot_eager")
RESNET = DilatedResNet(3, d_model=8, n_layers=2, window=8, baseline=4)
TEN = replace(SHORT, min_steps=10, max_steps=10, dropout=0.1, check_every=5, n_crops=3)
ONE = training_set(market(900))
SCALED = training_set((0.8 * market(900)[0], market(900)[1]), upto=0.75)


def ended(network: Network, members: list[Member], compiling: Compiling | None, folder: Path) -> dict[str, np.ndarray]:
    """All that training these members leaves behind, a row a member."""
    path = folder / f"{len(list(folder.iterdir()))}.safetensors"
    train(network, bank_of(ONE, SCALED), loss, members, checkpoint=Checkpoint(path), compiling=compiling)
    return read_safetensors(path)[0]


def batch_of(
    compiling: Compiling | None, network: Network = NETWORK, n_models: int = 1, n_steps: int = 10
) -> ModelBatch:
    bank, recipe = bank_of(ONE), replace(TEN, min_steps=n_steps, max_steps=n_steps)
    schedule = Schedule.of(network, bank, [Member(0, seed, recipe) for seed in range(n_models)])
    theta = torch.stack([network.initial(seed) for seed in range(n_models)])
    return ModelBatch(network, bank, loss, schedule, theta, compiling=compiling)


@pytest.mark.slow
@pytest.mark.parametrize(("network", "n_models"), [(NETWORK, 4), (RESNET, 1)], ids=["transformer-4", "resnet-1"])
def test_compiled_steps_train_as_plain_ones_do(network: Network, n_models: int, tmp_path: Path) -> None:
    members = [Member(k % 2, k, replace(TEN, lr=1e-3 * (1 + k))) for k in range(n_models)]
    compiled, plain = (ended(network, members, compiling, tmp_path) for compiling in (TRACED, None))
    for name in ("theta", "average", "best_theta", "gain", "error", "last_gain"):
        np.testing.assert_allclose(compiled[name], plain[name], atol=1e-5, err_msg=name)
    np.testing.assert_array_equal(compiled["ended"], plain["ended"])
    assert np.abs(plain["last_gain"]).min() > 1e-4


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_inductor_compiles_what_is_traced_and_trains_as_plain_steps_do(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("inductor")))
    members = [Member(0, 1, replace(TEN, noise=0.0, dropout=0.0))]  # without the random bits, half the code
    compiled, plain = (ended(NETWORK, members, compiling, tmp_path) for compiling in (Compiling("on"), None))
    np.testing.assert_allclose(compiled["theta"], plain["theta"], atol=1e-4)
    np.testing.assert_allclose(compiled["last_gain"], plain["last_gain"], atol=1e-5)


@pytest.mark.parametrize("network", [NETWORK, RESNET], ids=["transformer", "resnet"])
def test_gradients_of_one_compiled_model_have_exactly_their_parameters_shapes(network: Network) -> None:
    # a card's compiler dropped the leading ones of a bias (1, 1, d) here
    x, known = rows(network, network.context // network.window + 2, crops=2)
    weights = {name: part.detach().requires_grad_() for name, part in network.unpack(parameters(network)).items()}
    compiled = torch.compile(network.forward, backend="aot_eager", fullgraph=True, dynamic=False)
    both = [
        torch.autograd.grad(forward(weights, x, known).square().sum(), list(weights.values()))
        for forward in (network.forward, compiled)
    ]
    for name, plain, other in zip(weights, *both, strict=True):
        assert plain.shape == other.shape == weights[name].shape, name
        torch.testing.assert_close(other, plain, atol=1e-4, rtol=1e-4, msg=name)


def test_inductor_is_told_to_leave_out_what_drops_axes_and_slices_of_gradients() -> None:
    options = known_options()
    assert options["triton.mix_order_reduction"] is False
    assert options["deterministic"] is True
    torch.compile(loss, options=options)  # refuses a name that it does not know


def garbled(kept: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., Any]:
    """A backend whose backward pass hands on what `kept` makes of a gradient."""

    def backward(graph: torch.fx.GraphModule, _: Any) -> Callable[..., Any]:
        from functorch.compile import make_boxed_func

        def run(*args: torch.Tensor) -> list[torch.Tensor | None]:
            return [None if grad is None else kept(grad) for grad in graph(*args)]

        return make_boxed_func(run)

    return aot_autograd(fw_compiler=lambda graph, _: graph.forward, bw_compiler=backward)


def without_a_slice(gradient: torch.Tensor) -> torch.Tensor:
    """The gradient with that of one bias never written, as torch 2.11 left it on a card."""
    done = gradient.clone()
    NETWORK.unpack(done)["0.out.b"].zero_()
    return done


def refusing(graph: Any, inputs: Any) -> Any:
    """A backend that can compile nothing."""
    raise RuntimeError("Cannot find a working triton installation")


WRONG = "compiled, it gives other gradients of 0.out.b"


@pytest.mark.parametrize(
    ("backend", "why"),
    [(refusing, "Cannot find a working triton installation"), (garbled(without_a_slice), WRONG)],
    ids=["refusing", "garbled"],
)
def test_what_cannot_be_compiled_is_told_and_left_plain_or_refused(
    backend: Callable[..., Any], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    torch._dynamo.reset()
    told.tell.cache_clear()
    batch = batch_of(Compiling("auto", backend))
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith("the training step cannot be compiled (")
    assert why in sentence
    assert not batch.is_compiled
    batch.begin()
    batch.step()
    assert batch.state["number"].item() == 1
    with pytest.raises(FitError, match=r"was to be compiled and cannot be .*set machine\.compile to off"):
        batch_of(Compiling("on", backend))


def test_a_shape_is_compiled_once_and_a_batch_leaves_nothing_behind() -> None:
    compiled: list[int] = []

    def counting(graph: torch.fx.GraphModule, inputs: Any) -> Any:
        compiled.append(len(inputs))
        return graph.forward

    torch._dynamo.reset()
    compiling = Compiling("on", counting)
    first = batch_of(compiling, n_models=2)
    assert first.is_compiled
    n_compiled = len(compiled)
    assert n_compiled == 2  # the loss and the move
    batch_of(compiling, n_models=2, n_steps=35)
    assert len(compiled) == n_compiled
    batch_of(compiling, n_models=3)
    assert len(compiled) == 2 * n_compiled
    gone = weakref.ref(first._parts._bank.x.values)
    del first
    gc.collect()
    assert gone() is None


def test_comparing_compiled_functions_leaves_an_optimiser_that_has_not_begun_as_it_is() -> None:
    compared, plain = (batch_of(compiling, n_models=2) for compiling in (TRACED, None))
    assert compared.is_compiled
    for name, value in plain.state.items():
        assert torch.equal(value, compared.state[name]), name


def test_compiling_waits_for_a_card_and_for_labels_that_pay_for_it() -> None:
    card = torch.device("cuda")
    assert Compiling().pays(card, 10**9)
    assert not Compiling().pays(card, 10**8)
    assert not Compiling().pays(CPU, 10**12)
    assert Compiling("on").pays(CPU, 1)
    assert not Compiling("off").pays(card, 10**12)
    with pytest.raises(ConfigError, match="auto, on, off, was 'maybe'"):
        Compiling("maybe")  # type: ignore[arg-type]


def test_what_is_planned_to_pay_counts_models_steps_and_crops_that_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def pays(self: Compiling, device: torch.device, n_labels: int) -> bool:
        asked.append(n_labels)
        return False

    monkeypatch.setattr(Compiling, "pays", pays)
    recipe = replace(TEN, min_steps=20, max_steps=20)
    quick = replace(recipe, lr=1e-9, patience=1)
    train(NETWORK, bank_of(ONE), loss, [Member(0, 0, recipe), Member(0, 1, quick)])
    a_step = recipe.n_crops * recipe.crop_length(NETWORK)[1]
    assert asked[0] == 2 * 20 * a_step
    assert asked[1] == (20 - 5) * a_step


@pytest.mark.slow
def test_an_interrupted_training_goes_on_compiled_and_ends_in_the_same_bits(tmp_path: Path) -> None:
    members = [Member(0, seed, TEN) for seed in (1, 2)]
    whole = ended(NETWORK, members, TRACED, tmp_path)
    checkpoint = Checkpoint(tmp_path / "cut.safetensors", every_s=0.0)

    class Killed(Exception):
        pass

    def kill(step: int, n_steps: int) -> None:
        if step == 10:
            raise Killed

    again = partial(train, NETWORK, bank_of(ONE, SCALED), loss, members, checkpoint=checkpoint)
    with pytest.raises(Killed):
        again(compiling=TRACED, progress=kill)
    assert read_safetensors(checkpoint.path)[0]["compiled"].tolist() == [True]
    with pytest.raises(FitError, match="checkpoint of another training"):
        again(compiling=Compiling("off"))
    again(compiling=TRACED)
    cut = read_safetensors(checkpoint.path)[0]
    for name in ("theta", "average", "best_theta", "gain"):
        assert cut[name].tobytes() == whole[name].tobytes(), name


@pytest.mark.slow
def test_compiled_groups_narrow_when_half_has_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    widths: list[tuple[int, bool]] = []

    class Seen(ModelBatch):
        def begin(self) -> None:
            widths.append((len(self.state["theta"]), self.is_compiled))
            super().begin()

        def load(self, state: Any) -> None:
            widths.append((len(self.state["theta"]), self.is_compiled))
            super().load(state)

    monkeypatch.setattr(training_loop, "ModelBatch", Seen)
    lasting = replace(TEN, min_steps=20, max_steps=20, patience=99)
    quick = replace(lasting, lr=1e-9, patience=1)
    longer = replace(lasting, min_steps=30, max_steps=30)
    recipes = [quick, lasting, longer, longer]
    for compiling, expected in ((None, [4, 3, 2]), (TRACED, [4, 2])):
        widths.clear()
        train(
            NETWORK, bank_of(ONE), loss, [Member(0, k, recipe) for k, recipe in enumerate(recipes)], compiling=compiling
        )
        assert [width for width, _ in widths] == expected
        assert all(is_compiled is (compiling is TRACED) for _, is_compiled in widths)


@pytest.fixture
def as_on_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products in bfloat16 on the processor, as a card takes them."""
    monkeypatch.setattr(step_parts, "product_dtype", lambda device, wanted: torch.bfloat16)
    monkeypatch.setattr(
        step_parts, "precision", lambda device, wanted: torch.autocast("cpu", torch.bfloat16, cache_enabled=False)
    )


def gradient(batch: ModelBatch) -> torch.Tensor:
    """Of all models at parameters where no map's is zero."""
    theta = (batch.state["theta"] + 0.05).requires_grad_()
    number = torch.ones(len(theta), 1, dtype=torch.int64)
    (found,) = torch.autograd.grad(batch._functions.loss(theta, number, batch._parts.first_rows(number)), theta)
    return found


@pytest.mark.usefixtures("as_on_a_card")
@pytest.mark.parametrize("network", [NETWORK, RESNET], ids=["transformer", "resnet"])
def test_one_cast_of_all_parameters_gives_the_bits_of_one_for_each(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = gradient(batch_of(None, network))
    monkeypatch.setattr(step_parts, "product_dtype", lambda device, wanted: torch.float32)
    assert torch.equal(once, gradient(batch_of(None, network)))


@pytest.mark.usefixtures("as_on_a_card")
def test_compiled_steps_in_bfloat16_are_plain_ones_up_to_its_rounding() -> None:
    torch._dynamo.reset()
    compiled, plain = (gradient(batch_of(compiling, n_models=2)) for compiling in (TRACED, None))
    assert compiled.dtype == torch.float32
    size = torch.linalg.vector_norm(plain)
    assert 0 < torch.linalg.vector_norm(compiled - plain) < 0.02 * size or torch.equal(compiled, plain)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_checks_on_a_card_take_many_crops_at_once(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tradsys.models.training.device import ROWS_AT_ONCE, crops_at_once

    assert crops_at_once(torch.device(device), 480) == (ROWS_AT_ONCE // 480 if device == "cuda" else 8)
    assert crops_at_once(torch.device(device), 10**6) == 8


def test_check_rows_weigh_the_same_however_many_crops_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = batch_of(None, n_models=2)
    theta = batch.state["theta"] + 0.05
    few = batch._parts.check_blocks(theta)
    monkeypatch.setattr(step_parts, "crops_at_once", lambda device, n_rows: 1000)
    torch.testing.assert_close(batch._parts.check_blocks(theta), few, atol=1e-5, rtol=1e-5)
