"""The environments of the other programs, which `make neighbours` makes: tests that need one are skipped without it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def python_of(name: str) -> Path:
    """The interpreter of `.venv-<name>`."""
    python = ROOT / f".venv-{name}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no .venv-{name} beside the project; `make neighbours` makes it")
    return python


def environment(**more: str) -> dict[str, str]:
    """Ours on the path, one thread, and none of the settings of whoever runs the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TRADSYS_", "MLFLOW_", "PYTHON", "STRATEGY_"))}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    return kept | threads | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", ROOT)))} | more


def answers(python: Path, cwd: Path, *lines: str, **more: str) -> list[dict[str, Any]]:
    """What each command line of `tradsys` gave in there, one after another in one process."""
    done = subprocess.run(
        [python, ROOT / "tests" / "each_command.py"],
        cwd=cwd,
        env=environment(**more),
        input=json.dumps([line.split() for line in lines]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
