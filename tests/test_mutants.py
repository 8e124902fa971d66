"""The faults that `scripts/mutate.py` plants: each is one, each has its own name, and none is where no test looks."""

import ast
import importlib.util
import sys
import tomllib

import pytest

SOURCE = '''"""A module."""

from x import y

LIMIT = 3


def best(values: "list[int]", least: int = 0, *, skip=None) -> "int | None":
    """The largest."""
    if not values or min(values) < least:
        raise ValueError(f"needs {1 + 1} values")
    return max(values, key=lambda one: one - LIMIT)
'''


@pytest.fixture(scope="module")
def mutants(repository):
    spec = importlib.util.spec_from_file_location("mutants", repository / "scripts" / "mutants.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutants"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["mutants"]


def test_every_kind_of_fault_is_planted(mutants):
    changes = [one.name.removeprefix("m.py ") for one in mutants.mutants_of(SOURCE, "m.py")]
    assert changes[:2] == ["module: LIMIT = 3 -> LIMIT = 4", "module: LIMIT = 3 -> LIMIT = 2"]
    for change in (
        "best: min(values) < least -> min(values) <= least",
        "best: min(values) -> max(values)",
        "best: not values or min(values) < least -> not values and min(values) < least",
        "best: raise ValueError(f'needs {1 + 1} values') -> pass",
        "best: return max(values, key=lambda one: one - LIMIT) -> return None",
        "best: max(values, key=lambda one: one - LIMIT) -> max(values)",
        "best: one - LIMIT -> one + LIMIT",
    ):
        assert change in changes


def test_a_fault_changes_one_place_and_leaves_the_original_alone(mutants):
    tree = ast.parse(SOURCE)
    before, found = ast.dump(tree), mutants.mutants_of(SOURCE, "m.py")
    planted = [ast.unparse(one.planted(tree)) for one in found]
    assert len({one.name for one in found}) == len(set(planted)) == len(found)
    assert ast.dump(tree) == before
    assert ast.unparse(tree) not in planted


def test_docstrings_annotations_imports_and_what_errors_say_stay_as_they_are(mutants):
    for one in mutants.mutants_of(SOURCE, "m.py"):
        text = ast.unparse(one.planted(ast.parse(SOURCE)))
        assert "A module." in text and "The largest." in text and "from x import y" in text
        assert "list[int]" in text and "int | None" in text
        assert "needs {1 + 1} values" in text or "raise" not in text


def test_what_is_listed_as_equivalent_is_a_mutant_of_the_source_as_it_is(mutants, repository):
    """Where this fails the code of an equivalent mutant has changed: prove it anew, or take it off the list."""
    listed = tomllib.loads((repository / "scripts" / "equivalent_mutants.toml").read_text())["equivalent"]
    folder = repository / "src" / "tradsys"
    names = {
        mutant.name
        for module in {one["mutant"].split()[0] for one in listed}
        for mutant in mutants.mutants_of((folder / module).read_text(), module)
    }
    assert {one["mutant"] for one in listed} <= names
    assert all(one["reason"] for one in listed)
