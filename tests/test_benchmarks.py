"""Benchmarks and scripts name what there is: a moved module would only be missed when one of them is run."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted([*ROOT.glob("benchmarks/*.py"), *ROOT.glob("scripts/*.py")])
IMPORTED = re.compile(r"from (tradsys[\w.]*) import (?:\(([^)]*)\)|([^\n(#]+))")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_name_that_is_imported_exists(file):
    """In the programs that a benchmark hands to other processes too."""
    for module, in_brackets, on_line in IMPORTED.findall(file.read_text()):
        found = importlib.import_module(module)
        for name in (in_brackets or on_line).split(","):
            plain = name.split("#")[0].partition(" as ")[0].strip()
            assert not plain or hasattr(found, plain) or importlib.import_module(f"{module}.{plain}")
