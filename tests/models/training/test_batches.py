from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.training.trainings import CPU, NETWORK, SHORT, loss, market

from tradsys.core.errors import FitError
from tradsys.machine.limits import Limits
from tradsys.machine.plan import Accelerator, make_plan
from tradsys.models.training import batches as groups_module
from tradsys.models.training.batches import DeviceBudget, at_once, cut, model_bytes, set_bytes, train_many
from tradsys.models.training.crops import TrainingSet
from tradsys.models.training.device import precision
from tradsys.models.training.recipe import Member

FIVE = replace(SHORT, min_steps=5, max_steps=5, check_every=1, warm_up=1)


def cpcv_sets(n_bars: int = 1200) -> list[TrainingSet]:
    """CPCV(10, 2): each of the 45 pairs of tenths is left out once; features are scaled on what is left."""
    x, y = market(n_bars)
    tenth, late = np.arange(n_bars) * 10 // n_bars, np.arange(n_bars) % 120 >= 90
    sets = []
    for pair in combinations(range(10), 2):
        train = ~np.isin(tenth, pair)
        scaled = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
        fit, check = (np.repeat((train & part)[:, None], 2, axis=1).astype(float) for part in (~late, late))
        sets.append(TrainingSet([scaled], [y], [np.zeros_like(y)], [fit], [check]))
    return sets


@pytest.fixture(scope="module")
def sets() -> list[TrainingSet]:
    return cpcv_sets()


def test_the_45_networks_of_cpcv_train_in_one_call_whatever_the_groups(sets: list[TrainingSet]) -> None:
    members = [Member(k, k, FIVE) for k in range(45)]
    told: list[tuple[int, int]] = []
    whole = train_many(NETWORK, sets, loss, members, budget=DeviceBudget(CPU, max_models=45))
    parts = train_many(
        NETWORK, sets, loss, members, budget=DeviceBudget(CPU, max_models=7), progress=lambda *at: told.append(at)
    )
    assert told == [(step, 35) for step in range(1, 36)]
    kept = [model.theta for model in whole if model.theta is not None]
    assert len({theta.tobytes() for theta in kept}) == len(kept) > 30
    assert len({model.gain for model in whole if model.theta is not None}) == len(kept)
    for one, other in zip(whole, parts, strict=True):
        assert one.step == other.step
        assert one.gain == pytest.approx(other.gain, abs=1e-6)
        if one.theta is not None and other.theta is not None:
            np.testing.assert_allclose(one.theta, other.theta, atol=1e-5)


def test_groups_fit_the_memory_that_is_free_and_cover_every_member_once(sets: list[TrainingSet]) -> None:
    members = [Member(k, seed, FIVE) for seed in range(2) for k in range(45)]
    margin = sum(FIVE.crop_length(NETWORK))
    model, shared = model_bytes(NETWORK, FIVE), set_bytes(sets[0], margin)
    free = 7 * model + 3 * sum(shared.values())
    groups = cut(NETWORK, sets, members, free, max_models=1000)
    assert sorted(i for group in groups for i in group) == list(range(90))
    assert len(groups) > 10
    for group in groups:
        held = {key: size for i in group for key, size in set_bytes(sets[members[i].data], margin).items()}
        assert len(group) * model + sum(held.values()) <= free
    assert {members[i].data for i in groups[0]} == {0, 1, 2}  # both seeds of a fold share its arrays


def test_what_cannot_fit_is_refused_with_the_figures(sets: list[TrainingSet]) -> None:
    with pytest.raises(FitError, match=r"one network needs \d+ MB .* found 1 MB free; choose a smaller network"):
        cut(NETWORK, sets, [Member(0, 0, FIVE)], 10**6, max_models=8)


def test_networks_that_share_their_data_are_as_many_at_once_as_memory_holds(sets: list[TrainingSet]) -> None:
    model = model_bytes(NETWORK, FIVE)
    shared = sum(set_bytes(sets[0], sum(FIVE.crop_length(NETWORK))).values())
    for free, expected in ((shared + model, 1), (shared + 4 * model - 1, 3), (shared + 99 * model, 8)):
        assert at_once(NETWORK, sets[0], FIVE, DeviceBudget(CPU, free)) == expected
    with pytest.raises(FitError, match="one network needs"):
        at_once(NETWORK, sets[0], FIVE, DeviceBudget(CPU, shared + model - 1))


