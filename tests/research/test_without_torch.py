"""Research without a network takes no torch: neither to tune, to calibrate nor to read what was compared."""

import pkgutil
import subprocess
import sys

import pytest

import tradsys.research

FOLDERS = ("walk", "selection", "judging", "diagnostics", "tuning", "claims", "calibration")

IMPORT_ALL = """
import importlib, sys

class Absent:
    def find_spec(self, name, *_):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"{sys.argv[1:]} need torch")

sys.meta_path.insert(0, Absent())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


@pytest.mark.parametrize("folder", FOLDERS)
def test_modules_are_imported_where_torch_is_not_installed(folder):
    package = f"{tradsys.research.__path__[0]}/{folder}"
    names = [one.name for one in pkgutil.iter_modules([package], f"tradsys.research.{folder}.")]
    assert names
    subprocess.run([sys.executable, "-c", IMPORT_ALL, *names], check=True)
