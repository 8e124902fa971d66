"""What runs on the host, called here: its variables, states of jobs, hashes; and that an older Python can read it."""

import ast
import json
import os
import signal
import subprocess

import pytest

from tradsys.remote import on_host

POD = b"\0".join(
    (
        b"RUNPOD_CPU_COUNT=16",
        b"RUNPOD_API_KEY=canary",
        b"RUNPOD_JWT_TOKEN=canary",
        b"SSL_CERT_FILE=/pod.pem",
        b"O=canary",
    )
)


@pytest.fixture
def job(tmp_path):
    folder = tmp_path / "job"
    (folder / "here" / "runs" / "one").mkdir(parents=True)
    (folder / "here" / "runs" / ".part").mkdir()
    for name in ("bars.csv", "runs/one/report.html", "runs/.part/left"):
        (folder / "here" / name).write_text(name)
    os.utime(folder / "here" / "bars.csv", (1, 1))
    (folder / "job.json").write_text(json.dumps({"taken": ["bars.csv"]}))
    return folder


def pid_file(job, **changed):
    own = {"pid": os.getpid(), "start": on_host._started(os.getpid()), "boot": on_host._boot()}
    own |= {"supervisor": [os.getpid(), own["start"]], **changed}
    (job / "pid").write_text(json.dumps(own))


def test_a_job_gets_what_is_named_and_never_a_secret(tmp_path, monkeypatch):
    (tmp_path / "environ").write_bytes(POD)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("HTTPS_PROXY", "session")
    given = {"SSL_CERT_FILE": "/here.pem", "PIP_INDEX_URL": "ours", "HTTPS_PROXY": "ours", "MY_TOKEN": "canary"}
    names = ["SSL_CERT_FILE", "PIP_INDEX_URL", "HTTPS_PROXY", "AWS_SECRET_ACCESS_KEY", "MY_TOKEN"]
    found = on_host.environment(names, given, tmp_path / "environ")
    assert "canary" not in found.values()
    own = {name: value for name, value in found.items() if name not in on_host.KEPT}
    assert own == {
        "RUNPOD_CPU_COUNT": "16",
        "SSL_CERT_FILE": "/pod.pem",
        "HTTPS_PROXY": "session",
        "PIP_INDEX_URL": "ours",
    }


def test_a_machine_whose_first_process_cannot_be_read_has_no_variables_of_its_own(tmp_path):
    found = on_host.environment([], {"PYTHONPATH": "/code"}, tmp_path / "absent")
    assert found.keys() - on_host.KEPT == {"PYTHONPATH"}


def test_a_process_is_known_by_number_start_and_boot(job):
    assert on_host.state(job) == {"state": "lost", "why": "it never began"}
    pid_file(job)
    assert on_host.state(job) == {"state": "running"}
    pid_file(job, start="1", supervisor=[os.getpid(), "1"])
    assert on_host.state(job)["why"] == f"process {os.getpid()} is gone and left no exit code"
    pid_file(job, boot="another")
    assert on_host.state(job)["why"] == "the machine was started anew since"
    (job / "exit").write_text(json.dumps({"code": 3, "ended": 1.0}))
    assert on_host.state(job) == {"state": "ended", "code": 3, "ended": 1.0}


def test_what_a_job_wrote_is_all_but_what_it_took_and_what_is_hidden(job):
    assert list(on_host.files({"job": str(job)})["files"]) == ["runs/one/report.html"]
    (job / "files.json").write_text('{"runs/one/report.html": "as the supervisor took it"}')
    assert on_host.files({"job": str(job)})["files"] == {"runs/one/report.html": "as the supervisor took it"}


def test_a_file_that_was_taken_along_and_then_changed_is_a_result(job):
    (job / "here" / "bars.csv").write_text("more")
    later = (job / "job.json").stat().st_mtime_ns + 1
    os.utime(job / "here" / "bars.csv", ns=(later, later))
    assert list(on_host.files({"job": str(job)})["files"]) == ["bars.csv", "runs/one/report.html"]


@pytest.fixture
def left_alone(job):
    """Starts a session whose first process is gone and another goes on, in a folder; the other's number."""
    begun = []

    def start(folder):
        typed = ["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!; read line"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        first = subprocess.Popen(typed, cwd=folder, start_new_session=True, text=True, **pipes)
        begun.append(int(first.stdout.readline()))
        started = on_host._started(first.pid)
        first.communicate("")
        pid_file(job, pid=first.pid, start=started, supervisor=[first.pid, started])
        return begun[-1]

    yield start
    for pid in filter(is_running, begun):
        os.kill(pid, signal.SIGKILL)


def is_running(pid):
    stat = on_host._stat(pid)
    return bool(stat) and stat[0] != "Z"


def test_what_a_lost_job_left_running_is_stopped(job, left_alone):
    pid = left_alone(job / "here")
    assert on_host.state(job)["state"] == "lost"
    told = on_host.stop({"job": str(job)})
    assert (told["was"], told["left"]) == ("lost", []) and told["signals"]
    assert not is_running(pid)


def test_a_session_that_has_got_the_number_of_an_ended_one_is_left_alone(job, left_alone, tmp_path, monkeypatch):
    pid = left_alone(tmp_path)  # another's: its first process is gone too, and it works elsewhere
    told = on_host.stop({"job": str(job)})
    assert (told["left"], told["signals"]) == ([], []) and is_running(pid)
    with subprocess.Popen(["sleep", "60"], cwd=job / "here", start_new_session=True) as other:
        pid_file(job, pid=other.pid, start="1")  # the supervisor still writes down what the job wrote
        assert on_host.state(job)["state"] == "running"
        monkeypatch.setattr(on_host, "PATIENCE_S", ((signal.SIGINT, 0.2),))
        told = on_host.stop({"job": str(job)})
        assert told["left"] == [] and other.poll() is None
        other.kill()


def test_a_ledger_that_is_gone_has_merged_nothing(tmp_path):
    (tmp_path / "incoming" / "me").mkdir(parents=True)
    (tmp_path / "incoming" / "me" / "merged").write_text("head")
    asked = {"folder": str(tmp_path), "client": "me"}
    assert on_host.look(asked)["merged"] == ""
    (tmp_path / "journal" / "ledger.jsonl").write_text("")
    assert on_host.look(asked)["merged"] == "head"


def test_a_tree_that_is_not_the_one_that_was_wanted_is_not_admitted(tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "a.py").write_text("1")
    digest = on_host.tree_digest(tmp_path / "part")
    asked = {"part": str(tmp_path / "part"), "target": str(tmp_path / "code")}
    (tmp_path / "part" / "a.py").chmod(0o755)
    assert on_host.admit({**asked, "digest": digest}) != {"digest": digest}
    assert list(tmp_path.iterdir()) == []


def test_an_older_python_without_our_packages_can_run_it(repository):
    source = (repository / "src" / "tradsys" / "remote" / "on_host.py").read_text()
    tree = ast.parse(source, feature_version=(3, 9))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert not any(name.startswith("tradsys") for name in imported) and "__future__" in imported
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))
