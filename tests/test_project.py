"""The project's own files: locks, set-up, formatting, types and layers."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

LOCKS = ("requirements.lock", "requirements-torch.lock", "requirements-dev.lock")
ALONE = tuple(f"requirements-{name}.lock" for name in ("mlflow", "freqtrade", "nautilus"))
"""Whole environments of other programs, the package's base among them."""

APART = ("requirements-docs.lock", *ALONE)
"""Locks of environments of their own, which share packages with the others."""


def locked(repository: Path, name: str) -> dict[str, str]:
    """Package to version, as the lock pins them."""
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (repository / name).read_text(), flags=re.M))


def tool(repository: Path, name: str, *args: str) -> None:
    """Run one of the tools of this interpreter's environment; its output is the failure's message."""
    command = [Path(sys.executable).parent / name, *args]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class TestLocks:
    @pytest.mark.parametrize("name", LOCKS + APART)
    def test_every_line_is_a_pin_or_a_hash(self, repository, name):
        """So there is no host, index, find-links or comment either."""
        wanted = re.compile(r"([a-z0-9._-]+==[\w.+!-]+( ; [^\\]+)?|    --hash=sha256:[0-9a-f]{64})( \\)?")
        lines = (repository / name).read_text().splitlines()
        assert [line for line in lines if not wanted.fullmatch(line)] == []
        assert not re.search("https?:|//", "".join(lines))

    @pytest.mark.parametrize("name", LOCKS + APART)
    def test_every_pin_has_a_hash(self, repository, name):
        text = (repository / name).read_text()
        blocks = re.split(r"^(?=[a-z])", text, flags=re.M)[1:]
        assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []

    def test_no_package_is_in_two_locks(self, repository):
        names = [name for lock in LOCKS for name in locked(repository, lock)]
        assert len(names) == len(set(names))

    @pytest.mark.parametrize("name", ALONE)
    def test_an_environment_of_its_own_holds_the_versions_that_a_run_has(self, repository, name):
        run, own = locked(repository, "requirements.lock"), locked(repository, name)
        assert {package: own[package] for package in run.keys() & own.keys()} == {
            package: run[package] for package in run.keys() & own.keys()
        }
        project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
        base = {re.match(r"[a-z0-9-]+", requirement)[0] for requirement in project["dependencies"]}
        assert base <= own.keys()

    def test_only_the_torch_lock_brings_torch_and_cuda(self, repository):
        heavy = re.compile("torch|nvidia|cuda|triton")
        assert "torch" in locked(repository, "requirements-torch.lock")
        for name in ("requirements.lock", "requirements-dev.lock"):
            assert [package for package in locked(repository, name) if heavy.search(package)] == []

    def test_every_dependency_is_locked(self, repository):
        """A dependency that was added without `make lock`."""
        project = tomllib.loads((repository / "pyproject.toml").read_text())
        groups = [
            project["project"]["dependencies"],
            *project["project"]["optional-dependencies"].values(),
            *project["dependency-groups"].values(),
        ]
        names = {re.match(r"[a-z0-9-]+", requirement)[0] for group in groups for requirement in group} - {"tradsys"}
        assert names - {name for lock in LOCKS + APART for name in locked(repository, lock)} == set()

    def test_whatever_the_package_imports_is_declared(self, repository):
        project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
        groups = [project["dependencies"], *project["optional-dependencies"].values()]
        declared = {re.match(r"[a-z0-9-]+", requirement)[0] for group in groups for requirement in group}
        installed = packages_distributions()
        imported = {name for path in (repository / "src").rglob("*.py") for name in imports(path)}
        foreign = imported - sys.stdlib_module_names - {"tradsys"}
        undeclared = {
            name
            for name in foreign
            if declared.isdisjoint(n.lower().replace("_", "-") for n in installed.get(name, [name]))
        }
        assert undeclared == set()


