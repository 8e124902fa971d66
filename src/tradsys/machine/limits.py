"""Limits of this process: the cores and the memory it may use, and caps on the libraries' thread pools.

Imports nothing heavy: the thread caps only work before numpy, numba and polars are imported.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tradsys.core.errors import ConfigError
from tradsys.core.threads import is_chosen

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""What the numerical libraries read, once, when they are imported."""

_MEMINFO = Path("/proc/meminfo")
_COUNTED_AT_IMPORT = ("numpy", "numba", "polars", "torch")


@dataclass(frozen=True, slots=True)
class Limits:
    """Whole processor cores and bytes of memory that this process may use, each with where it was read.

    `memory_bytes` is 0, and its source "unknown", on a platform that does not report it; `free_bytes` is what was
    left of it when it was read.
    """

    cpus: int
    memory_bytes: int
    cpus_source: str
    memory_source: str
    free_bytes: int = 0


def limits(environ: Mapping[str, str] | None = None) -> Limits:
    """The tightest of what the machine has, the control groups allow and the host of a rented pod promised.

    psutil, torch and numba see the host of a container; `RUNPOD_CPU_COUNT` and `RUNPOD_MEM_GB` are taken as hints,
    which can only tighten. Parts of a core are rounded down, to one at least.
    """
    import proclimits  # here, because a command that only prints its help needs no limits

    environ = os.environ if environ is None else environ
    cpus = {
        "machine": proclimits.get_machine_cpu_count() or os.cpu_count() or 1,
        "affinity": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "control group": proclimits.get_cpu_limit(),
        "RUNPOD_CPU_COUNT": _hint(environ, "RUNPOD_CPU_COUNT"),
    }
    budget = proclimits.get_memory_budget()
    pod_memory = _hint(environ, "RUNPOD_MEM_GB")
    memory = {
        "machine": proclimits.get_machine_memory_bytes(),
        "control group": budget.limit if budget else None,
        "RUNPOD_MEM_GB": pod_memory * 10**9 if pod_memory else None,
    }
    n_cpus, cpus_source = _tightest(cpus)
    n_bytes, memory_source = _tightest(memory)
    free, _ = _tightest(
        {
            "limit": n_bytes,
            "machine": _machine_free_bytes(),
            # a group that is full leaves nothing, which is no missing reading
            "control group": max(1, budget.available) if budget else None,
        }
    )
    return Limits(max(1, int(n_cpus)), int(n_bytes), cpus_source, memory_source, int(free))


def cap_threads(n_threads: int | None = None) -> None:
    """Hold every library's thread pool to `n_threads`, one unless given: parallel work is done by processes.

    A variable that is set already stays, so that a user's own choice wins. Where numpy or one of its like is imported
    the pools are counted already: then nothing is changed, which `one_thread` does where work begins, and asking for a
    given number is an error.
    """
    if n_threads is not None and n_threads < 1:
        raise ConfigError(f"n_threads must be at least 1, was {n_threads}")
    counted = [name for name in _COUNTED_AT_IMPORT if name in sys.modules]
    if counted and n_threads is not None:
        raise ConfigError(
            f"threads are capped before numpy is imported, found {', '.join(counted)} imported already; "
            f"call cap_threads first, or set {THREAD_VARIABLES[0]}={n_threads} and its like before starting Python"
        )
    if not counted:
        missing = (name for name in THREAD_VARIABLES if not is_chosen(name))
        os.environ.update(dict.fromkeys(missing, str(n_threads or 1)))


def thread_caps() -> dict[str, int | None]:
    """What each library's thread pool is held to by the environment, None where nothing holds it."""
    return {name: int(text) if (text := os.environ.get(name, "")).isdigit() else None for name in THREAD_VARIABLES}


def _machine_free_bytes() -> int | None:
    """What the kernel could give without swapping, where it says so."""
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        return None
    found = (line.split() for line in lines if line.startswith("MemAvailable:"))
    return next((int(words[1]) * 1024 for words in found), None)


def _tightest(readings: Mapping[str, float | None]) -> tuple[float, str]:
    known = {source: value for source, value in readings.items() if value}
    if not known:
        return 0, "unknown"
    source = min(known, key=lambda name: known[name])
    return known[source], source


def _hint(environ: Mapping[str, str], name: str) -> float | None:
    """A positive number out of the environment, or None: hints are others' text, never worth stopping for."""
    try:
        value = float(environ.get(name, ""))
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None
