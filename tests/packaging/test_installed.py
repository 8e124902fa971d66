"""The wheel in clean environments that cannot be written to: on each Python it does the main job and every command."""

import shutil

import pytest
from tests.packaging.building import build
from tests.packaging.clean import AS_IT_IS, PYTHONS, UV, CleanEnvironment, called, found_python
from tests.test_extras import INSTALLED, LINES, check, extras_of

from tradsys.data.simulate import simulate

MAIN_JOB = ("tradsys", "run", "--bars", "sample", "--agent", "logistic")
WRITES = "import tradsys, pathlib; pathlib.Path(tradsys.__file__).with_name('written').touch()"


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory):
    return build(repository, tmp_path_factory.mktemp("dist"), "-t", "wheel")[0]


@pytest.mark.registry
def test_what_it_requires_resolves_on_a_python_that_is_not_here(repository):
    """From wheels alone; it is not run there, and not among the classifiers."""
    resolve = (UV, "pip", "compile", *AS_IT_IS, "--quiet", "--only-binary", ":all:")
    called(*resolve, "--python-version", "3.14", "--extra", "all", repository / "pyproject.toml")


@pytest.mark.registry
@pytest.mark.slow
@pytest.mark.parametrize("version", PYTHONS)
def test_the_wheel_alone_does_the_main_job_and_every_command(version, wheel, finished, tmp_path):
    interpreter = found_python(version)
    if interpreter is None:
        pytest.skip(f"no Python {version} in pyenv or known to uv, and none is downloaded")
    environment = CleanEnvironment(tmp_path)
    for kind in INSTALLED:
        environment.make(interpreter, wheel, extras_of(kind))
        place = begun(tmp_path / kind, finished[2])
        assert_it_is_the_wheel(environment, place)
        lines = {line: words_of(line, kind, place) for line in LINES}
        for line, answer in zip(lines, environment.answers(place, list(lines.values())), strict=True):
            check(kind, line, answer)
        if kind == "research":
            assert_the_main_job_is_done(environment, place)
    assert {path.suffix for path in (tmp_path / ".cache").rglob("*") if path.is_file()} >= {".nbi", ".nbc"}


def begun(place, stored):
    """A folder of a user: bars, and runs that were stored before."""
    shutil.copytree(stored, place / "stored")
    simulate("edge:3", seed=5, n_bars=4_500).write_parquet(place / "EDGE-1h.parquet")
    return place


def words_of(line, kind, place):
    stored = place / "stored"
    (run,) = (stored / "runs").iterdir()
    return [word.format(stored=stored, run=run, kind=kind) for word in line.split()]


def assert_it_is_the_wheel(environment, place):
    """The code is that of the environment, and cannot be written to."""
    done = environment.run(place, "python", "-P", "-c", "import tradsys; print(tradsys.__file__)")
    assert done.stdout.startswith(str(environment.folder)), done.stdout + done.stderr
    assert "Permission denied" in environment.run(place, "python", "-P", "-c", WRITES).stderr


def assert_the_main_job_is_done(environment, place):
    done = environment.run(place, *MAIN_JOB)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (place / "runs").glob("*btc-usd*")
    assert {"report.html", "verdict.json", "bundle"} <= {path.name for path in folder.iterdir()}
