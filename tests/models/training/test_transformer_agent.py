"""The transformer as an agent: what it learns, on top of what, and within which plan."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.models.panels import panel_of

from tradsys.core.errors import ConfigError
from tradsys.machine.limits import Limits
from tradsys.machine.plan import make_plan
from tradsys.models.focal import focal_logit
from tradsys.models.forecaster import Panel
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.models.losses import FocalLoss
from tradsys.models.networks.transformer import BandedTransformer, RecentTransformer
from tradsys.models.training import network_agent
from tradsys.models.training.agents import TransformerAgent
from tradsys.models.training.crops import CropBank
from tradsys.models.training.joint_fit import FitJob, fit_jointly

AGENT = TransformerAgent(d_model=16, n_layers=1, n_heads=2, window=8, learning_rate=1e-2, noise=0.1, max_steps=250)


def with_echo(panel: Panel, lag: int = 3, strength: float = 1.5, seed: int = 0) -> Panel:
    """The panel with labels that also hang on what the last column was `lag` bars before, which no row model sees."""
    rng, y = np.random.default_rng(seed), []
    for x, hit in zip(panel.X, panel.y, strict=True):
        odds = 0.6 * x[:, 0] + strength * np.roll(x[:, 3], lag)
        drawn = (rng.random(hit.shape) < 1 / (1 + np.exp(-np.column_stack([odds, -odds])))).astype(float)
        y.append(np.where(np.isfinite(hit) & np.isfinite(odds)[:, None], drawn, np.nan))
    return replace(panel, y=tuple(y), weight=tuple(np.isfinite(hit).astype(float) for hit in y))


def log_loss(z: np.ndarray, y: np.ndarray) -> float:
    known = np.isfinite(y) & np.isfinite(z)
    return float(np.mean(np.logaddexp(0, z[known]) - y[known] * z[known]))


@pytest.fixture(scope="module")
def panel() -> Panel:
    return with_echo(panel_of(4000, n_symbols=2))


def training_rows(panel: Panel, share: float = 0.75) -> tuple[np.ndarray, ...]:
    return tuple(mask & (np.arange(len(mask)) < share * len(mask)) for mask in panel.usable())


@pytest.mark.parametrize("objective", ["bce", "focal"])
def test_network_adds_what_the_linear_model_cannot_say(panel: Panel, objective: str) -> None:
    agent = replace(AGENT, objective=objective, focal_alpha=0.4)
    rows = training_rows(panel)
    fitted, linear = agent.fit(panel, rows, seed=0), RidgeLogistic().fit(panel, rows, seed=0)
    assert fitted.network is not None
    for X, y, mask in zip(panel.X, panel.y, rows, strict=True):
        held_out = np.flatnonzero(mask).max() + 10
        ours, theirs = (log_loss(model.logits(X)[held_out:], y[held_out:]) for model in (fitted, linear))
        assert ours < theirs - 0.03


def test_where_the_network_adds_nothing_the_linear_model_on_all_rows_remains() -> None:
    panel = panel_of(1500)
    rows = training_rows(panel)
    fitted = replace(AGENT, max_steps=50).fit(panel, rows, seed=0)
    assert fitted.network is None
    assert "no network is kept: it saved " in fitted.training
    assert "2 standard errors; the linear model decides alone" in fitted.training
    linear = RidgeLogistic().fit(panel, rows, seed=0)
    assert fitted.logits(panel.X[0]).tobytes() == linear.logits(panel.X[0]).tobytes()


def test_labels_that_reach_into_the_check_rows_teach_nothing(panel: Panel) -> None:
    early, late = AGENT.split(panel, training_rows(panel))
    first_check = min(start[mask].min() for start, mask in zip(panel.start, late, strict=True))
    assert max(end[mask].max() for end, mask in zip(panel.last_end(), early, strict=True)) <= first_check
    for before, after, mask in zip(early, late, training_rows(panel), strict=True):
        assert not (before & after).any()
        assert not ((before | after) & ~mask).any()
        assert after.sum() / mask.sum() == pytest.approx(0.15, abs=0.01)
        assert mask.sum() - before.sum() - after.sum() <= 6


@pytest.mark.parametrize("objective", ["bce", "focal"])
def test_training_starts_from_the_linear_models_loss(panel: Panel, objective: str) -> None:
    agent = replace(AGENT, objective=objective, focal_alpha=0.4, max_steps=1)
    task = agent.task(panel, training_rows(panel), seed=0)
    stopping, offset = task.stopping, task.offset
    (result,) = agent.train_many([task])
    z = np.concatenate([offset.logits(x)[mask] for x, mask in zip(panel.X, stopping, strict=True)])
    y, w = panel.stack_y(stopping), panel.stack_weight(stopping)
    if objective == "bce":
        each = np.logaddexp(0, z) - y * z
    else:
        each = FocalLoss(2.0, 0.4).each(*map(torch.from_numpy, (focal_logit(z, 2.0, 0.4), y))).numpy()
    assert result.start_loss == pytest.approx(np.average(each, weights=w), rel=1e-6)


def test_rows_outside_the_chosen_ones_do_not_matter(panel: Panel) -> None:
    rows = training_rows(panel, 0.3)
    agent = replace(AGENT, max_steps=60)
    changed = replace(panel, y=tuple(np.where(mask[:, None], y, 1 - y) for y, mask in zip(panel.y, rows, strict=True)))
    first, second = (agent.fit(p, rows, seed=4).to_files() for p in (panel, changed))
    assert first == second


def test_folds_and_seeds_fitted_side_by_side_come_out_as_one_by_one(panel: Panel) -> None:
    agent = replace(AGENT, max_steps=60)
    scaled = replace(panel, X=tuple(0.8 * X for X in panel.X))
    jobs = [(panel, training_rows(panel, 0.5), 0), (panel, training_rows(panel, 0.5), 1), (scaled, panel.usable(), 0)]
    together = agent.fit_many(jobs)
    alone = [agent.fit(one, rows, seed=seed) for one, rows, seed in jobs]
    assert any(model.network is not None for model in together)
    assert len({model.logits(panel.X[0]).tobytes() for model in together}) == 3
    for (one, _, _), ours, theirs in zip(jobs, together, alone, strict=True):
        assert ours.training == theirs.training
        np.testing.assert_allclose(ours.logits(one.X[0]), theirs.logits(one.X[0]), atol=2e-3)


def test_trials_share_the_linear_model_and_the_data_of_their_rows(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: list[object] = []
    plain = RidgeLogistic.fit
    monkeypatch.setattr(RidgeLogistic, "fit", lambda self, *a, **k: fits.append(self) or plain(self, *a, **k))
    built: list[int] = []
    build = CropBank.build
    monkeypatch.setattr(CropBank, "build", lambda sets, **k: built.append(len(sets)) or build(sets, **k))
    rows = training_rows(panel)
    trials = [replace(AGENT, max_steps=25, learning_rate=rate) for rate in (1e-3, 1e-2, 3e-2)]
    fitted = fit_jointly([FitJob(agent, panel, rows, seed) for agent in trials for seed in (0, 1)])
    assert built == [1]
    assert len(fits) == 1 + sum(model.network is None for model in fitted)


def test_memory_is_the_receptive_field() -> None:
    assert TransformerAgent().memory == 2 * 59
    assert AGENT.memory == 7


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="objective is 'bce' or 'focal', was 'mse'"):
        TransformerAgent(objective="mse")
    with pytest.raises(ConfigError, match="validation must be a share between 0 and 1, was 0"):
        TransformerAgent(validation=0.0)
    with pytest.raises(ConfigError, match="d_model must be a multiple"):
        TransformerAgent(d_model=30)


def test_plan_reaches_the_training_and_changes_nothing_on_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    panel, told = panel_of(1500), []
    rows, plain = training_rows(panel), replace(AGENT, max_steps=25)
    planned = replace(plain, plan=make_plan(Limits(2, 10**9, "test", "test", 10**9), "safe"))
    assert planned == plain
    real = network_agent.train_many
    monkeypatch.setattr(network_agent, "train_many", lambda *a, **k: told.append(k["budget"]) or real(*a, **k))
    first, second = (agent.fit(panel, rows, seed=0) for agent in (plain, planned))
    assert first.to_files() == second.to_files()
    assert told[0] == network_agent.DeviceBudget()
    assert (told[1].device.type, told[1].precision) == ("cpu", "float32")


def test_attention_starts_on_recent_bars_where_that_is_asked_for() -> None:
    assert type(TransformerAgent().network(3)) is BandedTransformer
    recent = TransformerAgent(attention_start="recent").network(3)
    assert (type(recent), recent.window) == (RecentTransformer, 60)
