"""Commands on a pod, from push to pull, against an ssh server on this machine with keys of its own."""

import json
import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from tests.remote.pod import MISSING, Pod, finish, members, wait_for

from tradsys.data.simulate import simulate
from tradsys.runs.folder import file_hashes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"no {', '.join(MISSING)} here (apt install openssh-server rsync)"),
]

CANARY = "canary-4711"
BARS = ("--bars", "EDGE-1h.parquet")
QUICK = (*BARS, "--agent", "logistic")
QUICK += tuple(
    word for one in ("regimes.n_starts=1", "folds.n_folds=2", "folds.path_groups=0") for word in ("--set", one)
)

TALKING = """
import os, sys, time
for n in range(40):
    for part in (f"line {n} be", "gins\\n"):
        sys.stdout.write(part)
        sys.stdout.flush()
        time.sleep(0.1)
os._exit(7)
"""

SLEEPING = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)
print("asleep", flush=True)
time.sleep(600)
"""

STUBBORN = f"""
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
{SLEEPING}
"""


@pytest.fixture(scope="module")
def pod(tmp_path_factory):
    base = tmp_path_factory.mktemp("pod")
    for name in ("keys", "pod", "place"):
        (base / name).mkdir()
    place = base / "place"
    simulate("edge:3", seed=5, n_bars=4_000).write_parquet(place / "EDGE-1h.parquet")
    for name, source in {"talking": TALKING, "sleeping": SLEEPING, "stubborn": STUBBORN}.items():
        (place / f"{name}.py").write_text(source)
    (place / ".env").write_text(f"EXCHANGE_SECRET={CANARY}\nSTRATEGY_PROFILE=AUDITED\n")
    pod = Pod.start(base / "keys", base / "pod", place)
    pod.environ |= {
        name: CANARY for name in ("FRED_API_KEY", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "RUNPOD_API_KEY", "OTHER")
    }
    pod.environ |= {name: "1" for name in THREADS}
    pod.environ["TRADSYS_REMOTE__VARIABLES"] = json.dumps([*THREADS, *(name for name in KERNELS if name in os.environ)])
    code, _, err = pod.done("remote", "push", "pod")
    assert code == 0, err
    pod.bring_compiled()
    yield pod
    pod.close()


THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS")
KERNELS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Which kernels OpenBLAS takes: a machine that sets them has other last digits without."""


@pytest.fixture(scope="module")
def ran(pod):
    """A run that ended on the pod: its job there, and its folder here."""
    code, out, err = pod.done("remote", "run", "pod", "--", "run", *QUICK)
    assert code == 0, out + err
    assert "it outlives Ctrl-C here: tradsys remote follow pod, tradsys remote stop pod" in err
    return re.search(r"job (\S+) on pod", err)[1], pod.place / re.search(r"pulled (\S+), every file", out)[1]


def begun(pod, plugin):
    """A job that goes on until it is ended: the command here, and its folder there."""
    before = set(pod.jobs()) if (pod.folder / "jobs").exists() else set()
    command = pod.tradsys("remote", "run", "pod", "--", "run", *BARS, "--plugin", f"{plugin}.py")
    if command.stdout.readline() != "asleep\n":
        pytest.fail(str(finish(command)))
    (job,) = [one for one in set(pod.jobs()) - before if "run" in json.loads((one / "job.json").read_text())["command"]]
    return command, job


def test_a_run_there_equals_a_run_here_but_for_clock_and_machine(pod, ran):
    code, _, err = pod.done("run", *QUICK, "--out", "local", "--journal", "local-journal")
    assert code == 0, err
    (local,) = (pod.place / "local").iterdir()
    there, here = ({**file_hashes(one), "manifest.json": "", "report.html": ""} for one in (ran[1], local))
    assert there == here and len(there) > 10
    manifests = [json.loads((one / "manifest.json").read_text()) for one in (ran[1], local)]
    for manifest in manifests:
        assert manifest.pop("created") and manifest["machine"].pop("free_bytes")
    assert manifests[0] == manifests[1]
    reports = [(one / "report.html").read_text() for one in (ran[1], local)]
    assert re.sub(CLOCK, "", reports[0]) == re.sub(CLOCK, "", reports[1])


CLOCK = r"<dt>Made</dt><dd>[^<]*|<dt>Machine, free bytes</dt><dd>\d+"


def test_a_run_is_pulled_once_and_its_trials_count_here_and_ours_there(pod, ran):
    code, out, _ = pod.done("remote", "pull", "pod", "--job", ran[0])
    assert code == 0 and "is here already" in out and "0 entries added" in out
    ledgers = [one / "journal" / "ledger.jsonl" for one in (pod.place, pod.folder)]
    assert [ledger.read_text().count('"kind":"trial"') for ledger in ledgers] == [4, 4]
    said = pod.done("journal", "add", "--market", "EDGE-1h.parquet", "--hypothesis", "it-trends")
    assert said[0] == 0, said
    first, second = (pod.done("remote", "push", "pod") for _ in range(2))
    assert "1 entry added" in first[2] and "added" not in second[2]
    assert "it-trends" in ledgers[1].read_text()


