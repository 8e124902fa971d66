"""What every test may ask for."""

import os
import sys
from pathlib import Path

import pytest

from tradsys.core.machine import cap_threads, limits

ROOT = Path(__file__).resolve().parents[1]

if "PYTEST_XDIST_WORKER" in os.environ and "numpy" not in sys.modules:
    cap_threads(max(1, limits().cpus // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])))
    # numba's cache may mix up two signatures of one kernel that two processes store at the same moment
    cache = ROOT / ".pytest_cache" / f"numba-{os.environ['PYTEST_XDIST_WORKER']}"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache))


@pytest.fixture(scope="session")
def repository() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def development_data() -> Path:
    """The real markets beside the repository; a clone without them skips what needs them."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("development data not found beside the repository")
    return folder
