"""What is done on the other machine: its Python runs this file as it is, so that it needs nothing but that.

A job is a folder `jobs/<id>` with `job.json` (what was asked), `pid` (who does it), `log`, `files.json` (hashes of what
it wrote) and `exit`. Its process is known by number, start and boot: a number alone may be another's by now.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

KEPT = ("HOME", "PATH", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""Variables of the session that a job keeps."""

SECRET = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH")
"""Names of variables that no job ever gets."""

POLL_S = 0.1
PATIENCE_S = ((signal.SIGINT, 4.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 2.0))
"""How a job is stopped: the signals in order, each with the seconds that it is given."""

FOLDERS = ("code", "env", "jobs", "journal", "store", "files", "incoming")


def look(asked: dict[str, Any]) -> dict[str, Any]:
    """What is there: the folder, states of the code, the oldest first, environments, and the jobs with their states."""
    folder = Path.home() / Path(asked["folder"]).expanduser()
    for name in ("", *FOLDERS):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    codes = [path for path in (folder / "code").iterdir() if not path.name.startswith(".")]
    merged = folder / "incoming" / asked["client"] / "merged"
    return {
        "folder": str(folder.resolve()),
        "has_proc": Path("/proc/self/stat").exists(),
        "has_rsync": any(os.access(Path(at) / "rsync", os.X_OK) for at in os.environ.get("PATH", "").split(":")),
        "codes": [path.name for path in sorted(codes, key=lambda path: path.stat().st_mtime)],
        "environments": [path.parent.name for path in (folder / "env").glob("*/done")],
        "merged": merged.read_text() if merged.exists() and (folder / "journal" / "ledger.jsonl").exists() else "",
        "jobs": [{"job": job.name, **_json(job / "job.json"), **state(job)} for job in _jobs(folder)],
    }


def admit(asked: dict[str, Any]) -> dict[str, Any]:
    """Give code that was sent its name, once its digest is the one that was wanted."""
    part, target = Path(asked["part"]), Path(asked["target"])
    found = tree_digest(part)
    if found == asked["digest"] and not target.exists():
        os.utime(part)
        part.rename(target)
    shutil.rmtree(part, ignore_errors=True)
    return {"digest": found}


def note(asked: dict[str, Any]) -> dict[str, Any]:
    """Write a small text file."""
    Path(asked["path"]).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(Path(asked["path"]), asked["text"])
    return {}


def files(asked: dict[str, Any]) -> dict[str, Any]:
    """SHA-256 of each file that an ended job wrote, as its supervisor took them; of a lost one, as they are now."""
    job = Path(asked["job"])
    stored = job / "files.json"
    return {"files": _json(stored) if stored.exists() else written(job)}


def start(asked: dict[str, Any]) -> dict[str, Any]:
    """Begin a job that outlives this session, in a working folder that has links to the files that it takes."""
    job = Path(asked["job"])
    here = job / "here"
    here.mkdir(mode=0o700, parents=True)
    for name in asked["taken"]:
        target, source = here / name, Path(asked["files"]) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(str(source), str(target))
    told = {name: asked[name] for name in ("command", "taken", "out", "journal", "began")}
    _write(job / "job.json", json.dumps(told))
    environ = environment(asked["variables"], asked["given"])
    if os.fork() == 0:
        try:
            _supervise(job, asked["commands"], environ)
        finally:
            os._exit(1)
    _wait(lambda: (job / "pid").exists() or (job / "exit").exists(), 10.0)
    return state(job)


def environment(names: list[str], given: dict[str, str], pod: Path = Path("/proc/1/environ")) -> dict[str, str]:
    """A job's variables: a few of the session's, RUNPOD_* and named ones of the machine's own, the given for the rest.

    A name that looks like a secret's is left out, whoever names it.
    """
    try:
        pairs = [text.partition("=") for text in os.fsdecode(pod.read_bytes()).split("\0") if "=" in text]
    except OSError:
        pairs = []
    own = {name: value for name, _, value in pairs if name.startswith("RUNPOD_") or name in names}
    session = {name: value for name, value in os.environ.items() if name in KEPT or name in names}
    return {name: value for name, value in {**given, **session, **own}.items() if not SECRET.search(name.upper())}


def state(job: Path) -> dict[str, Any]:
    """Whether a job runs, has ended (with its code) or is lost (and why)."""
    if (job / "exit").exists():
        return {"state": "ended", **_json(job / "exit")}
    if not (job / "pid").exists():
        return {"state": "lost", "why": "it never began"}
    known = _json(job / "pid")
    if known["boot"] != _boot():
        return {"state": "lost", "why": "the machine was started anew since"}
    if _is_alive(known["pid"], known["start"]) or _is_alive(*known["supervisor"]):
        return {"state": "running"}
    if (job / "exit").exists():  # it ended while we looked
        return {"state": "ended", **_json(job / "exit")}
    return {"state": "lost", "why": f"process {known['pid']} is gone and left no exit code"}


def follow(asked: dict[str, Any]) -> dict[str, Any]:
    """The bytes of a job's log from an offset on, until the job is over or nobody listens any more."""
    job, offset = Path(asked["job"]), int(asked["offset"])
    listener = select.poll()
    listener.register(1, 0)
    while True:
        is_over = state(job)["state"] != "running"
        offset = _copy_on(job / "log", offset)
        if is_over or listener.poll(POLL_S * 1000):
            os._exit(0)
        time.sleep(POLL_S)


def _copy_on(log: Path, offset: int) -> int:
    """Write what a log holds from an offset on, and say where that ends; a listener who is gone ends this program."""
    if not log.exists():
        return offset
    with log.open("rb") as file:
        file.seek(offset)
        while part := file.read(1 << 16):
            offset += len(part)
            while part:
                try:
                    part = part[os.write(1, part) :]
                except OSError:
                    os._exit(0)
    return offset


