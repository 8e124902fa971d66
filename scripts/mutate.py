"""Plant faults in the statistics, labels and splits, and count those that the tests notice.

    python scripts/mutate.py                     a seeded sample of 320 of all mutants, then the score
    python scripts/mutate.py --seed 1 --n 120    another sample
    python scripts/mutate.py --like stepdown.py  all mutants with this in their names

Each mutant is tested in a fork of a process that has the libraries loaded, on a copy of `src` and `tests`, with the
JIT off; the mutated module exists in that fork's memory only. Results go to `mutation/` and are kept while no file of
`src` or `tests` changes. A mutant is killed where a test of its module fails or takes far longer than without it.
"""

import argparse
import ast
import hashlib
import json
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mutants import Mutant, mutants_of
from planted import PACKAGES, load_once, tested

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "mutation"
EQUIVALENT = ROOT / "scripts" / "equivalent_mutants.toml"

AS_IS = "as it is: "


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
    """Digest of all sources, and of the tests of the mutated packages."""
    read_by = [folder / "src", *(folder / "tests" / package for package in PACKAGES)]
    digest = hashlib.sha256()
    for path in sorted(path for part in read_by for path in part.rglob("*.py")):
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
    from tradsys.verdict.reliability import clopper_pearson

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
    parser.add_argument("--n", type=int, default=320)
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
        load_once()
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
