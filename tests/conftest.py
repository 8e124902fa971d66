"""What every test may ask for."""

import signal
import sys
from pathlib import Path

import pytest

from tradsys.machine.limits import cap_threads

ROOT = Path(__file__).resolve().parents[1]

cap_threads()

# who starts the tests with nohup, or behind a shell's &, has them ignore what tests of stopping send
for number, usual in ((signal.SIGHUP, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


def pytest_addoption(parser):
    parser.addoption("--registry", action="store_true", help="with tests that install packages from the registry")


def pytest_collection_modifyitems(config, items):
    """Tests need no network, unless they are asked to."""
    if not config.getoption("--registry"):
        for item in [one for one in items if one.get_closest_marker("registry")]:
            item.add_marker(pytest.mark.skip(reason="installs packages from the registry; --registry runs it"))


@pytest.fixture
def written_plugin(tmp_path, monkeypatch):
    """Writes a module's source into the test's own folder; whatever it registers is forgotten after the test."""
    written = []

    def write(name: str, source: str) -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(source)
        written.append(name)
        return path

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr("tradsys.core.plugins._LOADED", [])
    yield write
    for name in written:
        unloaded(name)


def unloaded(name: str) -> None:
    """Forget a module and what it registered, as a new process would."""
    from tradsys.core.registry import forget

    forget(name)
    for module in [one for one in sys.modules if one.partition(".")[0] == name]:
        del sys.modules[module]


@pytest.fixture(scope="session")
def repository() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def measurements(repository) -> Path:
    """Results that pages quote; a source distribution leaves them out."""
    if (repository / "PKG-INFO").is_file():
        pytest.skip("a source distribution leaves measurements out")
    return repository / "measurements"


@pytest.fixture(scope="session")
def development_data() -> Path:
    """The real markets beside the repository; a clone without them skips what needs them."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("development data not found beside the repository")
    return folder


@pytest.fixture(scope="session")
def small_market(tmp_path_factory):
    """Eight months of an hourly market with a strong edge, from a file."""
    from tradsys.data import load_market
    from tradsys.data.simulate import simulate

    path = tmp_path_factory.mktemp("bars") / "EDGE-1h.parquet"
    simulate("edge:3", seed=5, n_bars=6_000).write_parquet(path)
    return load_market([path])


@pytest.fixture(scope="session")
def quick_config():
    """A run without a network, and with few paths."""
    from tradsys.settings.config import RunConfig

    return RunConfig(agent={"name": "logistic"}, regimes={"n_starts": 2}, folds={"path_groups": 4})


@pytest.fixture(scope="session")
def finished(small_market, quick_config, tmp_path_factory):
    """One run of the small market, its ledger and the folder that holds both; who writes to them takes a copy."""
    from tradsys.journal.ledger import Ledger
    from tradsys.research.run import run

    root = tmp_path_factory.mktemp("work")
    ledger = Ledger(root / "journal" / "ledger.jsonl")
    stored = run(small_market, quick_config, root=root / "runs", ledger=ledger)
    head = ledger.head
    yield stored, ledger, root
    assert Ledger(ledger.path).head == head, "a test wrote to the ledger that all tests share"
