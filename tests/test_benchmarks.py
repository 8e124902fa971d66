"""Benchmarks and scripts name what there is: a moved module would only be missed when one of them is run."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.environments import WITH_TORCH_AND_NUMPY

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


BENCHMARK = f"""{WITH_TORCH_AND_NUMPY}
import runpy
path, sys.argv = sys.argv[1], ["bench_training.py", "cuda"]
runpy.run_path(path, run_name="__main__")
"""


def test_the_benchmark_of_a_card_needs_torch_and_numpy_alone_and_says_where_there_is_none() -> None:
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", BENCHMARK, str(ROOT / "benchmarks/bench_training.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=hidden)
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("bench_training.py cuda needs a CUDA device, torch ")
    assert sentence.endswith(" finds none here")
