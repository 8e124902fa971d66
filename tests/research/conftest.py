"""A small simulated market and one quick run of it, shared by the tests of what a run writes."""

import pytest

from tradsys.data import load_market
from tradsys.data.simulate import simulate
from tradsys.journal.ledger import Ledger
from tradsys.research.config import RunConfig
from tradsys.research.run import run

N_BARS = 6_000


@pytest.fixture(scope="session")
def small_market(tmp_path_factory):
    """Eight months of an hourly market with a strong edge, from a file."""
    path = tmp_path_factory.mktemp("bars") / "EDGE-1h.parquet"
    simulate("edge:3", seed=5, n_bars=N_BARS).write_parquet(path)
    return load_market([path])


@pytest.fixture(scope="session")
def quick_config():
    return RunConfig(**{"agent": {"name": "logistic"}, "regimes": {"n_starts": 2}})


@pytest.fixture(scope="session")
def finished(small_market, quick_config, tmp_path_factory):
    """The run, its ledger and the folder that holds both."""
    root = tmp_path_factory.mktemp("work")
    ledger = Ledger(root / "journal" / "ledger.jsonl")
    return run(small_market, quick_config, root=root / "runs", ledger=ledger), ledger, root
