"""What is pushed: the files that git tracks, as they are now, under one digest on both sides."""

import shutil
import subprocess

import pytest

from tradsys.core.errors import ConfigError
from tradsys.remote import tree as tree_module
from tradsys.remote.on_host import tree_digest
from tradsys.remote.tree import Tree, read_tree

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="no git here")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A small project in git, with a package as ours has."""
    package = tmp_path / "src" / "tradsys"
    package.mkdir(parents=True)
    for name in ("src/tradsys/__init__.py", "src/tradsys/a.py", "gone.txt", ".env", "with blank.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "run.sh").write_text("x")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("run.sh")
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", tmp_path, *words], check=True)
    monkeypatch.setattr(tree_module.tradsys, "__file__", str(package / "__init__.py"))
    return tmp_path


def test_tracked_files_as_they_are_without_deleted_ones_and_env(checkout):
    assert read_tree().changed == ()
    (checkout / "gone.txt").unlink()
    (checkout / "src" / "tradsys" / "a.py").write_text("changed")
    (checkout / "untracked.txt").write_text("x")
    tree = read_tree()
    assert set(tree.names) == {"src/tradsys/__init__.py", "src/tradsys/a.py", "with blank.txt", "run.sh", "link"}
    assert set(tree.changed) == {"gone.txt", "src/tradsys/a.py"}


def test_both_sides_have_one_digest_which_changes_with_content_mode_and_name(checkout, tmp_path_factory):
    tree = read_tree()
    there = tmp_path_factory.mktemp("there")
    for name in tree.names:
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(checkout / name, there / name, follow_symlinks=False)
    assert tree_digest(there) == tree.digest
    digests = {tree.digest}
    (there / "run.sh").chmod(0o644)
    digests.add(tree_digest(there))
    (there / "run.sh").write_text("y")
    digests.add(tree_digest(there))
    (there / "run.sh").rename(there / "walk.sh")
    assert len(digests | {tree_digest(there)}) == 4


def test_source_files_that_git_does_not_know_are_refused(checkout):
    (checkout / "src" / "tradsys" / "new.py").write_text("")
    with pytest.raises(ConfigError, match=r"does not know 1 source files .* src/tradsys/new.py"):
        read_tree()


def test_what_is_no_checkout_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tree_module.tradsys, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(ConfigError, match="is a git checkout of this project"):
        read_tree()


def test_an_environment_is_known_by_locks_and_what_was_asked(repository):
    tree = Tree(repository, (), ())
    assert len({tree.lock_digest("lock"), tree.lock_digest("cpu"), tree.lock_digest("cpu")}) == 2
