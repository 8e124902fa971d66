"""What lies in `deploy/` cannot be built where tests run: it is held to what it names, and the scripts are tried."""

import os
import re
import shlex
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from tests.test_docs import parse

from tradsys.core.errors import ConfigError, HaltError
from tradsys.research.parts.part import Part

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
FILES = sorted(DEPLOY.iterdir())
DOCKERFILES = [path for path in FILES if path.name.startswith("Dockerfile")]
SCRIPTS = [path for path in FILES if path.suffix == ".sh"]
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
every_image = pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
every_script = pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)

VALUES = {"SLURM_ARRAY_TASK_ID": "2", "SLURM_CPUS_PER_TASK": "4", "SKYPILOT_NUM_NODES": "3"}
"""What stands for the variables of those who call the commands."""


def instructions(path: Path) -> list[tuple[str, str]]:
    """Each instruction of a Dockerfile with what follows it, its continued lines joined."""
    lines = re.sub(r"\\\n\s*", "", path.read_text()).splitlines()
    return [(word, rest) for line in lines if line and line[0] != "#" for word, _, rest in [line.partition(" ")]]


def told(path: Path) -> list[str]:
    """Command lines of tradsys in it, in comments too, with values in the place of variables."""
    text = re.sub(r"\\\n\s*", "", path.read_text())
    text = re.sub(r"\$\(\(.*?\)\)", "2", text)
    text = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", text)
    for name, value in VALUES.items():
        text = text.replace(f"${name}", value)
    return re.findall(r"(?:^|[\s/])tradsys(?::gpu)? ((?:run|calibrate|merge|doctor|trade)\b[^\n#;`]*)", text)


def test_all_that_was_promised_is_there():
    names = {"Dockerfile.cpu", "Dockerfile.gpu", "pod.sh", "sky.yaml", "slurm-calibrate.sh", "tradsys-bot.service"}
    assert {path.name for path in FILES} == names


@every_file
def test_commands_parse(path):
    found = told(path)
    assert found
    for command in found:
        parse(shlex.split(command))


@every_file
def test_paths_exist(path):
    named = set(re.findall(r"(?<![\w/.$}-])(?:deploy|scripts|src)/[\w./-]+", path.read_text()))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@every_file
def test_no_secret_and_no_download_is_named(path):
    text = path.read_text()
    assert not re.search(r"(?i)api_?key|token|secret|password|credential", text)
    assert "://" not in text


@every_image
def test_the_base_is_pinned_by_its_version_and_the_same_as_the_projects(path):
    bases = [rest.split()[0] for word, rest in instructions(path) if word == "FROM"]
    python = (ROOT / ".python-version").read_text().strip()
    assert len(bases) == 2
    for base in bases:
        assert re.fullmatch(rf"python:{re.escape(python)}\.\d+-slim-\w+", base), base


@every_image
def test_nobody_is_root_and_only_the_environment_and_the_code_get_in(path):
    last = [one for one in instructions(path)]
    last = last[[word for word, _ in last].index("FROM", 1) :]
    assert [rest for word, rest in last if word == "USER"] == ["tradsys"]
    after = [word for word, _ in last][[word for word, _ in last].index("USER") :]
    assert set(after) == {"USER", "ENTRYPOINT", "CMD"}
    copied = [rest.split()[-2] for word, rest in last if word == "COPY" and "--from=build" in rest]
    assert copied == ["/app/.venv", "/app/LICENSE", "/app/src"]


@every_image
def test_what_is_copied_exists_and_is_let_in(path):
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    let_in = [rule[1:] for rule in rules if rule.startswith("!")]
    for word, rest in instructions(path):
        if word == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists()
                assert any(fnmatch(source, rule) for rule in let_in), source
    assert not any(fnmatch(name, rule) for name in (".env", "data", "runs", "journal", ".git") for rule in let_in)


@every_image
def test_it_is_set_up_from_the_locks(path):
    (setup,) = [rest for word, rest in instructions(path) if "setup.sh" in rest and word == "RUN"]
    assert setup.endswith(f"sh scripts/setup.sh run {'cpu' if path.suffix == '.cpu' else 'lock'}")
    assert "--require-hashes" in (ROOT / "scripts" / "setup.sh").read_text()


@every_script
def test_scripts_stop_at_the_first_error_and_are_sound_shell(path):
    assert re.search(r"^set -eu(o pipefail)?$", path.read_text(), flags=re.M)
    shell = path.read_text().splitlines()[0].removeprefix("#!/bin/")
    subprocess.run([shell, "-n", path], check=True)
    if checker := shutil.which("shellcheck"):
        subprocess.run([checker, path], check=True)


