"""Own parts: what loads, by what hash it is known, and one sentence for whatever does not load."""

import sys

import pytest
from tests.conftest import unloaded

from tradsys.core.errors import ConfigError
from tradsys.core.plugins import check_plugin, load_plugins, loaded_plugins, plugin_sources
from tradsys.machine.processes import process_pool
from tradsys.models.registry import own_agents

AGENT = """
from tradsys.models import RidgeLogistic, register_agent

@register_agent("{name}")
def build(settings, plan):
    return RidgeLogistic()
"""
PROFILE = """
from tradsys.profiles import ConfidenceAbove, Profile, register_profile
register_profile(Profile("{name}", "a test", entry=ConfidenceAbove(0.9)))
"""


def reloaded(given: str) -> str:
    """The plugin as a new process knows it."""
    unloaded("own_parts")
    (pinned,) = load_plugins([given])
    return pinned


def test_a_module_a_file_and_what_is_loaded_already_are_one_plugin(written_plugin):
    path = written_plugin("own_parts", AGENT.format(name="mine"))
    (pinned,) = load_plugins(["own_parts", "own_parts.py", str(path)])
    assert load_plugins([pinned]) == (pinned,)
    assert own_agents() == ("mine",)
    assert loaded_plugins() == (pinned,)
    ((module, whole),) = plugin_sources([pinned]).items()
    assert pinned == f"{module}@{whole[:16]}"


def test_a_package_is_a_plugin(written_plugin, tmp_path):
    folder = tmp_path / "own_parts"
    folder.mkdir()
    (folder / "__init__.py").write_text("from own_parts import agents")
    written_plugin("own_parts/agents", AGENT.format(name="mine"))
    first = reloaded(str(folder))
    assert reloaded("own_parts") == first
    (folder / "unused.py").write_text("x = 1")
    assert reloaded("own_parts") != first
    unloaded("own_parts")


def test_its_source_and_that_of_files_beside_it_make_the_hash(written_plugin, tmp_path):
    written_plugin("own_helper", "factor = 1")
    written_plugin("own_parts", "import own_helper, json" + AGENT.format(name="mine"))
    first = reloaded("own_parts")
    written_plugin("elsewhere", "factor = 1")
    assert reloaded("own_parts") == first
    written_plugin("own_helper", "factor = 2")
    assert reloaded("own_parts") != first
    with pytest.raises(ConfigError, match=f"source {first[-16:]}, and the one that is loaded has "):
        load_plugins([first])


def test_one_that_changed_after_it_was_imported_needs_a_new_process(written_plugin):
    written_plugin("own_parts", AGENT.format(name="mine"))
    load_plugins(["own_parts"])
    written_plugin("own_parts", AGENT.format(name="mine") + "x = 1")
    with pytest.raises(ConfigError, match="changed after it was imported; start Python anew"):
        load_plugins(["own_parts"])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1 / 0", r"own_parts.py, line 1 \(x = 1 / 0\): ZeroDivisionError: division by zero$"),
        ("x = (", r"SyntaxError: '\(' was never closed \(own_parts.py, line 1\)$"),
        ("raise SystemExit(3)", "SystemExit: 3$"),
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'$"),
        (
            "x = 1",
            "registers nothing; put @register above a feature, .* @register_barrier_rule above a label's rule, or call",
        ),
        (AGENT.format(name="mine") * 2, "agent 'mine' is registered already, by own_parts"),
        (AGENT.format(name="logistic"), "agent 'logistic' is registered already, by tradsys"),
        (AGENT.format(name="transformer"), "agent 'transformer' is registered already, by tradsys"),
        (PROFILE.format(name="SNIPER"), "profile 'SNIPER' is registered already, by tradsys"),
        (PROFILE.format(name="sniper"), "a profile's name is in capitals, found 'sniper'; such as 'SNIPER'"),
        (
            "from tradsys.features import register\n@register\nclass Rsi:\n  name = columns = lookback = 1",
            "Rsi lacks is_odd, is_volatility",
        ),
        (
            "from tradsys.features import register\nfrom tradsys.features.momentum import Rsi\n"
            "@register\nclass Other(Rsi):\n    pass",
            "a feature named 'rsi' .Other. is registered already, by tradsys",
        ),
        ("from tradsys.profiles import register_rule\n@register_rule\nclass A: pass", "a rule is a frozen dataclass"),
    ],
)
def test_one_that_cannot_be_used_is_one_sentence_and_leaves_nothing(written_plugin, source, words):
    written_plugin("own_parts", source)
    with pytest.raises(ConfigError, match=words) as caught:
        load_plugins(["own_parts"])
    assert "\n" not in str(caught.value)
    unloaded("own_parts")
    written_plugin("own_parts", AGENT.format(name="mine"))
    assert load_plugins(["own_parts"])


def test_a_failed_import_can_be_mended(written_plugin):
    written_plugin("own_parts", AGENT.format(name="mine") + "x = 1 / 0")
    with pytest.raises(ConfigError, match="line 7"):
        load_plugins(["own_parts"])
    assert own_agents() == ()
    assert "own_parts" not in sys.modules
    written_plugin("own_parts", AGENT.format(name="mine"))
    assert load_plugins(["own_parts"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            "nothing_here",
            "there is no plugin 'nothing_here': neither a module that can be imported nor nothing_here.py",
        ),
        ("folder/nothing.py", "there is no plugin at folder/nothing.py"),
        ("json", "the plugin json registers nothing"),
        ("my-parts.py", "named like a module, found 'my-parts.py'"),
        ("json.py", "named like another module, json .*; rename its file"),
    ],
)
def test_one_that_is_not_there_or_not_one_is_told(written_plugin, tmp_path, given, words):
    for name in ("my-parts.py", "json.py"):
        (tmp_path / name).write_text(AGENT.format(name="mine"))
    with pytest.raises(ConfigError, match=words):
        load_plugins([given])


def test_processes_of_a_pool_load_them_too(written_plugin):
    written_plugin("own_parts", AGENT.format(name="mine"))
    load_plugins(["own_parts"])
    with process_pool(1) as pool:
        assert pool.submit(own_agents).result() == ("mine",)


def test_parts_of_a_script_itself_are_told_to_move():
    with pytest.raises(ConfigError, match="this bundle need parts that a script or notebook registered itself"):
        check_plugin("__main__", "ab" * 32, "the parts of this bundle")