def imports(path: Path) -> set[str]:
    """First names of everything a file imports, at its top or inside a function."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


@pytest.fixture
def clone(repository, tmp_path):
    """A folder with an awkward name that holds the set-up, and tools that only note what they are asked."""
    folder = tmp_path / "a fresh clone"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", ".python-version", *LOCKS, *APART, "scripts", ".ci"):
        copy = shutil.copytree if (repository / name).is_dir() else shutil.copy
        copy(repository / name, folder / name)
    return folder


@pytest.fixture
def called(clone):
    """Runs one make target in the clone and returns what uv, pip, tradsys and pytest were asked, line by line."""
    log, tools = clone / "called.log", clone / "tools"
    fake_python = f"""#!/bin/sh
case "$*" in
    "-c import sys; sys.exit"*) exit 0 ;;
    "-c import sys; print"*) echo '{tools}/python3.12' ;;
    "-m venv .venv" | "-m venv .venv-docs")
        mkdir -p "$3/bin"
        cp '{tools}/python3.12' "$3/bin/python"
        cp '{tools}/tradsys' "$3/bin/tradsys" ;;
    "-m pip install"*uv.txt) [ -z "$NO_UV" ] && cp '{tools}/spare-uv' .venv/bin/uv ;;
    *) echo python "$@" >>'{log}' ;;
