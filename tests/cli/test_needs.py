"""What a command says of packages that are not installed."""

from types import ModuleType

import pytest

from tradsys.cli import app, loading
from tradsys.cli.loading import Needs
from tradsys.core.errors import MissingExtraError


@pytest.fixture
def without(monkeypatch):
    def remove(*names):
        monkeypatch.setattr(loading, "absent", lambda modules: [name for name in modules if name in names])

    return remove


def sentence(needs, agent, *, trains_network):
    with pytest.raises(MissingExtraError) as raised:
        needs.check(agent, trains_network=trains_network)
    return str(raised.value)


def test_a_network_without_torch_names_the_agent_and_one_that_does_without(without):
    without("torch")
    said = sentence(Needs("run", ("jinja2",)), "transformer", trains_network=True)
    assert said == "run needs torch for --agent transformer; pip install 'tradsys[train]', or take --agent logistic"


def test_no_way_round_is_offered_where_something_else_is_missing_too(without):
    without("torch", "onnx", "jinja2")
    said = sentence(Needs("run", ("jinja2", "optuna")), "resnet", trains_network=True)
    assert said == "run needs jinja2, torch and onnx for --agent resnet; pip install 'tradsys[research,train]'"


def test_nothing_is_said_where_no_network_is_trained(without):
    without("torch")
    Needs("run", ("jinja2",)).check("logistic", trains_network=False)


def test_an_import_that_fails_later_is_one_sentence_too(monkeypatch, capsys):
    def download():
        raise ModuleNotFoundError("No module named 'ccxt.base'", name="ccxt.base")

    module = ModuleType("tradsys.cli.data")
    module.commands = {"download": download}
    monkeypatch.setitem(app.sys.modules, "tradsys.cli.data", module)
    monkeypatch.delenv("TRADSYS_DEBUG", raising=False)
    assert app.main(["data", "download"]) == 1
    assert capsys.readouterr().err == "tradsys: data download needs ccxt; pip install 'tradsys[data]'\n"
    with pytest.raises(ModuleNotFoundError):
        app.main(["--debug", "data", "download"])


def test_a_module_of_no_extra_is_a_fault_of_ours_and_keeps_its_traceback(monkeypatch):
    def run():
        raise ModuleNotFoundError("No module named 'numpy'", name="numpy")

    module = ModuleType("tradsys.cli.run")
    module.command = run
    monkeypatch.setitem(app.sys.modules, "tradsys.cli.run", module)
    with pytest.raises(ModuleNotFoundError):
        app.main(["run"])
