import pytest

from tradsys.core.errors import ConfigError
from tradsys.core.limit_entry import LimitEntry
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


def test_nobody_challenges_the_logistic_unless_named():
    spec = experiment_from(RunConfig())
    assert spec.challengers == ()
    assert not any(isinstance(one, NetworkAgent) for one in spec.forecasters)
    assert spec.digest == experiment_from(RunConfig(agent={"name": DECIDER})).digest


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


def test_limit_entries_reach_labels_and_trades_and_are_told(small_market):
    plain = RunConfig(agent={"name": "logistic"})
    config = plain.with_settings({"portfolio.entry": "limit", "portfolio.entry_offset": 0.1, "portfolio.entry_bars": 3})
    spec = experiment_from(config)
    assert spec.barriers.entry == spec.portfolio.entry == LimitEntry(0.1, 3)
    assert (experiment_from(plain).barriers.entry, experiment_from(plain).portfolio.entry) == (None, None)
    assert plain.digest != config.digest
    told = " ".join(assumptions(small_market, spec))
    assert "An entry is a limit order 10% of the way from that open to the stop, which pays 2 bp." in told
    assert "Stops and time exits pay 5 bp" in told


@pytest.mark.parametrize(
    ("agent", "learner"),
    [
        ({"name": "volatility"}, "the agent volatility"),
        ({"name": "ensemble"}, "the agent ensemble"),
        ({"name": "all"}, "the agent all"),
        ({"name": "transformer", "objective": "supcon"}, "the objective supcon"),
    ],
)
def test_agents_that_learn_from_both_sides_together_are_refused_where_orders_may_be_missed(agent, learner):
    with pytest.raises(ConfigError, match=f"{learner} learns from both sides' outcomes together"):
        experiment_from(RunConfig(agent=agent, portfolio={"entry": "limit"}))
    assert experiment_from(RunConfig(agent=agent)).barriers.entry is None
