from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.models.panels import HOUR_MS, panel_of

from tradsys.core.errors import ConfigError
from tradsys.models.forecaster import Panel
from tradsys.models.linear.baselines import BaseRate
from tradsys.models.losses import SupervisedContrastiveLoss, contrast
from tradsys.models.training.agents import TransformerAgent
from tradsys.models.training.contrastive import Contrast, ContrastiveLabels, embed, pretrain
from tradsys.models.training.contrastive_agent import ContrastiveAgent, Controlled
from tradsys.models.training.crops import CropBank, Layout

NETWORK = TransformerAgent(d_model=8, n_layers=1, n_heads=2, window=8, learning_rate=1e-2, noise=0.1, max_steps=40)
AGENT = ContrastiveAgent(NETWORK, Contrast(projection=4, queue=60, patience=0.5))


@pytest.fixture(scope="module")
def panel() -> Panel:
    return panel_of(2000, n_symbols=2)


@pytest.fixture(scope="module")
def pair(panel: Panel) -> Controlled:
    return AGENT.fit_seeds(panel, panel.usable(), seeds=[0])[0]


def test_pairs_left_out_do_not_count_and_the_rest_is_the_published_loss() -> None:
    angle = torch.deg2rad(torch.tensor([0.0, 20.0, 50.0, 120.0, 180.0, 250.0]))
    unit, labels = torch.stack([angle.cos(), angle.sin()], dim=1), torch.tensor([0, 0, 0, 1, 1, 1])
    alike, others = labels[:, None] == labels, ~torch.eye(6, dtype=torch.bool)
    loss, counts = contrast(unit @ unit.T / 0.1, alike, others)
    assert loss.sum() / counts.sum() == pytest.approx(2.55362021, abs=1e-6)
    kept = [0, 1, 3, 4, 5]
    without, counts = contrast(unit @ unit.T / 0.1, alike, others & (torch.arange(6) != 2))
    alone = SupervisedContrastiveLoss(0.1)(unit[kept], labels[kept])
    assert without[kept].mean() == pytest.approx(alone.item(), abs=1e-6)
    nobody, counts = contrast(unit @ unit.T, alike, torch.zeros(6, 6, dtype=torch.bool))
    assert nobody.tolist() == [0.0] * 6
    assert not counts.any()


def test_embeddings_that_are_all_alike_cost_the_logarithm_of_their_candidates() -> None:
    loss, _ = contrast(torch.ones(7, 7), torch.ones(7, 7, dtype=torch.bool), ~torch.eye(7, dtype=torch.bool))
    assert loss.tolist() == pytest.approx([np.log(6)] * 7, abs=1e-6)


def test_lives_that_share_a_moment_overlap_across_symbols_and_a_row_overlaps_itself() -> None:
    start = np.array([0, 1, 2, 9]) * HOUR_MS
    end = start + np.array([2, 1, 3, 1]) * HOUR_MS
    layout = Layout((4, 4), 2)
    y = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [np.nan, np.nan]])
    rows = ContrastiveLabels.build(layout, [y, y], [start, start], [end, end], torch.device("cpu"))
    first, second = (torch.arange(part.start, part.stop) for part in layout.rows)
    # lives (0, 2], (1, 2], (2, 5], (9, 10]: the third begins when the first two are over
    expected = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert rows.overlap(first, second).int().tolist() == expected
    assert rows.kind[first].tolist() == [1, 2, 0, 0]


def bank_of(panel: Panel, agent: ContrastiveAgent) -> tuple[CropBank, ContrastiveLabels]:
    task = agent.agent.task(panel, panel.usable(), seed=0)
    margin = sum(task.recipe.crop_length(agent.agent.network(4)))
    bank = CropBank.build([agent.agent.training_set(task)], margin=margin, device=torch.device("cpu"))
    return bank, ContrastiveLabels.build(bank.layout, panel.y, panel.start, panel.last_end(), torch.device("cpu"))


