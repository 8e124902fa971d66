"""An environment that holds a wheel, and what its extras bring from the registry, in a folder of its own.

All of a Python lie at one path, one after another, so that kernels and bytecode which one of them compiled serve the
next: kept in the user's cache, as nothing below the environment may be written to.
"""

import os
import subprocess
import sys
from ctypes import CDLL
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from tests.environments import ROOT, Answers, answers_of

PYTHONS = ("3.12", "3.13")
"""Those that the wheel is tried on, and that its classifiers name."""

UV = Path(sys.executable).with_name("uv")
AS_IT_IS = ("--no-config", "--no-python-downloads")
DROP_FROM_BOUNDING_SET, CAP_DAC_OVERRIDE = 24, 1


@cache
def found_python(wanted: str) -> Path | None:
    """The one that runs the tests, one of pyenv, or one that uv knows; none is downloaded."""
    if wanted == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.base_prefix) / "bin" / f"python{wanted}"
    for path in sorted(
        Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{wanted}.*/bin/python")
    ):
        return path
    command = [UV, "python", "find", *AS_IT_IS, "--system", "--no-project", wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def bound_by_rights() -> None:
    """Root may write whatever the rights say; what is begun after this may not."""
    if sys.platform == "linux":
        CDLL(None).prctl(DROP_FROM_BOUNDING_SET, CAP_DAC_OVERRIDE, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class CleanEnvironment:
    """A virtual environment below `home`, which is also the home of the person who uses it."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "environment"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def make(self, interpreter: Path, wheel: Path, extras: tuple[str, ...]) -> None:
        """Anew, from the wheel, in the versions that the locks have, and without the right to write to it."""
        self._allow(True)
        called(UV, "venv", *AS_IT_IS, "--clear", "--python", interpreter, self.folder)
        locks = [word for name in ("", "-torch") for word in ("--constraint", ROOT / f"requirements{name}.lock")]
        build = ["--torch-backend=cpu"] if version("torch").endswith("+cpu") else []
        wanted = f"{wheel}[{','.join(extras)}]" if extras else str(wheel)
        called(
            UV, "pip", "install", *AS_IT_IS, "--only-binary", ":all:", "--python", self.python, *locks, *build, wanted
        )
        self._allow(False)

    def answers(self, cwd: Path, lines: list[list[str]]) -> Answers:
        """What each command line gives."""
        return answers_of([str(self.python), "-P"], cwd, self.environ, lines, preexec_fn=bound_by_rights)

    def run(self, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """A program of the environment, as a person calls it."""
        command = [self.folder / "bin" / words[0], *words[1:]]
        return subprocess.run(
            command, cwd=cwd, env=self.environ, capture_output=True, text=True, check=False, preexec_fn=bound_by_rights
        )

    @property
    def environ(self) -> dict[str, str]:
        own = ("TRADSYS_", "PYTHON", "NUMBA_CACHE_DIR", "XDG_", "VIRTUAL_ENV", "TORCHINDUCTOR_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        return kept | {
            "HOME": str(self.home),
            "PYTHONWARNINGS": "ignore",
            "PYTHONPYCACHEPREFIX": str(self.home / "bytecode"),
        }

    def _allow(self, writing: bool) -> None:
        for where, _, _ in os.walk(self.folder):
            Path(where).chmod(0o755 if writing else 0o555)


def called(*command: str | Path) -> None:
    """Run it; its output is the failure's message."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
