"""`tradsys doctor` prints the limits, the plan and what fits into it."""

import json
import os
import subprocess
import sys

import pytest

from tradsys.cli.app import main
from tradsys.machine.limits import THREAD_VARIABLES

COUNTED = """
import sys
from tradsys.cli.app import main
code = main(sys.argv[1:])
from tradsys.core.kernels import _KEPT, compiled_and_found
print([kernel for kernel in _KEPT if kernel.stats.cache_misses], *compiled_and_found(), file=sys.stderr)
sys.exit(code)
"""
DRAWN = """
from tradsys.data.simulate import simulate
simulate("edge:3", n_bars=4_500).write_parquet("EDGE-1h.parquet")
"""
"""A market of its own, enough for an auditor, whose drawing counts as well."""

SMALL = (
    *("regimes.n_starts=2", "folds.n_folds=2", "folds.path_groups=4", "agent.d_model=16", "agent.n_layers=1"),
    *("agent.name=transformer", "agent.n_heads=2", "agent.window=8", "agent.max_steps=4"),
)


@pytest.fixture(autouse=True)
def capped(monkeypatch):
    """As the command line itself does before it imports anything."""
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "1")


def test_the_text_names_limits_plan_and_work(capsys, tmp_path):
    assert main(["doctor", "--runs", str(tmp_path), "--journal", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    for words in ("processor", "memory", "threads", "clock", "plan: ", "deciding with a bundle: about"):
        assert words in shown


def test_json_is_one_object(capsys, tmp_path):
    assert main(["doctor", "--json", "--plan", "safe", "--runs", str(tmp_path), "--journal", str(tmp_path)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["is_well"] and report["plan"].startswith("safe plan")


def test_a_mistyped_plan_is_a_usage_error(capsys):
    assert main(["doctor", "--plan", "saef"]) == 2
    assert "did you mean safe?" in capsys.readouterr().err


@pytest.mark.slow
def test_after_warming_a_run_with_a_network_compiles_nothing(tmp_path):
    """In a cache of their own; the run is on other bars, with other settings and with paths."""
    run = [
        *("run", "--bars", "EDGE-1h.parquet", "--out", "runs", "--journal", "journal", "--json"),
        *(word for one in SMALL for word in ("--set", one)),
    ]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def told(*args, before=""):
        command = [sys.executable, "-c", before + COUNTED, *args]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        *names, compiled, found = done.stderr.splitlines()[-1].rsplit(" ", 2)
        return int(compiled), int(found), names

    compiled, found, _ = told("doctor", "--warm")
    assert compiled > 20 and found == 0
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    compiled, found, names = told(*run, before=DRAWN)
    assert compiled == 0 and found > 10, names