def test_models_of_different_pace_train_in_groups_of_their_own(sets: list[TrainingSet]) -> None:
    members = [Member(0, 0, FIVE), Member(0, 1, replace(FIVE, n_crops=3)), Member(1, 2, FIVE)]
    assert cut(NETWORK, sets, members, 10**9, max_models=8) == [[1], [0, 2]]
    assert all(model.theta is not None for model in train_many(NETWORK, sets, loss, members, budget=DeviceBudget(CPU)))


def test_groups_that_had_ended_are_not_trained_again(sets: list[TrainingSet], tmp_path: Path) -> None:
    members = [Member(k, k, FIVE) for k in range(6)]
    budget = DeviceBudget(CPU, max_models=2, folder=tmp_path)

    def interrupt(step: int, n_steps: int) -> None:
        if step == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_many(NETWORK, sets, loss, members, budget=budget, progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["group-0.safetensors"]
    steps: list[int] = []
    resumed = train_many(NETWORK, sets, loss, members, budget=budget, progress=lambda step, _: steps.append(step))
    assert steps == list(range(6, 16))
    plain = train_many(NETWORK, sets, loss, members, budget=replace(budget, folder=None))
    for one, other in zip(resumed, plain, strict=True):
        assert one.theta is not None
        assert other.theta is not None
        assert one.theta.tobytes() == other.theta.tobytes()


def test_estimate_of_a_model_grows_with_what_it_holds() -> None:
    small = model_bytes(NETWORK, FIVE)
    assert model_bytes(NETWORK, replace(FIVE, n_crops=16)) > 1.8 * small
    assert model_bytes(NETWORK, replace(FIVE, dropout=0.1)) > small
    assert model_bytes(replace(NETWORK, n_layers=2, d_model=32), FIVE) > 2 * small


def test_plain_processor_budget_is_a_count_and_no_bytes() -> None:
    free, models = DeviceBudget(torch.device("cpu")).limits()
    assert (free > 2**60, models) == (True, 8)


LIMITS = Limits(2, 16 * 10**9, "test", "test", 8 * 10**9)


@pytest.mark.parametrize(("name", "wanted"), [("safe", "float32"), ("beast", "bfloat16")])
def test_plan_of_a_card_says_what_networks_take_of_it(name: str, wanted: str) -> None:
    plan = make_plan(LIMITS, name, Accelerator("cuda", "a card", 80 * 10**9, 70 * 10**9))
    budget = DeviceBudget.of(plan)
    free_bytes, _ = budget.limits()
    assert (budget.device.type, budget.precision) == ("cuda", wanted)
    assert free_bytes == 2**35 <= plan.device_bytes < 2**36


def test_plan_of_a_processor_leaves_groups_and_results_as_they_are(sets: list[TrainingSet]) -> None:
    plans = [make_plan(replace(LIMITS, free_bytes=free), "safe") for free in (10**6, 10**12)]
    assert {DeviceBudget.of(plan).limits() for plan in plans} == {DeviceBudget(CPU).limits()}
    members = [Member(k, k, FIVE) for k in range(2)]
    planned, plain = (
        train_many(NETWORK, sets, loss, members, budget=b) for b in (DeviceBudget.of(plans[0]), DeviceBudget(CPU))
    )
    assert all((a.gain, a.error) == (b.gain, b.error) for a, b in zip(planned, plain, strict=True))


def test_training_is_told_the_precision(sets: list[TrainingSet], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    real = groups_module.train
    monkeypatch.setattr(groups_module, "train", lambda *a, **k: told.append(k["precision"]) or real(*a, **k))
    for wanted in ("float32", "bfloat16"):
        train_many(NETWORK, sets, loss, [Member(0, 0, FIVE)], budget=DeviceBudget(CPU, precision=wanted))
    assert told == ["float32", "bfloat16"]


def test_float32_on_a_card_is_no_autocast() -> None:
    with precision(torch.device("cuda"), "float32"):
        assert not torch.is_autocast_enabled("cuda")