@pytest.mark.parametrize("name", ["report.html", "trades.parquet"])
def test_a_flipped_byte_is_refused_by_name_and_leaves_nothing(pod, ran, name, tmp_path):
    stored = pod.folder / "jobs" / ran[0] / "here" / "runs" / ran[1].name / name
    whole = stored.read_bytes()
    stored.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    words = ("--job", ran[0], "--out", str(tmp_path / "runs"), "--journal", str(tmp_path / "journal"))
    code, _, err = pod.done("remote", "pull", "pod", *words)
    assert code == 1 and f"{name} of " in err and "SHA-256 differs" in err
    assert list((tmp_path / "runs").iterdir()) == []
    stored.write_bytes(whole)
    assert pod.done("remote", "pull", "pod", *words)[0] == 0
    assert file_hashes(tmp_path / "runs" / ran[1].name) == file_hashes(ran[1])


def test_a_log_is_followed_through_cut_connections_and_lines_and_the_exit_code_is_the_jobs(pod):
    command = pod.tradsys("remote", "run", "pod", "--", "run", *BARS, "--plugin", "talking.py")
    lines = [command.stdout.readline() for _ in range(3)]
    pod.cut()
    lines += [command.stdout.readline() for _ in range(10)]
    wait_for(pod.sessions)  # lines of before the cut may still have been on their way
    pod.cut()
    code, out, err = finish(command)
    assert ("".join(lines) + out).startswith("".join(f"line {n} begins\n" for n in range(40)))
    assert out.count(" begins") == 40 - len(lines)
    assert err.count("the connection to pod was lost, trying again in ") >= 2
    assert code == 7


def test_a_killed_run_ends_with_its_signal_and_leaves_no_process(pod):
    command, job = begun(pod, "sleeping")
    leader = json.loads((job / "pid").read_text())["pid"]
    assert len(members(leader)) == 2
    os.kill(leader, signal.SIGKILL)
    assert finish(command)[0] == 128 + signal.SIGKILL
    assert members(leader) == []


@pytest.mark.parametrize(("plugin", "signals", "code"), [("sleeping", "SIGINT", 130), ("stubborn", "SIGKILL", 137)])
def test_stop_ends_a_job_within_ten_seconds_and_leaves_no_orphan(pod, plugin, signals, code):
    command, job = begun(pod, plugin)
    leader = json.loads((job / "pid").read_text())["pid"]
    _, out, _ = pod.done("remote", "stop", "pod", "--job", job.name, "--json")
    said = json.loads(out)
    assert (said["state"], said["code"], said["signals"][-1]) == ("ended", code, signals)
    assert said["left"] == [] and said["seconds"] < 10
    assert members(leader) == []
    assert finish(command)[0] == code
    assert "was not running" in pod.done("remote", "stop", "pod", "--job", job.name)[1]


def test_no_canary_reaches_the_pod_and_settings_do(pod):
    command, job = begun(pod, "sleeping")
    known = json.loads((job / "pid").read_text())
    pids = [known["supervisor"][0], *members(known["pid"])]
    environs = [Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") for pid in pids]
    pod.done("remote", "stop", "pod", "--job", job.name)
    finish(command)
    assert len(environs) == 3 and all(CANARY.encode() not in b"".join(one) for one in environs)
    names = {one.partition(b"=")[0].decode() for one in environs[1] if one}
    assert {"STRATEGY_PROFILE", "PYTHONPATH", *THREADS} <= names
    assert names <= {"STRATEGY_PROFILE", "PYTHONPATH", "TRADSYS_DATA__ROOT", *THREADS, *KERNELS, *SESSION} | runpod(
        names
    )
    files = [path for path in pod.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 500
    assert [path for path in files if CANARY.encode() in path.read_bytes() and path.name != "test_pod.py"] == []


SESSION = ("HOME", "PATH", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PWD", "LC_CTYPE")


def runpod(names):
    return {name for name in names if name.startswith("RUNPOD_")}


def test_a_job_whose_machine_or_process_is_gone_is_lost(pod, tmp_path):
    command, job = begun(pod, "sleeping")
    pod.done("remote", "stop", "pod", "--job", job.name)
    finish(command)
    jobs = tmp_path / "jobs"
    for name in ("1-restarted", "2-vanished"):
        shutil.copytree(job, jobs / name)
        (jobs / name / "exit").unlink()
    known = json.loads((jobs / "1-restarted" / "pid").read_text())
    (jobs / "1-restarted" / "pid").write_text(json.dumps({**known, "boot": "another"}))
    code, out, _ = pod.done("remote", "status", "pod", folder=tmp_path)
    assert code == 0
    assert [line.split("  ")[2] for line in out.splitlines()] == [
        "lost: the machine was started anew since",
        f"lost: process {known['pid']} is gone and left no exit code",
    ]
    code, _, err = pod.done("remote", "follow", "pod", "--job", "1", folder=tmp_path)
    assert code == 1 and "1-restarted on pod is lost: the machine was started anew since; run it again" in err
