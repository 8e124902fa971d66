from typing import get_args

import pytest

from tradsys.research.agents import DECIDER, ENSEMBLE, MEMBERS
from tradsys.research.config import AgentSettings, RunConfig
from tradsys.research.metrics import assumptions
from tradsys.research.spec import experiment_from

AGENTS = get_args(AgentSettings.model_fields["name"].annotation)


@pytest.mark.parametrize("agent", AGENTS)
def test_every_agent_can_challenge_the_logistic_model(agent):
    spec = experiment_from(RunConfig(agent={"name": agent}))
    forecasters = [model.name for model in spec.forecasters]
    assert {*spec.challengers, DECIDER} - {ENSEMBLE} <= set(forecasters)


def test_all_are_the_five_agents_and_their_ensemble():
    spec = experiment_from(RunConfig(agent={"name": "all"}))
    assert {DECIDER, *spec.challengers} == {"logistic", "boosted", "transformer", "resnet", "volatility", "ensemble"}


@pytest.mark.parametrize("agent", ["ensemble", "all"])
def test_every_member_of_the_ensemble_is_fitted(agent):
    spec = experiment_from(RunConfig(agent={"name": agent}))
    assert set(MEMBERS) <= {model.name for model in spec.forecasters}


@pytest.mark.parametrize(("events", "n_notes"), [("every", 0), ("cusum", 1)])
def test_a_report_says_where_training_and_entries_part(events, n_notes, small_market):
    spec = experiment_from(RunConfig(agent={"name": "logistic"}, labels={"events": events}))
    assert sum("profiles may enter at every bar" in note for note in assumptions(small_market, spec)) == n_notes
