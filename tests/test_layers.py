"""The import contracts: they see every file, leave no layer out, and break where an import goes upward."""

import re
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import grimp
import pytest


@pytest.fixture(scope="module", params=["tradsys", "tradsys.research"])
def contract(request: pytest.FixtureRequest, repository: Path) -> dict:
    """The contract of pyproject.toml about what lies in a package."""
    tool = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["importlinter"]
    (own,) = (one for one in tool["contracts"] if one["containers"] == [request.param])
    return own


def levels(contract: dict) -> list[list[str]]:
    """Layers from the top, those of one level together."""
    return [[name.strip() for name in level.split("|")] for level in contract["layers"]]


def modules(source: Path) -> dict[str, Path]:
    """Every source file by the name under which it would be imported."""
    files = {path.relative_to(source.parent).with_suffix(""): path for path in source.rglob("*.py")}
    return {".".join(name.parts).removesuffix(".__init__"): path for name, path in files.items()}


def folders_without_init(source: Path) -> list[str]:
    """Folders that hold source files, or folders with some, and are no package: no tool looks into them."""
    folders = {folder for path in source.rglob("*.py") for folder in path.parents if folder.is_relative_to(source)}
    return sorted(str(folder) for folder in folders if not (folder / "__init__.py").is_file())


def test_every_source_folder_is_a_package(repository):
    assert folders_without_init(repository / "src" / "tradsys") == []


def test_a_folder_without_an_init_is_found(tmp_path):
    for name in ("__init__.py", "seen/__init__.py", "seen/unseen/code.py"):
        path = tmp_path / "tradsys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert folders_without_init(tmp_path / "tradsys") == [str(tmp_path / "tradsys" / "seen" / "unseen")]


def test_the_import_graph_holds_every_file(repository):
    graph = grimp.build_graph("tradsys", cache_dir=None)
    assert set(modules(repository / "src" / "tradsys")) - graph.modules == set()


def test_every_folder_is_a_layer_and_none_is_optional(repository, contract):
    layers = [name for level in levels(contract) for name in level]
    source = repository / "src" / Path(*contract["containers"][0].split("."))
    there = {path.stem for path in source.iterdir() if (path / "__init__.py").is_file() or path.suffix == ".py"}
    assert sorted(layers) == sorted(there - {"__init__", *contract.get("exhaustive_ignores", [])})
    assert contract["exhaustive"] and "ignore_imports" not in contract


def planted(levels: list[list[str]]) -> list[tuple[str, str]]:
    """Importing and imported layer of each import to plant: to the level above, to a sibling, from all to the top."""
    upward = [(low, high) for above, level in pairwise(levels) for low in level for high in above]
    sideways = [(one, other) for level in levels for one in level for other in level if one != other]
    to_the_top = [(low, levels[0][0]) for level in levels[2:] for low in level]
    return upward + sideways + to_the_top


def test_an_import_that_goes_upward_breaks_the_contract_in_every_layer(repository, contract, tmp_path):
    """All of them planted at once in a copy: every one must be named."""
    shutil.copy(repository / "pyproject.toml", tmp_path)
    source = tmp_path / "src" / "tradsys"
    shutil.copytree(repository / "src" / "tradsys", source, ignore=shutil.ignore_patterns("__pycache__"))
    container = contract["containers"][0]
    groups = by_layer(tmp_path / "src" / Path(*container.split(".")))
    deepest = {name: max(group, key=lambda path: (len(path.parts), path)) for name, group in groups.items()}
    for low, high in planted(levels(contract)):
        with deepest[low].open("a") as file:
            file.write(f"\nimport {container}.{high}  # planted\n")
    lint = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    environ = {"PYTHONPATH": str(tmp_path / "src"), "PATH": "/usr/bin:/bin", "COLUMNS": "200"}
    done = subprocess.run(lint, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    refused = {line for line in done.stdout.splitlines() if "is not allowed to import" in line}
    pairs = planted(levels(contract))
    wanted = {f"{container}.{low} is not allowed to import {container}.{high}:" for low, high in pairs}
    assert wanted - refused == set()


def by_layer(source: Path) -> dict[str, list[Path]]:
    """Source files of each folder, and of each file beside the folders."""
    groups: dict[str, list[Path]] = {}
    for path in source.rglob("*.py"):
        groups.setdefault(path.relative_to(source).with_suffix("").parts[0], []).append(path)
    return groups


def test_the_lowest_layer_names_no_command_and_imports_no_torch(repository):
    words = re.compile(
        r"`tradsys \w+|\btradsys (run|rank|train|tune|data|lookahead|calibrate)\b|^\s*(import|from) torch\b", re.M
    )
    core = repository / "src" / "tradsys" / "core"
    assert [path.name for path in core.rglob("*.py") if words.search(path.read_text())] == []
