"""tests `core/kernels.py`"""

import os
import shutil
import subprocess
import sys

import pytest

KERNELS = """
from tradsys.core.kernels import njit
from constants import FACTOR

@njit(cache=True)
def called(x):
    return FACTOR * x
"""
CALLER = """
from tradsys.core.kernels import kernel_folder, njit
from kernels import called

@njit(cache=True)
def caller(x):
    return called(x) + 1
"""
PRINT = """
from caller import caller, kernel_folder
{first}print(caller({value}), sum(caller.stats.cache_hits.values()), kernel_folder(caller))
"""


@pytest.fixture
def code(tmp_path):
    """A folder with a kernel that calls one of another file, which takes a constant from a third."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "constants.py").write_text("FACTOR = 10\n")
    (folder / "kernels.py").write_text(KERNELS)
    (folder / "caller.py").write_text(CALLER)
    return folder


def said(code, value="2.0", before=(), first="", **environment):
    """The result, how often machine code was found, and in which folder; `first` is done before the call."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    path = os.pathsep.join([str(code), *(one for one in sys.path if one)])
    done = subprocess.run(
        [*before, sys.executable, "-B", "-c", PRINT.format(value=value, first=first)],
        env=kept | {"PYTHONPATH": path} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result, hits, folder = done.stdout.split()
    return float(result), int(hits), folder


def edit(path, old, new):
    """As an editor does it: another content, and of the same length, so that only a look inside tells."""
    path.write_text(path.read_text().replace(old, new))


def test_machine_code_is_found_again_until_a_file_that_it_is_made_of_changes(code):
    beside = str(code / "__pycache__")
    assert said(code) == (21.0, 0, beside)
    assert said(code) == (21.0, 1, beside)
    edit(code / "kernels.py", "FACTOR * x", "FACTOR - x")
    assert said(code) == (9.0, 0, beside)
    edit(code / "constants.py", "10", "20")
    assert said(code) == (19.0, 0, beside)
    assert said(code) == (19.0, 1, beside)


def test_an_edit_between_import_and_first_call_is_compiled_by_the_next_process(code):
    edited = "import kernels; text = open(kernels.__file__).read().replace('FACTOR * x', 'FACTOR - x')"
    first = f"{edited}; open(kernels.__file__, 'w').write(text)\n"
    assert said(code, first=first) == (21.0, 0, str(code / "__pycache__"))
    assert said(code)[:2] == (9.0, 0)


def test_an_edit_elsewhere_changes_nothing(code):
    said(code)
    (code / "other.py").write_text("FACTOR = 5\n")
    edit(code / "constants.py", "FACTOR = 10", "FACTOR = 10\nOTHER = 3")
    assert said(code)[1] == 1


@pytest.fixture
def read_only(code):
    """How to begin a process that cannot write to the folder: root has to be told to keep to permissions."""
    code.chmod(0o555)
    if os.geteuid() != 0:
        yield ()
    elif shutil.which("setpriv"):
        yield ("setpriv", "--bounding-set", "-dac_override")
    else:
        pytest.skip("root writes to any folder, and there is no setpriv to hold it back")
    code.chmod(0o755)


def test_of_read_only_code_it_is_kept_in_the_users_home(code, read_only, tmp_path):
    home = tmp_path / "home"
    for hits in (0, 1):
        result, found, folder = said(code, before=read_only, HOME=str(home))
        assert (result, found) == (21.0, hits)
        assert folder.startswith(f"{home}/")


def test_where_nothing_can_be_written_it_is_compiled_each_time(code, read_only):
    for _ in range(2):
        assert said(code, before=read_only, HOME="/proc/none") == (21.0, 0, "None")


def test_two_processes_that_store_two_signatures_at_once_keep_both(code):
    values = ("2.0", "2")
    script = [sys.executable, "-c"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(code), *(one for one in sys.path if one)])}
    environment.pop("NUMBA_CACHE_DIR", None)
    at_once = [
        subprocess.Popen([*script, PRINT.format(value=value, first="")], env=environment) for value in values * 2
    ]
    assert [process.wait() for process in at_once] == [0] * 4
    assert [said(code, value)[:2] for value in values] == [(21.0, 1), (21.0, 1)]


def test_every_kernel_is_one_of_these(repository):
    """Numba's own decorator would keep machine code that its callees have outlived."""
    files = [path for path in (repository / "src").rglob("*.py") if path.name != "kernels.py"]
    assert len(files) > 300
    others = ("from numba import njit", "from numba import jit", "import numba\n", "numba.njit")
    assert [path.name for path in files if any(words in path.read_text() for words in others)] == []
