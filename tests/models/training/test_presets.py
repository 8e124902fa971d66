"""The journal's presets of the transformer, and how settings read them."""

import pytest

from tradsys.core.errors import ConfigError
from tradsys.models.training.agents import TransformerAgent
from tradsys.research.walk.experiment_spec import experiment_from
from tradsys.settings.config import RunConfig
from tradsys.settings.sections import PRESETS, preset


def network_of(**overrides):
    settings = {"name": "transformer", **overrides}
    config = RunConfig.load(overrides={f"agent.{name}": value for name, value in settings.items()})
    return experiment_from(config).forecasters[-1]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("journal-base", (64, 2, 4, 5e-4, 0.0)),
        ("journal-trial0", (128, 3, 2, 6.7e-5, 0.23)),
        ("journal-golden", (128, 2, 4, 5e-4, 0.0)),
        ("journal-challenger", (128, 4, 2, 5e-4, 0.0)),
    ],
)
def test_a_preset_is_the_journals_shape_and_reaches_the_agent(name, shape):
    for agent in (TransformerAgent(**preset(name)), network_of(preset=name)):
        assert (agent.d_model, agent.n_layers, agent.n_heads, agent.learning_rate, agent.dropout) == shape
    assert agent.max_steps == 400


def test_what_is_set_by_hand_wins_over_the_preset():
    agent = network_of(preset="journal-trial0", n_layers=1)
    assert (agent.d_model, agent.n_layers, agent.n_heads) == (128, 1, 2)


def test_presets_are_frozen_and_unknown_ones_refused():
    with pytest.raises(TypeError):
        preset("journal-base")["d_model"] = 1
    with pytest.raises(ConfigError, match="no transformer is called 'golden'; there are journal-base"):
        preset("golden")
    with pytest.raises(ConfigError, match=r"agent\.preset"):
        network_of(preset="golden")
    assert len(PRESETS) == 4


def test_supcon_is_an_objective_of_the_settings():
    agent = network_of(objective="supcon", preset="journal-golden")
    assert agent.objective == "supcon"
    assert agent.name == "transformer"
    assert agent.agent.d_model == 128
