"""What runs on the host, called here: its variables, states of jobs, hashes; and that an older Python can read it."""

import ast
import json
import os

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
    (folder / "job.json").write_text(json.dumps({"taken": ["bars.csv"]}))
    for name in ("bars.csv", "runs/one/report.html", "runs/.part/left"):
        (folder / "here" / name).write_text(name)
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
