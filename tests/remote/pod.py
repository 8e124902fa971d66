"""A pod of one's own for tests: an ssh server on a loopback port, with keys that are thrown away."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
MISSING = [
    name
    for name, found in (("sshd", SSHD), *((one, shutil.which(one)) for one in ("ssh", "rsync", "git")))
    if not found
]
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Pod:
    """The server, the folder that it keeps all in, and the place from which commands are typed."""

    server: subprocess.Popen
    ssh: str
    folder: Path
    place: Path
    environ: dict[str, str] = field(default_factory=dict)

    @classmethod
    def start(cls, keys: Path, folder: Path, place: Path) -> "Pod":
        """Begin to listen."""
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / name], check=True)
        port = _free_port()
        (keys / "authorized").write_text((keys / "user.pub").read_text())
        (keys / "known").write_text(f"[127.0.0.1]:{port} {(keys / 'host.pub').read_text()}")
        (keys / "sshd_config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {keys}/host\nAuthorizedKeysFile {keys}/authorized\n"
            "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
        )
        (keys / "ssh_config").write_text(
            f"Host pod\n HostName 127.0.0.1\n Port {port}\n User {getpass.getuser()}\n IdentityFile {keys}/user\n"
            f" IdentitiesOnly yes\n UserKnownHostsFile {keys}/known\n StrictHostKeyChecking yes\n BatchMode yes\n"
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where a server of root goes before it knows who comes
        with (keys / "log").open("wb") as log:
            command = [SSHD, "-D", "-e", "-f", keys / "sshd_config"]
            server = subprocess.Popen(command, stderr=log, stdin=subprocess.DEVNULL)
        _wait(lambda: _listens(port), 30)
        return cls(server, f"ssh -F {keys}/ssh_config", folder, place)

    def tradsys(self, *words: str, **settings: object) -> subprocess.Popen:
        """A command as it is typed, with both streams to read; `settings` are those of section remote."""
        own = {
            "TRADSYS_REMOTE__FOLDER": str(self.folder),
            "TRADSYS_REMOTE__ENVIRONMENT": sys.executable,
            "TRADSYS_REMOTE__PYTHON": sys.executable,
            "TRADSYS_REMOTE__SSH": self.ssh,
            "TRADSYS_REMOTE__RECONNECT_S": "60",
        }
        own |= {f"TRADSYS_REMOTE__{name.upper()}": str(value) for name, value in settings.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRADSYS_", "PYTEST"))}
        environ = {**kept, **own, **self.environ, "PYTHONPATH": str(ROOT / "src")}
        return subprocess.Popen(
            [sys.executable, "-m", "tradsys", *words],
            cwd=self.place,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def done(self, *words: str, **settings: object) -> tuple[int, str, str]:
        """The same, waited for: exit code and both streams."""
        return finish(self.tradsys(*words, **settings))

    def bring_compiled(self) -> None:
        """Kernels that this checkout has compiled, for the code that is there now, which is the same."""
        (code,) = (self.folder / "code").iterdir()
        for path in (ROOT / "src").rglob("*.nb[ci]"):
            target = code / path.relative_to(ROOT)
            target.parent.mkdir(exist_ok=True)
            shutil.copy(path, target)

    def sessions(self) -> list[int]:
        """Processes of the server that serve a connection."""
        return [pid for pid in _children(self.server.pid) if "sshd" in _name(pid)]

    def cut(self) -> None:
        """Break every connection, as a network does."""
        for pid in self.sessions():
            for one in (*_children(pid), pid):
                if "sshd" in _name(one):
                    os.kill(one, signal.SIGKILL)

    def jobs(self) -> list[Path]:
        """Folders of the jobs, the oldest first."""
        return sorted((self.folder / "jobs").iterdir())

    def close(self) -> None:
        """Stop listening."""
        self.cut()
        self.server.terminate()
        self.server.wait()


def finish(process: subprocess.Popen) -> tuple[int, str, str]:
    """What is left of both streams, which may have been read from, and the exit code."""
    with process:
        out, err = process.stdout.read(), process.stderr.read()
        return process.wait(), out, err


def wait_for(is_so, seconds: float = 60.0) -> None:
    """Until it is so; an error where it never is."""
    _wait(is_so, seconds)


def members(session: int) -> list[int]:
    """Living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        fields = _stat(int(entry.name)) if entry.name.isdigit() else []
        if fields and int(fields[3]) == session and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def _children(parent: int) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if (fields := _stat(pid)) and int(fields[1]) == parent]


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def _wait(is_so, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)