def test_seeds_side_by_side_come_out_as_one_by_one(panel: Panel) -> None:
    bank, outcomes = bank_of(panel, AGENT)
    network, recipe = NETWORK.network(4), replace(NETWORK.recipe(), min_steps=10, max_steps=10)
    run = [pretrain(network, bank, outcomes, AGENT.contrast, recipe, seeds=s) for s in ([3, 5], [3], [5])]
    for together, alone in zip(run[0], (run[1][0], run[2][0]), strict=True):
        np.testing.assert_allclose(together.theta, alone.theta, atol=1e-4)
        assert together.trivial_loss == alone.trivial_loss
        assert together.untrained.tobytes() == alone.untrained.tobytes()
    assert not np.allclose(run[0][0].theta, run[0][1].theta, atol=1e-3)


def test_bars_of_one_time_are_neither_positives_nor_negatives(panel: Panel) -> None:
    """With lives as long as the history every pair overlaps: there is nothing left to compare."""
    bank, outcomes = bank_of(panel, AGENT)
    forever = replace(outcomes, start=outcomes.start * 0, end=outcomes.end * 0 + 1)
    network, recipe = NETWORK.network(4), replace(NETWORK.recipe(), min_steps=2, max_steps=2)
    (nothing,) = pretrain(network, bank, forever, AGENT.contrast, recipe, seeds=[0])
    assert nothing.theta.tobytes() == nothing.untrained.tobytes()
    assert nothing.reason.startswith("diverged")


def test_labels_outside_the_early_rows_teach_nothing(panel: Panel) -> None:
    bank, outcomes = bank_of(panel, AGENT)
    learns = (bank.fit.of_set(0) > 0).any(dim=1)
    checks = (bank.check.of_set(0) > 0).any(dim=1)
    other = replace(outcomes, kind=torch.where(learns | checks, outcomes.kind, 3 - outcomes.kind))
    assert not torch.equal(other.kind, outcomes.kind)
    network, recipe = NETWORK.network(4), replace(NETWORK.recipe(), min_steps=5, max_steps=5)
    first, second = (pretrain(network, bank, o, AGENT.contrast, recipe, seeds=[0])[0] for o in (outcomes, other))
    assert first.theta.tobytes() == second.theta.tobytes()


def test_an_untrained_encoder_is_the_control_and_both_stand_in_the_record(pair: Controlled) -> None:
    record = pair.fitted.record
    assert {"loss", "trivial_loss", "probe_gain", "control_gain", "probe_error", "control_error"} <= record.keys()
    # every check row against those of other lives: 512 or so anchors
    assert np.log(200) < record["trivial_loss"] < np.log(512)
    assert record == pair.control.record
    assert "of the untrained encoder" in pair.fitted.training


def test_the_graph_with_the_probe_for_a_head_says_what_encoder_and_probe_say(panel: Panel) -> None:
    agent = replace(AGENT, agent=replace(NETWORK, margin=-1e9, offset=BaseRate()))
    fitted = agent.fit(panel, panel.usable(), seed=1)
    task = agent.agent.task(panel, panel.usable(), seed=0)
    assert fitted.network is not None
    bank, outcomes = bank_of(panel, agent)
    from tradsys.core.seeds import derive

    (encoder,) = pretrain(
        NETWORK.network(4),
        bank,
        outcomes,
        agent.contrast,
        agent.contrast.recipe(task.recipe),
        seeds=[derive(1, agent.name, "supcon")],
    )
    probe = agent._probe(task, encoder.theta)
    X = panel.X[1]
    expected = task.offset.logits(X) + probe.added(embed(NETWORK.network(4), encoder.theta, X))
    np.testing.assert_allclose(fitted.logits(X), expected, atol=2e-5)


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="temperature and patience must be positive, were 0"):
        Contrast(temperature=0.0)
    with pytest.raises(ConfigError, match="queue at least 0, were 16, 6 and -1"):
        Contrast(queue=-1)
    with pytest.raises(ConfigError, match="the probe's objective is 'bce', was 'focal'"):
        ContrastiveAgent(replace(NETWORK, objective="focal"))
