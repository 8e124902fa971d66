"""Plant faults in the statistics, labels and splits, and count those that the tests notice.

    python scripts/mutate.py                     a seeded sample of 400 of all mutants, then the score
    python scripts/mutate.py --seed 1 --n 150    another sample
    python scripts/mutate.py --like stepdown.py  every mutant with this in its name, without a score

Each mutant is tested in a fork of a process that has the libraries loaded, on a copy of `src` and `tests`, with the
JIT off; the mutated module exists in that fork's memory only. Results go to `mutation/` and are kept while no file of
`src` or `tests` changes. A mutant is killed where a test of its module fails or takes far longer than without it.
"""

import argparse
import ast
import hashlib
import importlib.abc
import importlib.util
import json
import os
import resource
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from importlib import import_module
from pathlib import Path
from select import select
from signal import SIGKILL
from time import monotonic
from types import ModuleType
from typing import NamedTuple

from mutants import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "mutation"
EQUIVALENT = ROOT / "scripts" / "equivalent_mutants.toml"
PACKAGES = ("verdict", "labels", "splits")

TESTS = {
    "verdict/align.py": ["align", "procedure"],
    "verdict/bootstrap.py": ["bootstrap", "procedure", "skill"],
    "verdict/results.py": ["procedure"],
    "verdict/sentences.py": ["sentences", "procedure"],
    "verdict/sharpe.py": ["sharpe", "examples", "trials", "procedure"],
    "verdict/shift.py": ["shift", "procedure"],
    "verdict/skill.py": ["skill", "scores"],
    "verdict/stationary.py": ["stationary", "spa"],
    "verdict/stepdown.py": ["stepdown", "procedure"],
    "verdict/trials.py": ["trials", "procedure"],
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
GIB = 1 << 30
AS_IS = "as it is: "


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
        return None

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
        return [str(folder / f"test_{name}.py") for name in names if (folder / f"test_{name}.py").exists()]
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
            resource.setrlimit(resource.RLIMIT_AS, (8 * GIB, 8 * GIB))
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


def all_mutants(package_folder: Path) -> list[Mutant]:
    """Every mutant of the three packages."""
    paths = (path for package in PACKAGES for path in sorted((package_folder / package).glob("*.py")))
    return [
        mutant
        for path in paths
        if path.name != "__init__.py"
        for mutant in mutants_of(path.read_text(), path.relative_to(package_folder).as_posix())
    ]


def sampled(mutants: list[Mutant], n: int, seed: int) -> list[Mutant]:
    """A random sample that stays nearly the same where the source changes: by the hash of seed and name."""
    return sorted(mutants, key=lambda one: hashlib.sha256(f"{seed} {one.name}".encode()).digest())[:n]


def state_of(folder: Path) -> str:
    """Digest of all sources and tests."""
    digest = hashlib.sha256()
    for path in sorted(path for kind in ("src", "tests") for path in (folder / kind).rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def run(mutants: list[Mutant], stored: Path, jobs: int) -> dict[str, str]:
    """What killed each mutant by name, "" where nothing did; stored line by line."""
    trees = {one.module: ast.parse(Path("src/tradsys", one.module).read_text()) for one in mutants}
    in_parallel(
        [Task(AS_IS + module, module, partial(deepcopy, tree), 600) for module, tree in trees.items()], stored, jobs
    )
    sound = {name.removeprefix(AS_IS): line for name, line in read(stored).items() if name.startswith(AS_IS)}
    if failing := {module: line["killed_by"] for module, line in sound.items() if line["killed_by"]}:
        sys.exit(f"these modules' tests fail without a fault in them: {failing}")
    limits = {module: 20 + 5 * line["seconds"] for module, line in sound.items()}
    tasks = [Task(one.name, one.module, partial(one.planted, trees[one.module]), limits[one.module]) for one in mutants]
    in_parallel(tasks, stored, jobs)
    return {name: line["killed_by"] for name, line in read(stored).items()}


class Task(NamedTuple):
    """A tree of a module to test under a name."""

    name: str
    module: str
    tree: Callable[[], ast.Module]
    limit_s: float


def in_parallel(tasks: list[Task], stored: Path, jobs: int) -> None:
    """Do the tasks that have no stored result yet, in `jobs` processes."""
    known = read(stored)
    left = [task for task in tasks if task.name not in known]
    workers = []
    for k in range(jobs):
        worker = os.fork()
        if not worker:
            for task in left[k::jobs]:
                killed_by, seconds = tested(task.module, task.tree(), task.limit_s)
                line = {"name": task.name, "killed_by": killed_by, "seconds": round(seconds, 1)}
                with stored.open("a") as file:
                    file.write(json.dumps(line) + "\n")
            os._exit(0)
        workers.append(worker)
    for worker in workers:
        os.waitpid(worker, 0)


def read(stored: Path) -> dict[str, dict]:
    """Stored results by name."""
    return {line["name"]: line for line in map(json.loads, stored.read_text().splitlines())}


def report(killed_by: dict[str, str], equivalent: dict[str, str]) -> str:
    """The score, the survivors, and what the list of equivalents has wrong."""
    from tradsys.verdict.proportion import clopper_pearson

    survivors = [name for name, test in killed_by.items() if not test and name not in equivalent]
    wrong = [name for name, test in killed_by.items() if test and name in equivalent]
    listed = sum(name in equivalent for name in killed_by)
    n = len(killed_by) - listed
    k = n - len(survivors)
    low, high = clopper_pearson(k, n)
    late = sum(test == "time" for test in killed_by.values())
    lines = [
        f"{len(killed_by)} mutants, {listed} equivalent; {k} of {n} others killed, {late} of them by the time limit"
    ]
    lines += [f"score {k / n:.1%} (95% interval {low:.1%} to {high:.1%})"]
    lines += [f"survived: {name}" for name in sorted(survivors)]
    lines += [f"listed as equivalent, but killed by {killed_by[name]}: {name}" for name in wrong]
    return "\n".join(lines)


def main() -> None:
    """Sample, run, and say the score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--like", default="", help="only mutants whose name holds this, all of them")
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()

    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as copy:
        for kind in ("src", "tests"):
            shutil.copytree(ROOT / kind, Path(copy, kind), ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        os.chdir(copy)
        sys.path.insert(0, str(Path(copy, "src")))
        mutants = all_mutants(Path(copy, "src", "tradsys"))
        equivalent = {one["mutant"]: one["reason"] for one in tomllib.loads(EQUIVALENT.read_text())["equivalent"]}
        if unknown := set(equivalent) - {one.name for one in mutants}:
            sys.exit("\n".join(["listed as equivalent, but no mutant:", *sorted(unknown)]))
        for name in LOADED_ONCE:
            import_module(name)
        loaded = [name for name in sys.modules if name.startswith(tuple(f"tradsys.{package}." for package in PACKAGES))]
        assert not loaded, f"loaded before a fault could be planted: {loaded}"
        like = [one for one in mutants if asked.like in one.name]
        chosen = like if asked.like else sampled(mutants, asked.n, asked.seed)
        stored = RESULTS / f"{state_of(Path(copy))}.jsonl"
        stored.touch()
        killed_by = run(chosen, stored, asked.jobs)
        print(f"of {len(mutants)} mutants, seed {asked.seed}, results in {stored.relative_to(ROOT)}")
        print(report({one.name: killed_by[one.name] for one in chosen}, equivalent))


if __name__ == "__main__":
    # before anything loads numba or a library with threads of its own
    os.environ |= {"NUMBA_DISABLE_JIT": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    main()
