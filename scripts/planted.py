"""Test a module of the source with a fault in it: in a fork that imports it from a tree instead of its file."""

import ast
import importlib.abc
import importlib.util
import os
import resource
import sys
from importlib import import_module
from pathlib import Path
from select import select
from signal import SIGKILL
from time import monotonic
from types import ModuleType

PACKAGES = ("verdict", "labels", "splits")

TESTS = {
    "verdict/align.py": ["align", "procedure"],
    "verdict/results.py": ["procedure"],
    "verdict/sentences.py": ["sentences", "procedure"],
    "verdict/sharpe.py": ["sharpe", "examples", "trials", "procedure"],
    "verdict/shift.py": ["shift", "procedure"],
    "verdict/skill.py": ["skill", "scores"],
    "verdict/stationary.py": ["stationary", "bootstrap", "spa", "procedure", "skill"],
    "verdict/stepdown.py": ["stepdown", "spa", "trials", "procedure"],
}
"""Which tests cover a module of the verdict; one not listed has its own, and labels and splits have all of theirs."""

MARKED = "not slow and not needs_data and not gpu"
LEFT_OUT_BY_NAME = (
    "test_studentising_finds_the_good_model_that_the_reference_loses_among_noisy_ones",
    "test_long_run_variance_is_the_bootstraps_own_in_closed_form",
    "test_the_same_seed_gives_the_same_p_and_another_seed_another",
    "test_the_interval_of_an_area_over_independent_rows_is_delongs",
    "test_splitting_100_000_labels_into_45_splits_is_quick",
)
"""Simulations and timings that take too long, or mean nothing, without the JIT."""

LOADED_ONCE = (
    "arch.bootstrap",
    "numba",
    "numpy",
    "polars.testing",
    "pytest",
    "scipy.fft",
    "scipy.signal",
    "scipy.stats",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "statsmodels.stats.multitest",
    "tradsys.core.bars",
    "tradsys.core.seeds",
    "tradsys.data",
    "tradsys.journal.trial",
)
MEMORY = 8 << 30


def load_once() -> None:
    """Import what every test needs into this process, but none of the packages that faults are planted in."""
    for name in LOADED_ONCE:
        import_module(name)
    loaded = [name for name in sys.modules if name.startswith(tuple(f"tradsys.{package}." for package in PACKAGES))]
    assert not loaded, f"loaded before a fault could be planted: {loaded}"


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a tree instead of its file."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name, self.path, self.tree = name, path, tree

    def find_spec(self, fullname, path, target=None):
        """This loader for that module, nothing for any other."""
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def create_module(self, spec) -> None:
        """The usual empty module."""
        return

    def exec_module(self, module: ModuleType) -> None:
        """Fill it from the tree."""
        exec(compile(self.tree, str(self.path), "exec"), module.__dict__)


class FirstFailure:
    """Remembers which test failed first."""

    name = ""

    def pytest_runtest_logreport(self, report) -> None:
        """A test is done, or its set-up or its tear-down."""
        if report.failed:
            self.name = self.name or report.nodeid

    def pytest_collectreport(self, report) -> None:
        """A file has been imported, or could not be."""
        if report.failed:
            self.name = self.name or f"import of {report.nodeid}"


def tests_of(module: str) -> list[str]:
    """Test files that cover a module, its own first."""
    package, file = module.split("/")
    folder = Path("tests") / package
    if package == "verdict":
        names = TESTS.get(module, [file.removesuffix(".py")])
        return [str(folder / f"test_{name}.py") for name in names]
    own = [path for path in sorted(folder.glob("test_*.py")) if path.stem.removeprefix("test_") in file]
    return [str(path) for path in [*own, *sorted(set(folder.glob("test_*.py")) - set(own))]]


def tested(module: str, tree: ast.Module, limit_s: float) -> tuple[str, float]:
    """The test that fails first on a module's tree ("" for none, "time" for none within the limit), and the seconds."""
    began = monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            os.write(writing, _failure(module, tree).encode()[:4000])
        finally:
            os._exit(0)
    os.close(writing)
    is_done, _, _ = select([reading], [], [], limit_s)
    if not is_done:
        os.kill(child, SIGKILL)
    os.waitpid(child, 0)
    said = os.read(reading, 4000).decode() if is_done else "time"
    os.close(reading)
    # a child that died before it could say anything: out of memory, or a crash
    return {"": "crash", "passed": ""}.get(said, said), monotonic() - began


def _failure(module: str, tree: ast.Module) -> str:
    import pytest

    path = Path("src/tradsys", module).resolve()
    sys.meta_path.insert(0, Planted(f"tradsys.{module.removesuffix('.py').replace('/', '.')}", path, tree))
    first = FirstFailure()
    options = ["-x", "-q", "-p", "no:cacheprovider", "-m", MARKED]
    options += ["-k", " and ".join(f"not {name}" for name in LEFT_OUT_BY_NAME)]
    code = pytest.main([*options, *tests_of(module)], plugins=[first])
    return "passed" if code == 0 else first.name or f"pytest ended with {code}"
