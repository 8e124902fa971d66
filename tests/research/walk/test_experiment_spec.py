import pytest

from tradsys.machine.limits import Limits
from tradsys.machine.plan import make_plan
from tradsys.models.registry import OURS
from tradsys.models.training.network_agent import NetworkAgent
from tradsys.research.walk.agents import DECIDER, ENSEMBLE, MEMBERS
from tradsys.research.walk.experiment_spec import experiment_from
from tradsys.research.walk.metrics import assumptions
from tradsys.settings.config import RunConfig


@pytest.mark.parametrize("agent", OURS)
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


def test_a_plan_reaches_every_network_and_is_no_part_of_the_experiment():
    plan, config = make_plan(Limits(2, 10**9, "test", "test", 10**9), "safe"), RunConfig(agent={"name": "all"})
    planned = experiment_from(config, plan=plan)
    networks = [model for model in planned.forecasters if isinstance(model, NetworkAgent)]
    assert [(model.name, model.plan) for model in networks] == [("transformer", plan), ("resnet", plan)]
    assert planned == experiment_from(config)
