"""What the settings of an agent come to in the network that is trained."""

import pytest

from tradsys.settings.config import RunConfig


@pytest.mark.parametrize("objective", ["bce", "focal", "supcon"])
@pytest.mark.parametrize("name", ["transformer", "resnet"])
def test_the_most_steps_that_somebody_set_hold_under_every_objective(name, objective):
    pytest.importorskip("torch")
    from tradsys.research.walk.agents import forecasters

    config = RunConfig(agent={"name": name, "objective": objective, "max_steps": 50})
    (agent,) = (one for one in forecasters(config.agent) if one.name == name)
    recipe = agent.contrast.recipe(agent.agent.recipe()) if objective == "supcon" else agent.recipe()
    assert [recipe.budget(n_rows) for n_rows in (100, 10_000, 1_000_000)] == [50, 50, 50]


def test_contrast_keeps_its_longer_budget_where_nobody_set_one():
    pytest.importorskip("torch")
    from tradsys.research.walk.agents import forecasters

    config = RunConfig(agent={"name": "transformer", "objective": "supcon"})
    (agent,) = (one for one in forecasters(config.agent) if one.name == "transformer")
    assert agent.contrast.recipe(agent.agent.recipe()).max_steps == 1_200
