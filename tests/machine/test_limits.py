"""Limits are the tightest reading there is, and thread caps reach the libraries."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import proclimits
import pytest

from tradsys.core.errors import ConfigError
from tradsys.machine.limits import THREAD_VARIABLES, cap_threads, limits


@pytest.fixture
def big_host(monkeypatch):
    """A container with 3.9 of 64 cores and 8 of 256 GB."""
    monkeypatch.setattr(proclimits, "get_machine_cpu_count", lambda: 64)
    monkeypatch.setattr(proclimits, "get_cpu_limit", lambda: 3.9)
    monkeypatch.setattr(proclimits, "get_machine_memory_bytes", lambda: 256 * 10**9)
    monkeypatch.setattr(proclimits, "get_memory_budget", lambda: SimpleNamespace(limit=8 * 10**9, available=7 * 10**9))
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(64)), raising=False)


def test_the_control_group_counts_not_the_host_and_parts_of_a_core_are_rounded_down(big_host):
    found = limits(environ={})
    assert (found.cpus, found.cpus_source) == (3, "control group")
    assert (found.memory_bytes, found.memory_source) == (8 * 10**9, "control group")


def test_hints_of_a_rented_pod_tighten(big_host):
    found = limits(environ={"RUNPOD_CPU_COUNT": "2", "RUNPOD_MEM_GB": "4"})
    assert (found.cpus, found.cpus_source) == (2, "RUNPOD_CPU_COUNT")
    assert (found.memory_bytes, found.memory_source) == (4 * 10**9, "RUNPOD_MEM_GB")


@pytest.mark.parametrize("hint", ["128", "", "many", "-1", "0", "nan", "inf"])
def test_hints_never_loosen_nor_stop(big_host, hint):
    assert limits(environ={"RUNPOD_CPU_COUNT": hint, "RUNPOD_MEM_GB": hint}).cpus == 3


def test_less_than_one_core_is_still_one(big_host, monkeypatch):
    monkeypatch.setattr(proclimits, "get_cpu_limit", lambda: 0.5)
    assert limits(environ={}).cpus == 1


def test_unrestricted_process_has_its_machine(big_host, monkeypatch):
    monkeypatch.setattr(proclimits, "get_cpu_limit", lambda: None)
    monkeypatch.setattr(proclimits, "get_memory_budget", lambda: None)
    assert (limits(environ={}).cpus, limits(environ={}).memory_source) == (64, "machine")


def in_fresh_python(code: str, **environ: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=inherited | environ).stdout


def test_caps_are_set_before_numpy_and_the_users_own_choice_wins():
    code = (
        "import sys, os, json; from tradsys.machine.limits import cap_threads; cap_threads(3);"
        "print(json.dumps([dict(os.environ), [m for m in ('numpy', 'numba', 'polars') if m in sys.modules]]))"
    )
    environ, loaded = json.loads(in_fresh_python(code, OMP_NUM_THREADS="1"))
    assert loaded == []
    expected = {name: "3" for name in THREAD_VARIABLES} | {"OMP_NUM_THREADS": "1"}
    assert {name: environ[name] for name in THREAD_VARIABLES} == expected


def test_every_command_leaves_the_caps_at_one_thread_and_an_empty_variable_says_nothing():
    code = (
        "import os; from tradsys.cli.app import main; assert main(['doctor', '--help']) == 0;"
        f"print(*(os.environ[name] for name in {THREAD_VARIABLES}))"
    )
    said = in_fresh_python(code, OMP_NUM_THREADS="")
    assert said.splitlines()[-1].split() == ["1"] * len(THREAD_VARIABLES)


def test_polars_and_numba_obey_the_cap():
    code = (
        "from tradsys.machine.limits import cap_threads; cap_threads(1); import polars, numba;"
        "print(polars.thread_pool_size(), numba.config.NUMBA_NUM_THREADS)"
    )
    assert in_fresh_python(code).split() == ["1", "1"]


def test_a_cap_that_comes_too_late_is_an_error():
    import numpy  # noqa: F401  # the library whose pool is counted already

    with pytest.raises(ConfigError, match=r"before numpy is imported, found .*numpy"):
        cap_threads(2)


def test_a_cap_of_no_thread_is_refused():
    with pytest.raises(ConfigError, match="at least 1, was 0"):
        cap_threads(0)