@pytest.fixture
def pod(tmp_path):
    """A repository in which the set-up and the doctor only say that they were called."""
    project = tmp_path / "project"
    (project / "deploy").mkdir(parents=True)
    (project / "scripts").mkdir()
    (project / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(DEPLOY / "pod.sh", project / "deploy")
    (project / "scripts" / "setup.sh").write_text('echo "setup $*"\n')
    doctor = project / ".venv" / "bin" / "tradsys"
    doctor.write_text('#!/bin/sh\necho "tradsys $*"\n')
    doctor.chmod(0o755)
    return project


def make_ready(project: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    stubs = project.parent / "bin"
    stubs.mkdir(exist_ok=True)
    for name in ("rsync", "python3.12"):  # what is there already is not installed
        (stubs / name).write_text("#!/bin/sh\n")
        (stubs / name).chmod(0o755)
    env = {"PATH": f"{stubs}:{os.environ['PATH']}", **environment}
    call = ["sh", "deploy/pod.sh", *args]
    return subprocess.run(call, cwd=project, env=env, capture_output=True, text=True, check=False)


def test_a_pod_keeps_its_results_on_the_volume_and_is_made_ready_again(pod, tmp_path):
    volume = tmp_path / "volume with spaces"
    for _ in range(2):
        done = make_ready(pod, str(volume))
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == ["setup run lock", "tradsys doctor"]
        (pod / "runs" / "result").touch()
    assert {path.name for path in volume.iterdir()} == {"data", "runs", "journal", "calibration"}
    assert (volume / "runs" / "result").exists()
    assert make_ready(pod, str(volume), TORCH="cpu").stdout.startswith("setup run cpu")


def test_a_pod_with_results_in_the_repository_loses_none_of_them(pod, tmp_path):
    (pod / "runs").mkdir()
    (pod / "runs" / "result").touch()
    done = make_ready(pod, str(tmp_path / "volume"))
    assert done.returncode == 1
    assert "wanted a link at runs, found a folder; move it to" in done.stderr
    assert (pod / "runs" / "result").exists()


def test_a_pod_without_a_volume_says_so(pod, tmp_path):
    (tmp_path / "file").touch()
    done = make_ready(pod, str(tmp_path / "file" / "below"))
    assert done.returncode == 1
    assert "wanted a folder on a volume that outlives the pod, cannot make" in done.stderr


def test_the_array_of_slurm_does_each_part_and_the_same_one_again(tmp_path):
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    tradsys = tmp_path / ".venv" / "bin" / "tradsys"
    tradsys.write_text('#!/bin/sh\necho "$@"\n')
    tradsys.chmod(0o755)
    text = (DEPLOY / "slurm-calibrate.sh").read_text()
    first, last = map(int, re.search(r"^#SBATCH --array=(\d+)-(\d+)$", text, flags=re.M).groups())
    called = []
    for k in range(first, last + 1):
        given = {"SLURM_ARRAY_TASK_ID": str(k), "SLURM_CPUS_PER_TASK": "4", "SLURM_SUBMIT_DIR": str(tmp_path)}
        env = {"PATH": os.environ["PATH"], "SLURM_ARRAY_TASK_COUNT": "2", **given}
        done = subprocess.run(
            ["bash", DEPLOY / "slurm-calibrate.sh"], env=env, capture_output=True, text=True, check=True
        )
        called.append(re.search(r"--part (\S+)", done.stdout)[1])
    assert tuple(map(Part.of, called)) == Part(1, last).others


def test_skypilot_gives_each_node_its_part():
    task = yaml.safe_load((DEPLOY / "sky.yaml").read_text())
    parts = []
    for rank in range(task["num_nodes"]):
        env = {"SKYPILOT_NODE_RANK": str(rank), "SKYPILOT_NUM_NODES": str(task["num_nodes"])}
        line = task["run"].replace(".venv/bin/tradsys", "echo")
        done = subprocess.run(["bash", "-c", line], env=env, capture_output=True, text=True, check=True)
        parts.append(Part.of(re.search(r"--part (\S+)", done.stdout)[1]))
    assert tuple(parts) == Part(1, task["num_nodes"]).others
    base = task["resources"]["image_id"].removeprefix("docker:")
    assert {base.replace("-bookworm", "-slim-bookworm")} == {
        rest.split()[0] for path in DOCKERFILES for word, rest in instructions(path) if word == "FROM"
    }


def unit():
    """The unit of systemd: its keys to their values."""
    lines = (DEPLOY / "tradsys-bot.service").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_systemd_watches_the_bot_and_restarts_it_only_where_that_helps():
    keys = unit()
    assert (keys["Type"], keys["Restart"], keys["KillSignal"]) == ("notify", "on-failure", "SIGTERM")
    assert int(keys["WatchdogSec"]) > 0
    stays_down = {ConfigError.exit_code, HaltError.exit_code, 4}
    assert {int(code) for code in keys["RestartPreventExitStatus"].split()} == stays_down


def test_systemd_gives_the_bot_no_rights():
    keys = unit()
    assert keys["User"] != "root" and keys["CapabilityBoundingSet"] == "" and keys["UMask"] == "0077"
    for key in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "RestrictSUIDSGID"):
        assert keys[key] == "yes", key
    assert keys["ProtectSystem"] == "strict" and keys["ReadWritePaths"] == keys["WorkingDirectory"]
