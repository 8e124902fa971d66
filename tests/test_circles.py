"""Import circles: there are none between files, and none between the wings of `models`."""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

type Imports = dict[str, set[str]]


def imports_below(package: str) -> Imports:
    """What each file imports of the others, at its top, inside a function or for types alone."""
    graph = grimp.build_graph("tradsys", cache_dir=None)
    inside = {name for name in graph.modules if name.startswith(package + ".")}
    return {name: graph.find_modules_directly_imported_by(name) & inside for name in sorted(inside)}


def circle_in(imports: Imports) -> list[str]:
    """One circle, its first member again at its end; none if the list is empty."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def between_folders(imports: Imports, package: str) -> Imports:
    """The same between the folders right below a package; its own files belong to none."""
    folders: Imports = {}
    for importer, imported in imports.items():
        for other in imported:
            one, two = (name.removeprefix(package + ".").split(".") for name in (importer, other))
            if len(one) > 1 and len(two) > 1 and one[0] != two[0]:
                folders.setdefault(one[0], set()).add(two[0])
    return folders


def test_no_two_files_import_each_other():
    assert circle_in(imports_below("tradsys")) == []


def test_the_wings_of_models_stand_in_one_order():
    wings = between_folders(imports_below("tradsys.models"), "tradsys.models")
    assert circle_in(wings) == []
    assert wings["training"] >= {"networks", "linear"}


@pytest.mark.parametrize("form", ["import tradsys.core.{}\n", "def late():\n    from tradsys.core.{} import x\n"])
def test_a_planted_circle_is_seen(form, tmp_path: Path, monkeypatch):
    package = tmp_path / "planted"
    package.mkdir()
    for name, text in {"__init__": "", "a": form.format("b"), "b": form.format("c"), "c": form.format("a")}.items():
        (package / f"{name}.py").write_text(text.replace("tradsys.core", "planted"))
    monkeypatch.syspath_prepend(tmp_path)
    graph = grimp.build_graph("planted", cache_dir=None)
    found = circle_in({name: graph.find_modules_directly_imported_by(name) for name in graph.modules})
    assert set(found) == {"planted.a", "planted.b", "planted.c"}