def stop(asked: dict[str, Any]) -> dict[str, Any]:
    """End a job and all processes of its session: interrupt, terminate, kill, within ten seconds."""
    job = Path(asked["job"])
    was, began = state(job), time.monotonic()
    used = []
    if was["state"] == "running" or any(_members_of(job)):  # the supervisor may be gone and the job not
        for number, seconds in PATIENCE_S:
            used.append(number.name)
            _signal_all(list(_members_of(job)), number)
            if _wait(lambda: not any(_members_of(job)), seconds):
                break
        _wait(lambda: state(job)["state"] != "running", 1.0)
    seconds = round(time.monotonic() - began, 1)
    return {"was": was["state"], "signals": used, "seconds": seconds, "left": list(_members_of(job)), **state(job)}


def written(job: Path) -> dict[str, str]:
    """SHA-256 of every file that a job wrote, without hidden folders and compiled code.

    What was taken along is among them where it was changed since.
    """
    folder, taken = job / "here", set(_json(job / "job.json")["taken"])
    began = (job / "job.json").stat().st_mtime_ns
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        is_hidden = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(folder).parts[:-1])
        if not path.is_file() or path.is_symlink() or is_hidden:
            continue
        if name not in taken or path.stat().st_mtime_ns > began:
            found[name] = _sha256(path)
    return found


def tree_digest(folder: Path) -> str:
    """What `remote.tree.digest_of` computes of the same files."""
    sha = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda one: one.relative_to(folder).as_posix()):
        if path.is_symlink() or path.is_file():
            sha.update(line_of(path.relative_to(folder).as_posix(), path))
    return sha.hexdigest()


def line_of(name: str, path: Path) -> bytes:
    """One file of a tree: its name, whether it may be executed, and the hash of its content or of where it points."""
    if path.is_symlink():
        kind, content = "link", hashlib.sha256(os.fsencode(path.readlink())).hexdigest()
    else:
        kind, content = "program" if path.stat().st_mode & 0o100 else "file", _sha256(path)
    return os.fsencode(f"{kind} {content} {name}\n")


def _supervise(job: Path, commands: list[list[str]], environ: dict[str, str]) -> None:
    """The process that begins the commands one after another, waits for them and writes down how they ended."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    log = os.open(str(job / "log"), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    for number, descriptor in ((0, nothing), (1, log), (2, log)):
        os.dup2(descriptor, number)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    code = 0
    for command in commands:
        code = _run(job, command, environ)
        if code:
            break
    _write(job / "files.json", json.dumps(written(job)))
    _write(job / "exit", json.dumps({"code": code, "ended": time.time()}))
    os._exit(0)


def _run(job: Path, command: list[str], environ: dict[str, str]) -> int:
    """One command in a session of its own; whatever of it outlives it is killed."""
    try:
        typed = [str(Path(command[0]).expanduser()), *command[1:]]
        process = subprocess.Popen(typed, cwd=str(job / "here"), env=environ, preexec_fn=_as_if_typed)
    except OSError as error:
        os.write(2, f"tradsys: {command[0]} cannot be started ({error.strerror})\n".encode())
        return 127
    known = {"pid": process.pid, "start": _started(process.pid), "boot": _boot()}
    _write(job / "pid", json.dumps({**known, "supervisor": [os.getpid(), _started(os.getpid())]}))
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # until it is waited for, its number is no other's
    _signal_all(list(_members(process.pid)), signal.SIGKILL)
    code = process.wait()
    return code if code >= 0 else 128 - code


def _as_if_typed() -> None:
    """A new session, and signals as at a terminal: a job that a shell began in the background ignores Ctrl-C."""
    os.setsid()
    for number in range(1, signal.NSIG):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            try:
                signal.signal(number, signal.SIG_DFL)
            except (OSError, ValueError):
                continue
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _signal_all(pids: list[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _members(session: int) -> Iterator[int]:
    """Numbers of the living processes of a session."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            stat = _stat(int(entry.name))
            if stat and int(stat[3]) == session and stat[0] not in ("Z", "X"):
                yield int(entry.name)


def _members_of(job: Path) -> Iterator[int]:
    """Those of a job's session, unless its number is another session's by now."""
    known = _json(job / "pid") if (job / "pid").exists() else None
    if not known or known["boot"] != _boot() or _started(known["pid"]) not in ("", known["start"]):
        return iter(())
    found = _members(known["pid"])
    if _started(known["pid"]):
        return found
    return (pid for pid in found if _is_in(pid, job / "here"))  # its first process is gone: others are known by place


def _is_in(pid: int, folder: Path) -> bool:
    try:
        place = Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return False
    return folder.resolve() in (place, *place.parents)


def _is_alive(pid: int, started: str) -> bool:
    stat = _stat(pid)
    return bool(stat) and stat[0] not in ("Z", "X") and _started(pid) == started


def _started(pid: int) -> str:
    """When a process began, in ticks since the boot; nothing where there is none."""
    stat = _stat(pid)
    return stat[19] if stat else ""


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat behind the name: state, parent, group, session, ... (proc(5) counts from 3)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return []


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _wait(is_done: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > until:
            return False
        time.sleep(POLL_S)
    return True


def _jobs(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "jobs").iterdir() if (path / "job.json").exists())


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text)
    part.replace(path)


def _sha256(path: Path) -> str:
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            sha.update(part)
    return sha.hexdigest()


ACTIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    one.__name__: one for one in (look, admit, note, files, start, follow, stop)
}


def main(action: str, asked: dict[str, Any]) -> None:
    """Do it and print the answer."""
    sys.stdout.write(json.dumps(ACTIONS[action](asked)))
