"""Own parts by settings: named like ours, part of the digest, and imported for nobody who did not name them."""

import pytest
from tests.conftest import unloaded

from tradsys.core.errors import ConfigError
from tradsys.core.plugins import load_plugins
from tradsys.research.walk.experiment_spec import experiment_from, profiles_of
from tradsys.settings.config import RunConfig
from tradsys.settings.unread import unread

SOURCE = """
from dataclasses import dataclass
from tradsys.features.momentum import Rsi
from tradsys.features import register
from tradsys.labels import register_barrier_rule
from tradsys.models import SymmetricLogistic, register_agent
from tradsys.profiles import ConfidenceAbove, Profile, register_profile

@register
@dataclass(frozen=True)
class Own(Rsi):
    name = "own"

class Mine(SymmetricLogistic):
    name = "mine"

@register_agent("mine")
def build(settings, plan):
    return Mine(penalty=settings.penalty)

register_profile(Profile("PICKY", "a test", entry=ConfidenceAbove(0.9)))

@register_barrier_rule
@dataclass(frozen=True)
class Ruled:
    window: int = 5
    name, lookback = "ruled", 40

    @classmethod
    def configured(cls, settings):
        return cls(settings.atr_period)

    def pace(self, bars):
        return (bars["high"] - bars["low"]).rolling_mean(self.window).to_numpy()
"""
USED = {"features.names": "own", "agent.name": "mine", "strategy_profile": "PICKY", "labels.rule": "ruled"}


@pytest.fixture
def plugin(written_plugin):
    return written_plugin("own_parts", SOURCE)


@pytest.mark.parametrize("place", ["file", "environment", "command line", "Python"])
def test_settings_from_anywhere_load_them_before_names_are_looked_up(plugin, tmp_path, monkeypatch, place):
    given = dict(USED)
    if place == "file":
        (tmp_path / "tradsys.toml").write_text('plugins = ["own_parts"]')
    elif place == "environment":
        monkeypatch.setenv("TRADSYS_PLUGINS", "own_parts")
    else:
        given["plugins"] = [str(plugin)]
    config = RunConfig.load(overrides=given)
    if place == "Python":
        parts = {"agent": {"name": "mine"}, "features": {"names": "own"}, "labels": {"rule": "ruled"}}
        config = RunConfig(plugins=["own_parts"], **parts).with_settings(USED)
    assert config.plugins[0].startswith("own_parts@")
    assert len(config.plugins) == 1
    spec = experiment_from(config)
    assert spec.forecasters[-1].name == "mine"
    assert spec.challengers == ("mine",)
    assert spec.features.features[0].name == "own"
    assert spec.profiles[-1].name == "PICKY"
    assert (spec.barriers.pacing.name, spec.barriers.rule.window) == ("ruled", 14)
    twin = profiles_of(config.with_settings({"macro.supervise": "PICKY=0.5"}))[-1]
    assert (twin.name, twin.entry) == ("PICKY_MACRO", spec.profiles[-1].entry)


def test_its_source_is_part_of_the_digest_and_its_place_is_not(plugin, written_plugin):
    first = RunConfig(plugins=["own_parts"])
    assert RunConfig(plugins=str(plugin)).digest == first.digest
    assert RunConfig(plugins=[]).digest == RunConfig().digest != first.digest
    assert first.with_settings({"labels.horizon": 6}).plugins == first.plugins
    unloaded("own_parts")
    written_plugin("own_parts", SOURCE.replace("0.9", "0.8"))
    assert RunConfig(plugins=["own_parts"]).digest != first.digest


def test_parts_of_a_module_that_settings_do_not_name_are_refused_or_left_out(plugin):
    load_plugins(["own_parts"])

    assert "PICKY" not in [one.name for one in experiment_from(RunConfig()).profiles]
    for given in ({"agent.name": "mine"}, {"features.names": "own"}, {"labels.rule": "ruled"}):
        with pytest.raises(ConfigError, match="of the module own_parts, which `plugins` does not name; add it there"):
            experiment_from(RunConfig().with_settings(given))


def test_stored_settings_import_nothing(plugin):
    stored = RunConfig(plugins=["own_parts"], agent={"name": "mine"}).model_dump(mode="json")
    assert RunConfig.stored(stored).agent.name == "mine"
    unloaded("own_parts")
    with pytest.raises(ConfigError, match=r"need the plugin own_parts .source \w{16}., which is not loaded: name it"):
        RunConfig.stored(stored)
    for loose in ("own_parts", [str(plugin)]):
        with pytest.raises(ConfigError, match="stored settings name plugins with the digest of their source"):
            RunConfig.stored({**stored, "plugins": loose})
    assert RunConfig.load(overrides={"plugins": stored["plugins"]}).plugins == tuple(stored["plugins"])
    assert RunConfig.stored(stored).agent.name == "mine"


@pytest.mark.parametrize("given", [5, [5], "", " ", [""], {"own_parts": 1}])
def test_what_is_no_list_of_names_is_refused(written_plugin, given):
    with pytest.raises(ConfigError, match="plugins"):
        RunConfig.load(overrides={"plugins": given})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"agent.name": "min"}, "there is no such agent; did you mean mine.* known are transformer, .*, mine, and"),
        ({"features.names": "onw"}, "there is no feature 'onw', did you mean 'own'"),
        ({"labels.rule": "rueld"}, "there is no such barrier rule; did you mean ruled.* known are atr, ewma_vol"),
    ],
)
def test_mistyped_names_of_own_parts_are_told(plugin, given, words):
    with pytest.raises(ConfigError, match=words):
        experiment_from(RunConfig.load(overrides={"plugins": "own_parts", **given}))


def test_an_own_agent_may_read_every_setting_of_an_agent(plugin):
    config = RunConfig.load(overrides={"plugins": "own_parts", "agent.name": "mine"})
    assert unread("run", config, ["agent.max_steps"]) == {}
    assert list(unread("run", RunConfig(agent={"name": "logistic"}), ["agent.max_steps"])) == ["agent.max_steps"]


def test_an_own_barrier_rule_may_read_every_setting_of_labels(plugin):
    config = RunConfig.load(overrides={"plugins": "own_parts", "labels.rule": "ruled"})
    assert unread("run", config, ["labels.atr_period", "labels.volatility_span"]) == {}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("Mine()", "the agent 'other' makes a forecaster called 'mine'; give both one name"),
        ("3", "the agent 'other' makes no forecaster, which has name, memory and fit, but 3"),
    ],
)
def test_what_an_agent_makes_is_a_forecaster_of_its_name(written_plugin, made, words):
    added = f'\n@register_agent("other")\ndef other(settings, plan):\n    return {made}\n'
    written_plugin("own_parts", SOURCE + added)
    with pytest.raises(ConfigError, match=words):
        experiment_from(RunConfig(plugins=["own_parts"], agent={"name": "other"}))


def test_an_agent_is_not_called_like_a_baseline(written_plugin):
    written_plugin("own_parts", SOURCE.replace('"mine"', '"boosted"'))
    with pytest.raises(ConfigError, match="the agent 'boosted' is called like a baseline"):
        experiment_from(RunConfig(plugins=["own_parts"], agent={"name": "boosted"}))
