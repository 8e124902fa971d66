"""What is searched, how it is restricted, and what is said to somebody who mistypes it."""

import json

import pytest

from tradsys.core.errors import ConfigError
from tradsys.research.tuning.space import (
    DEFAULT_SPACE,
    Categorical,
    Range,
    SearchSpace,
    may_be_network,
    requested_space,
    restricted,
)
from tradsys.settings.config import RunConfig

BASE = RunConfig().settings


class Drawn:
    """Stands in for a trial: takes the lowest of every range and the first of every choice, but for what it is told."""

    def __init__(self, **values):
        self.values = values

    def suggest_float(self, key, low, high, *, log):
        return self.values.get(key, low)

    suggest_int = lambda self, key, low, high, *, log, step: self.values.get(key, low)  # noqa: E731

    def suggest_categorical(self, key, options):
        return self.values.get(key, options[0])


def drawn(**values):
    trial, settings = Drawn(**{key.replace("__", "."): value for key, value in values.items()}), {}
    for one in DEFAULT_SPACE.applicable(settings, BASE):
        settings[one.key] = one.suggest(trial)
    return settings


def test_every_key_is_a_setting_and_both_ends_of_it_make_an_experiment():
    """A renamed setting or one bounded beyond what it may be."""
    for one in DEFAULT_SPACE.parameters:
        values = one.options if isinstance(one, Categorical) else (one.low, one.high)
        for value in values:
            whole = int(value) if isinstance(one, Range) and one.step is not None else value
            assert RunConfig().with_settings({one.key: whole}).settings[one.key] is not None or whole is None


@pytest.mark.parametrize(
    ("values", "present", "absent"),
    [
        ({"agent__name": "logistic"}, "agent.penalty", "agent.learning_rate"),
        ({"agent__name": "xgboost"}, "labels.horizon", "agent.penalty"),
        ({"agent__name": "transformer"}, "agent.learning_rate", "agent.focal_gamma"),
        ({"agent__name": "transformer", "agent__objective": "focal"}, "agent.focal_gamma", "nothing"),
    ],
)
def test_a_setting_is_drawn_only_where_it_means_something(values, present, absent):
    settings = drawn(**values)
    assert present in settings
    assert absent not in settings


def test_over_restricts_and_set_fixes():
    space = restricted(
        DEFAULT_SPACE, ["agent.penalty=0.1:2", "labels.horizon", "agent.name=xgboost,logistic"], ["seed"]
    )
    assert space.keys == ("agent.name", "agent.penalty", "labels.horizon")
    assert (space["agent.penalty"].low, space["agent.penalty"].high) == (0.1, 2.0)
    assert space["agent.name"].options == ("xgboost", "logistic")
    assert "labels.horizon" not in restricted(DEFAULT_SPACE, [], ["labels.horizon"]).keys


def test_what_no_trial_can_meet_is_left_out():
    base = {**BASE, "agent.name": "logistic"}
    keys = DEFAULT_SPACE.without(["agent.name"]).reachable(base).keys
    assert "agent.penalty" in keys
    assert "agent.window" not in keys
    with pytest.raises(ConfigError, match="nothing is left to tune"):
        DEFAULT_SPACE.over(["agent.window"]).reachable(base)


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ("labels.horizn", "did you mean 'labels.horizon'"),
        ("costs.taker_bps", "cannot be tuned"),
        ("labels.horizon=6", "takes LOW:HIGH"),
        ("labels.horizon=6.5:12", "whole numbers"),
        ("labels.horizon=12:6", "must rise"),
        ("agent.penalty=0.1:inf", "between finite numbers"),
        ("agent.penalty=0.1:1e400", "between finite numbers"),
        ("agent.penalty=nan:1", "between finite numbers"),
        ("labels.horizon=6:inf", "between finite numbers|whole numbers"),
        ("labels.horizon=6:1e300", "between finite numbers"),
        ("agent.penalty=0:1", "must rise and be positive"),
        ("agent.name=forest", "knows logistic, symmetric, xgboost, volatility, transformer, resnet"),
    ],
)
def test_a_mistake_says_what_was_meant(over, message):
    with pytest.raises(ConfigError, match=message):
        DEFAULT_SPACE.over([over])


def test_fixed_and_tuned_at_once_is_refused():
    with pytest.raises(ConfigError, match=r"labels\.horizon is fixed and tuned at once"):
        restricted(DEFAULT_SPACE, ["labels.horizon=6:12"], ["labels.horizon"])


def test_a_space_survives_json():
    assert SearchSpace.from_dict(json.loads(json.dumps(DEFAULT_SPACE.to_dict()))) == DEFAULT_SPACE


@pytest.mark.parametrize(
    ("value", "is_held"), [(12, True), (60, True), (61, False), (132, False), (True, False), (None, False)]
)
def test_a_range_holds_its_steps(value, is_held):
    assert DEFAULT_SPACE["agent.window"].holds(value) is is_held


def test_a_network_is_planned_for_wherever_some_trial_may_train_one():
    fixed = SearchSpace(tuple(one for one in DEFAULT_SPACE.parameters if one.key != "agent.name"))
    assert may_be_network(DEFAULT_SPACE, RunConfig())
    for name, expected in (("logistic", False), ("xgboost", False), ("resnet", True)):
        assert may_be_network(fixed, RunConfig(agent={"name": name})) is expected
        assert may_be_network(SearchSpace((Categorical("agent.name", ("logistic", name)),)), RunConfig()) is expected


@pytest.mark.parametrize("over", [[], ["labels.horizon"], ["labels.horizon", "agent.name=symmetric,xgboost"]])
def test_all_agents_are_a_choice_among_them(over):
    base, space = requested_space(RunConfig(agent={"name": "all"}), over, fixed=["agent.name"])
    agents = space["agent.name"].options
    assert agents == (("symmetric", "xgboost") if len(over) == 2 else DEFAULT_SPACE["agent.name"].options)
    assert base.agent.name == agents[0]
    assert set(space.keys) == ({"agent.name", "labels.horizon"} if over else set(DEFAULT_SPACE.keys))


def test_the_ensemble_is_refused_with_what_to_do_instead():
    ensemble = RunConfig(agent={"name": "ensemble"})
    with pytest.raises(ConfigError, match=r"pools what its members say out of fold.*--agent all"):
        requested_space(ensemble, [], fixed=["agent.name"])


def test_a_single_agent_is_left_as_it_is():
    base, space = requested_space(RunConfig(agent={"name": "xgboost"}), [], fixed=["agent.name"])
    assert base == RunConfig(agent={"name": "xgboost"})
    assert space == DEFAULT_SPACE.without(["agent.name"])
