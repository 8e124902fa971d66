"""Wheel and source distribution: what they hold, and that they are the same bytes wherever they are built."""

import os
import shutil
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from fnmatch import filter as matching
from stat import S_IMODE

import pytest
from tests.packaging.building import build
from tests.packaging.clean import PYTHONS

IN_THE_WHEEL = (
    *("py.typed", "verdict/calibration.json", "data/development.json"),
    *("data/sample_bars/*.csv.gz", "data/sample_bars/MIT.txt", "data/sample_bars/SOURCE.txt"),
    *("report/templates/*.html.j2", "report/templates/*.css", "report/scripts/*.js"),
    *(f"report/vendor/lightweight-charts/{name}" for name in ("*.production.js", "LICENSE", "NOTICE")),
)
"""What a run, its report and a type checker read beside the code."""


@pytest.fixture(scope="module")
def project(repository):
    return tomllib.loads((repository / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def published(repository, project):
    """Names at the root that the source distribution takes."""
    patterns = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    return sorted(path.name for pattern in patterns for path in repository.glob(pattern.removeprefix("/")))


@pytest.fixture(scope="module")
def packages(repository, tmp_path_factory):
    return build(repository, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def unpacked(packages, tmp_path_factory):
    """The source distribution as someone else unpacks it."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(packages[1]) as archive:
        archive.extractall(folder, filter="data")
    (inside,) = folder.iterdir()
    return inside


def files_below(folder, *names):
    """Paths of all files of the project, what Python and numba keep beside them aside."""
    found = [
        path for name in names for path in ((folder / name).rglob("*") if (folder / name).is_dir() else [folder / name])
    ]
    return {path.relative_to(folder).as_posix() for path in found if path.is_file() and "__pycache__" not in path.parts}


def bytes_of(paths):
    return [path.read_bytes() for path in paths]


def test_another_folder_with_other_times_and_rights_gives_the_same_bytes(repository, published, packages, tmp_path):
    for name in files_below(repository, *published):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(repository / name, tmp_path / name)
    for path in tmp_path.rglob("*"):
        path.chmod(S_IMODE(path.stat().st_mode) & ~0o044)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert bytes_of(build(tmp_path, tmp_path / "dist")) == bytes_of(packages)


def test_the_source_distribution_gives_the_same_wheel(packages, unpacked, tmp_path):
    assert bytes_of(build(unpacked, tmp_path, "-t", "wheel")) == bytes_of(packages[:1])


def test_the_time_in_them_is_the_one_that_was_asked_for(repository, tmp_path):
    (wheel,) = build(repository, tmp_path, "-t", "wheel", SOURCE_DATE_EPOCH="1700000000")
    with zipfile.ZipFile(wheel) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}


def test_the_wheel_holds_all_of_the_package_and_nothing_else(repository, packages):
    with zipfile.ZipFile(packages[0]) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == files_below(repository / "src", "tradsys")
    assert [pattern for pattern in IN_THE_WHEEL if not matching(names, f"tradsys/{pattern}")] == []


def test_the_source_distribution_holds_what_is_published_and_nothing_else(repository, published, unpacked):
    assert files_below(unpacked, ".") - {"PKG-INFO"} == files_below(repository, *published)


def test_the_readme_in_the_metadata_has_no_link_that_an_index_lacks(packages):
    from scripts.metadata import LINK

    with zipfile.ZipFile(packages[0]) as archive:
        (name,) = matching(archive.namelist(), "*.dist-info/METADATA")
        metadata = message_from_bytes(archive.read(name))
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload().startswith("# tradsys") and not LINK.search(metadata.get_payload())


def test_it_calls_itself_what_was_tried(project):
    """Pythons that CI installs it on; an alpha, as no bot has met a real exchange."""
    classifiers = project["project"]["classifiers"]
    wanted = {f"Programming Language :: Python :: {version}" for version in (*PYTHONS, "3 :: Only")}
    assert {text for text in classifiers if text.startswith("Programming")} == wanted
    assert "Development Status :: 3 - Alpha" in classifiers
