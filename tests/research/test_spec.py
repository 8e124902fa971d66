from typing import get_args

import pytest

from tradsys.research.config import AgentSettings, RunConfig
from tradsys.research.metrics import assumptions
from tradsys.research.spec import DECIDER, experiment_from

AGENTS = get_args(AgentSettings.model_fields["name"].annotation)


@pytest.mark.parametrize("agent", AGENTS)
def test_every_agent_can_challenge_the_logistic_model(agent):
    spec = experiment_from(RunConfig(agent={"name": agent}))
    forecasters = [model.name for model in spec.forecasters]
    assert {spec.challenger, DECIDER} <= set(forecasters)


@pytest.mark.parametrize(("events", "n_notes"), [("every", 0), ("cusum", 1)])
def test_a_report_says_where_training_and_entries_part(events, n_notes, small_market):
    spec = experiment_from(RunConfig(agent={"name": "logistic"}, labels={"events": events}))
    assert sum("profiles may enter at every bar" in note for note in assumptions(small_market, spec)) == n_notes
