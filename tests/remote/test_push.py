"""The environment of the locks is made once, in a copy of the code, and not taken for made where that failed."""

import subprocess

import pytest

from tradsys.remote.push import _SET_UP


@pytest.fixture
def code(tmp_path):
    """A checkout whose set-up writes down how often, with what and with which Python it was called."""
    folder = tmp_path / "code"
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts" / "setup.sh").write_text('echo "$1 $2 $PYTHON" >>calls\nexit $(cat exit)\n')
    (folder / "exit").write_text("0")
    return folder


def set_up(code, torch="lock"):
    target = code.parent / "env"
    command = ["sh", "-c", _SET_UP, "sh", str(code), str(target), torch, "python3.12"]
    return subprocess.run(command, check=False).returncode, target


def test_it_is_made_once_from_a_copy(code):
    assert [set_up(code, "cpu")[0] for _ in range(2)] == [0, 0]
    target = set_up(code)[1]
    assert (target / "tree" / "calls").read_text() == "run cpu python3.12\n"
    assert (target / "done").exists() and not (code / "calls").exists()


def test_one_that_failed_is_made_again(code):
    (code / "exit").write_text("3")
    failed, target = set_up(code)
    assert failed == 3 and not (target / "done").exists()
    (code / "exit").write_text("0")
    assert set_up(code)[0] == 0 and (target / "done").exists()
