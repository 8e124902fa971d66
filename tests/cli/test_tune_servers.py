"""A study on a server that two hosts share: they work side by side, and one that is killed loses nothing."""

import json
import os
import signal
import subprocess
import sys

import pytest
from tests.research.tuning.servers import grpc_server, postgresql_server

from tradsys.data.simulate import simulate
from tradsys.journal.ledger import Ledger

SERVERS = {"grpc": grpc_server, "postgresql": postgresql_server}
WORDS = (
    *("tune", "--bars", "../EDGE-1h.parquet", "--study", "shared", "--json"),
    *("--set", "folds.initial=0.6", "--set", "folds.n_folds=2", "--set", "agent.name=logistic"),
    *("--set", "features.names=returns,average_distance", "--seeds", "1"),
    *("--over", "agent.penalty", "--over", "labels.horizon=6:24", "--batch", "3", "--processes", "1"),
)


@pytest.fixture(params=SERVERS)
def url(request):
    with SERVERS[request.param]() as url:
        yield url


@pytest.fixture
def hosts(tmp_path, repository, url):
    simulate("edge:3", seed=2, n_bars=2_500).write_parquet(tmp_path / "EDGE-1h.parquet")
    both = [Host(name, tmp_path, repository, url) for name in ("one", "other")]
    yield both
    for host in both:
        host.stop()


class Host:
    """A machine with a name, a folder and a ledger of its own."""

    def __init__(self, name, root, repository, url):
        self.name, self.folder = name, root / name
        self.folder.mkdir()
        self._script = repository / "tests" / "research" / "tuning" / "killed.py"
        self._storage = ("--storage", url)
        self._running = []

    def begin(self, trials, call=0):
        """Tune; at that call of the evaluator the process is killed."""
        command = [sys.executable, self._script, str(call), *WORDS, *self._storage, "--trials", str(trials)]
        pipe = subprocess.PIPE
        env = {**os.environ, "TEST_HOST": self.name}
        process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=self.folder, env=env)
        self._running.append(process)
        return process

    def end(self, process):
        said, wrong = process.communicate(timeout=300)
        assert process.returncode == 0, wrong
        return json.loads(said)

    def stop(self):
        for process in self._running:
            process.kill()
            process.communicate()

    @property
    def numbers(self):
        entries = Ledger(self.folder / "journal" / "ledger.jsonl").entries("tuning")
        return [entry.content["number"] for entry in entries]


@pytest.mark.slow
def test_two_hosts_share_a_study_and_a_killed_one_loses_no_trial_and_runs_none_twice(hosts):
    one, other = hosts
    dying = one.begin(99, call=8)  # in the third fold of its second batch, or later where trials were pruned
    living = other.begin(9)
    _, wrong = dying.communicate(timeout=300)
    assert dying.returncode == -signal.SIGKILL, wrong
    assert other.end(living)["n_trials"] >= 9
    assert len(one.numbers) >= 3 and len(other.numbers) >= 3
    assert not set(one.numbers) & set(other.numbers)

    again = one.end(one.begin(len(one.numbers) + len(other.numbers) + 3))
    entered = one.numbers + other.numbers
    assert len(entered) == len(set(entered)) == again["n_trials"]
    # all that were ever asked for are there, the three that died running under their own numbers
    assert set(range(len(entered))) == set(entered)
