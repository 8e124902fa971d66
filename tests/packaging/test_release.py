"""tests `scripts/release.py`"""

import subprocess
from datetime import date

import pytest
from scripts.release import (
    CHANGELOG,
    HOMELESS,
    PROJECT_FILE,
    SECTION,
    TAG_TEXT,
    VERSION_FILE,
    ReleaseError,
    dated,
    main,
    prepared,
)

from tradsys import __version__

DAY = date(2026, 12, 1)
LOG = "# Changelog\n\nWhat changed.\n\n## Unreleased\n\n- A new thing\n  of two lines.\n\n## 0.1.0\n\n- All.\n"
DATED = LOG.replace("## Unreleased", "## 0.2.0 (2026-12-01)")


@pytest.fixture
def root(tmp_path):
    """A project in git, with one release behind it and a change since."""
    (tmp_path / VERSION_FILE).parent.mkdir(parents=True)
    (tmp_path / VERSION_FILE).write_text('"""Bars."""\n\n__version__ = "0.1.0"\n')
    (tmp_path / CHANGELOG).write_text(LOG)
    (tmp_path / PROJECT_FILE).write_text('[project]\nname = "tradsys"\n')
    (tmp_path / ".gitignore").write_text("dist/\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Begin")
    return tmp_path


def git(folder, *words):
    who = ("-c", "user.name=t", "-c", "user.email=t@t.example")
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def texts(root):
    return [(root / path).read_text() for path in (VERSION_FILE, CHANGELOG)]


def test_it_only_says_what_it_would_do(root, capsys):
    before = texts(root)
    assert main(["0.2.0", "--date", "2026-12-01"], root) == 0
    said = capsys.readouterr().out
    assert '+__version__ = "0.2.0"' in said and "+## 0.2.0 (2026-12-01)" in said and "tradsys 0.2.0\n\n- A new" in said
    assert texts(root) == before and not (root / TAG_TEXT).exists()


def test_it_writes_version_section_and_tag(root, capsys):
    assert main(["0.2.0", "--date", "2026-12-01", "--write"], root) == 0
    assert texts(root) == ['"""Bars."""\n\n__version__ = "0.2.0"\n', DATED]
    assert (root / TAG_TEXT).read_text() == "tradsys 0.2.0\n\n- A new thing\n  of two lines.\n"


def test_what_it_says_to_type_next_makes_the_tag(root, capsys):
    main(["0.2.0", "--write"], root)
    lines = [line.strip() for line in capsys.readouterr().out.split("next:")[1].splitlines()]
    git(root, "commit", "--all", "--quiet", "--message", "Release 0.2.0")
    (tag,) = [line for line in lines if line.startswith("git tag")]
    git(root, *tag.split()[1:])
    assert "tradsys 0.2.0\n\n- A new thing\n  of two lines.\n" in git(root, "cat-file", "tag", "v0.2.0")


@pytest.mark.parametrize(
    ("version", "reason"),
    [("0.0.9", "a version from 0.1.0 on"), ("0.2", "three numbers"), ("0.1.0", "does not have yet, found 0.1.0")],
)
def test_a_version_that_cannot_be_next_is_refused(root, version, reason):
    with pytest.raises(ReleaseError, match=reason):
        prepared(root, version, DAY)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (DATED, r"found ## 0.2.0 \(2026-12-01\)"),
        (LOG.replace("Unreleased", "0.4.0"), "found ## 0.4.0"),
        ("# Changelog\n", "found no section"),
        (LOG.replace("- A new thing\n  of two lines.\n", ""), "wanted a line for each change"),
    ],
)
def test_a_changelog_without_what_is_released_is_refused(log, reason):
    with pytest.raises(ReleaseError, match=reason):
        dated(log, "0.2.0", DAY)


def test_a_section_that_is_named_already_gets_its_date():
    assert dated(LOG.replace("Unreleased", "0.2.0"), "0.2.0", DAY)[0] == DATED


def test_files_that_are_not_committed_are_refused(root, capsys):
    (root / "stray.csv").touch()
    assert main(["0.2.0", "--write"], root) == 1
    assert "wanted all files committed, found 1 that are not:\n?? stray.csv" in capsys.readouterr().err
    assert texts(root)[1] == LOG


def test_a_version_with_a_tag_is_refused(root, capsys):
    git(root, "tag", "v0.2.0")
    assert main(["0.2.0", "--write"], root) == 1
    assert "found v0.2.0; raise the version" in capsys.readouterr().err


def test_the_newest_section_of_this_project_is_what_it_calls_itself(repository):
    newest = SECTION.search((repository / CHANGELOG).read_text())
    assert newest["name"] == __version__ or (newest["name"] == "Unreleased" and not newest["day"])


def test_it_asks_for_a_public_address_until_there_is_one(root, capsys):
    assert main(["0.2.0"], root) == 0
    assert HOMELESS in capsys.readouterr().out
    home = '[project.urls]\nRepository = "https://code.example/owner/tradsys"\n'
    (root / PROJECT_FILE).write_text(f'[project]\nname = "tradsys"\n{home}')
    assert main(["0.2.0"], root) == 0
    assert HOMELESS not in capsys.readouterr().out
