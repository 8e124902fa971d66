"""Distributions of the project, built as `make dist` builds them."""

import os
import subprocess
import sys
from pathlib import Path


def build(folder: Path, target: Path, *kinds: str, **environ: str) -> list[Path]:
    """Wheel and source distribution of the project in a folder, or the one that `-t` asks for."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", target, *kinds]
    kept = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    done = subprocess.run(command, cwd=folder, env=kept | environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [path for pattern in ("*.whl", "*.tar.gz") for path in target.glob(pattern)]