esac
"""
    tools.mkdir()

    def put(name: str, text: str = "") -> None:
        (tools / name).write_text(text or f"#!/bin/sh\necho {name} \"$@\" >>'{log}'\n")
        (tools / name).chmod(0o755)

    put("python3.12", fake_python)
    put("tradsys")
    put("spare-uv")

    def make(*args: str, has_uv: bool = True, **environ: str) -> list[str]:
        log.write_text("")
        if has_uv:
            put("uv")
        path = f"{tools}:/usr/bin:/bin"
        environ = {"PATH": path, "HOME": str(clone), "PYENV_ROOT": str(clone / "pyenv"), "NO_UV": ""} | environ
        done = subprocess.run(["make", *args], cwd=clone, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return log.read_text().splitlines()

    return make


INSTALL = "uv pip install --python .venv/bin/python --quiet"
RUN_LOCKS = "--require-hashes --requirement requirements.lock --requirement requirements-torch.lock"
DEV_LOCKS = (
    "--require-hashes --requirement requirements.lock --requirement requirements-dev.lock "
    "--requirement requirements-torch.lock"
)
PROJECT = "--no-deps --no-build-isolation --editable ."
WARM = "tradsys doctor --warm"


class TestSetUp:
    def test_run_installs_the_locks_and_the_project_and_runs_on_the_sample(self, called):
        assert called("run") == [f"{INSTALL} {RUN_LOCKS}", f"{INSTALL} {PROJECT}", WARM, "tradsys run --bars sample"]

    def test_second_run_installs_nothing(self, called):
        called("run")
        assert called("run", "ARGS=--bars x.parquet --seed 3") == ["tradsys run --bars x.parquet --seed 3"]

    def test_moved_clone_makes_its_environment_anew(self, called, clone):
        called("run")
        (clone / ".venv" / ".made-in").write_text("/somewhere/else\n")
        (clone / "pyproject.toml").touch()
        assert called("run")[0] == f"{INSTALL} {RUN_LOCKS}"
        assert (clone / ".venv" / ".made-in").read_text() == f"{clone}\n"

    def test_changed_lock_is_installed(self, called, clone):
        called("run")
        lock = clone / "requirements.lock"
        stamp = lock.stat().st_mtime + 3600
        os.utime(lock, (stamp, stamp))
        assert called("run")[0] == f"{INSTALL} {RUN_LOCKS}"

    def test_cpu_run_skips_the_torch_lock_and_asks_for_the_cpu_build(self, called, repository):
        version = locked(repository, "requirements-torch.lock")["torch"]
        assert called("run", "TORCH=cpu") == [
            f"{INSTALL} --require-hashes --requirement requirements.lock",
            f"{INSTALL} --torch-backend=cpu torch=={version}",
            f"{INSTALL} {PROJECT}",
            WARM,
            "tradsys run --bars sample",
        ]

    def test_unknown_torch_build_is_refused(self, clone):
        command = ["make", "run", "TORCH=gpu"]
        done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert "TORCH is cpu, or left out; found gpu" in done.stderr

    def test_cpu_choice_is_remembered(self, called):
        called("run", "TORCH=cpu")
        commands = called("test")
        assert not any("requirements-torch.lock" in command for command in commands)
        assert any("--torch-backend=cpu" in command for command in commands)

    def test_test_installs_the_tools_too_and_runs_pytest(self, called):
        commands = called("test", "ARGS=-k purge")
        assert commands[:3] == [f"{INSTALL} {DEV_LOCKS}", f"{INSTALL} {PROJECT}", WARM]
        assert commands[3].startswith("python -m pytest") and commands[3].endswith("-k purge")

    def test_absent_uv_is_put_into_the_environment(self, called):
        assert called("run", has_uv=False)[0] == f"spare-{INSTALL} {RUN_LOCKS}"

    def test_pip_takes_over_where_uv_cannot_be_had(self, called):
        assert called("run", has_uv=False, NO_UV="1")[0] == f"python -m pip install --quiet {RUN_LOCKS}"

    def test_no_python_is_one_sentence(self, clone):
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(clone), "PYENV_ROOT": str(clone / "pyenv"), "PYTHON": ""}
        hidden = clone / "bin"
        hidden.mkdir()
        for name in ("python3.12", "python3", "python", "uv"):
            (hidden / name).write_text("#!/bin/sh\nexit 1\n")
            (hidden / name).chmod(0o755)
        environ["PATH"] = f"{hidden}:/usr/bin:/bin"
        done = subprocess.run(["make", "run"], cwd=clone, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert "wanted Python 3.12 (.python-version), found none" in done.stderr

    def test_the_pages_are_built_in_an_environment_of_their_own(self, clone, called):
        asked = called("docs")
        assert f"{INSTALL} {DEV_LOCKS}" in asked
        assert asked[-2:] == [
            "python -m pip install --quiet --require-hashes --requirement requirements-docs.lock",
            "python scripts/build_site.py",
        ]
        assert called("docs", "ARGS=mkdocs") == ["python scripts/build_site.py mkdocs"]

    def test_ci_runs_make_test_with_what_needs_the_registry_and_builds_the_pages(self, clone):
        done = subprocess.run(
            ["bash", "-c", "make() { echo make \"$@\"; }; export -f make; bash .ci/run"],
            cwd=clone, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout == "make test ARGS=--registry\nmake docs ARGS=mkdocs\nmake docs\n"
        assert "make neighbours\n" in done.stderr


class TestTools:
    """What `make check` runs beside the tests, here so that CI holds it as well."""

    def test_files_are_formatted(self, repository):
        tool(repository, "ruff", "format", "--check")

    def test_lint_finds_nothing(self, repository):
        tool(repository, "ruff", "check")

    def test_imports_only_go_downward(self, repository):
        tool(repository, "lint-imports")

    @pytest.mark.slow
    def test_types_are_strict(self, repository):
        tool(repository, "mypy")


def test_nothing_writes_or_reads_a_pickle(repository):
    words = re.compile(r"^\s*(import|from) (pickle|cloudpickle|joblib|dill)\b|torch\.(save|load)\(|allow_pickle", re.M)
    assert [path.name for path in (repository / "src").rglob("*.py") if words.search(path.read_text())] == []


def test_a_class_name_occurs_once(repository):
    """One noun, one meaning."""
    found: dict[str, list[str]] = {}
    for path in sorted((repository / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(str(path.relative_to(repository)))
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def test_whatever_git_keeps_at_the_root_is_published_but_measurements(repository):
    """Files that a source distribution has are named one by one in pyproject.toml: a new one belongs there too."""
    listed = subprocess.run(["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git repository around this folder")
    kept = {name.split("/")[0] for name in listed.stdout.splitlines()} - {"measurements"}
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    patterns = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {name for name in kept if not any(fnmatch(f"/{name}", pattern) for pattern in patterns)} == set()
