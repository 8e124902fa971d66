"""An environment with some extras of the package and nothing else, made from the one that runs the tests.

A folder of links to the distributions that the base and these extras require, each with all that it requires in turn,
is all that a Python started without its own site-packages (`-S`) sees, and the processes that it starts.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
SITE = Path(str(distribution("numpy").locate_file("")))

type Answers = list[dict[str, object]]
"""A line's exit code, both streams, and the traceback of what no one caught, for each of them."""

WITH_TORCH_AND_NUMPY = """
import sys
import torch
allowed = {name.partition(".")[0] for name in sys.modules} | {"numpy", "tradsys"} | sys.stdlib_module_names
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed:
            raise ImportError(f"blocked {name}")
sys.meta_path.insert(0, Blocked())
"""
"""The beginning of a program that may import torch, numpy and this package, and nothing else of what is installed."""


@cache
def required(extras: tuple[str, ...]) -> set[str]:
    """Names of all distributions that the package takes with these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    todo = [(Requirement(text), "") for text in (*project["dependencies"], *(t for e in extras for t in optional[e]))]
    found, seen = set(), set()
    while todo:
        requirement, extra = todo.pop()
        name = normal(requirement.name)
        if (str(requirement), extra) in seen or not _applies(requirement, extra):
            continue
        seen.add((str(requirement), extra))
        if name == "tradsys":
            todo += [(Requirement(text), "") for e in requirement.extras for text in optional[e]]
            continue
        try:
            known = distribution(name)
        except PackageNotFoundError:
            continue  # another build of the same library is here
        found.add(name)
        wanted = known.requires or []
        todo += [(Requirement(text), e) for text in wanted for e in ("", *requirement.extras)]
    return found


def make_site(folder: Path, names: set[str]) -> Path:
    """Links to everything that these distributions installed; a folder that others share is linked part by part."""
    owners: dict[tuple[str, ...], set[str]] = {}
    for record in SITE.glob("*.dist-info/RECORD"):
        owner = normal(record.parent.name.partition("-")[0])
        for parts in {tuple(line.split(",")[0].split("/")[:2]) for line in record.read_text().splitlines()}:
            if parts[0] not in ("..", "__pycache__"):
                owners.setdefault(parts[:1], set()).add(owner)
                owners.setdefault(parts, set()).add(owner)
    for parts, own in sorted(owners.items()):
        link = folder.joinpath(*parts)
        if own & names and (len(parts) == 2 or own <= names) and not (link.is_symlink() or link.parent.is_symlink()):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(SITE.joinpath(*parts))
    return folder


def run_all(site: Path, cwd: Path, commands: list[list[str]]) -> Answers:
    """What each command line returned and printed in that environment, one after another in one process."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("TRADSYS_", "PYTHON"))}
    environ |= {"PYTHONPATH": os.pathsep.join((str(site), str(ROOT / "src"))), "PYTHONWARNINGS": "ignore"}
    return answers_of([sys.executable, "-S"], cwd, environ, commands)


def answers_of(
    python: list[str], cwd: Path, environ: dict[str, str], commands: list[list[str]], **begun: Any
) -> Answers:
    """What an interpreter gives for each command line, in one process."""
    done = subprocess.run(
        [*python, ROOT / "tests" / "each_command.py"],
        cwd=cwd,
        env=environ,
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=False,
        **begun,
    )
    assert done.returncode == 0, done.stderr
    answers: Answers = json.loads(done.stdout)
    return answers


def normal(name: str) -> str:
    """As the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})
