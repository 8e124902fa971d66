"""A connection to another machine through the system's ssh and rsync, so that the user's whole ssh configuration holds.

One connection carries everything: the first ssh opens it and the others pass through, unless the user's configuration
shares connections itself.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Self

from tradsys.core.errors import ConfigError, RemoteError, UnreachableError

_LOST: Final = 255
"""What ssh exits with where the connection fails; nothing of ours does."""

_RSYNC_LOST: Final = frozenset({10, 12, 30, 35, _LOST})
"""What rsync exits with where the connection fails."""

_SHARED_S: Final = 60

_USER: Final = r"([\w.][\w.+%@#=,-]*@)?"
_NAME: Final = r"[\w.][\w.%-]*"
_NAMED: Final = re.compile(_USER + _NAME)
_URL: Final = re.compile(rf"ssh://(?P<user>{_USER})(?P<name>{_NAME}|\[[\w:.%]+\])(:(?P<port>\d+))?/?")
"""No part begins with a dash, which ssh would take for an option, or holds what a shell or rsync would read."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host as ssh takes it: a name of its configuration, user@host, or ssh://user@host:port."""

    destination: str
    options: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """What the command line names.

        >>> Address.parse("ssh://root@192.0.2.7:12345")
        Address(destination='root@192.0.2.7', options=('-p', '12345'))
        """
        if text.startswith("ssh://"):
            found = _URL.fullmatch(text)
            if found and 0 < int(found["port"] or 22) < 1 << 16:
                return cls(found["user"] + found["name"].strip("[]"), ("-p", found["port"]) if found["port"] else ())
        elif _NAMED.fullmatch(text):
            return cls(text)
        raise ConfigError(f"a host is NAME, USER@NAME or ssh://USER@NAME:PORT, found {text!r}")

    @property
    def for_rsync(self) -> str:
        """The same, where a colon ends it."""
        user, at, name = self.destination.rpartition("@")
        return f"{user}{at}[{name}]" if ":" in name else self.destination


class Host:
    """The other machine, as long as it is asked; what is asked there is done by `on_host.py`."""

    def __init__(self, name: str, ssh: Sequence[str], python: str) -> None:
        self.name = name
        self._address = Address.parse(name)
        self._ssh = [*ssh, *self._address.options]
        self._python = python

    @classmethod
    @contextmanager
    def connected(cls, name: str, ssh: str, python: str, connect_s: float) -> Iterator[Self]:
        """The host, and the shared connection to it for as long as this lasts."""
        address, words = Address.parse(name), shlex.split(ssh)
        if shutil.which(words[0]) is None:
            raise RemoteError(f"remote works through the system's ssh, found no {words[0]} here; install OpenSSH")
        told = _configuration([*words, *address.options], address.destination)
        with tempfile.TemporaryDirectory(prefix="tradsys-") as private:
            own = _options(told, Path(private) / "c", connect_s)
            host = cls(name, [*words, *own], python)
            try:
                yield host
            finally:
                if "ControlPath" in " ".join(own):
                    host._close()

    def ask(self, action: str, **asked: Any) -> dict[str, Any]:
        """What the host answers."""
        done = subprocess.run(
            [*self._ssh, self._address.destination, f"{self._python} -"],
            input=_program(action, asked),
            capture_output=True,
            check=False,
        )
        self._check(done.returncode, done.stderr)
        try:
            answer: dict[str, Any] = json.loads(done.stdout.decode().strip().rpartition("\n")[2])
        except ValueError:
            raise RemoteError(
                f"{self.name} answered {done.stdout[-200:].decode(errors='replace')!r}, wanted one JSON object; what "
                "its shell prints for sessions without a terminal must go"
            ) from None
        return answer

    def stream(self, action: str, **asked: Any) -> Iterator[bytes]:
        """The bytes that the host writes, as they come."""
        with subprocess.Popen(
            [*self._ssh, self._address.destination, f"{self._python} -"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdin and process.stdout and process.stderr
            try:
                with process.stdin as given:
                    given.write(_program(action, asked))
            except BrokenPipeError:
                pass  # ssh says why on its error stream
            try:
                while part := os.read(process.stdout.fileno(), 1 << 16):
                    yield part
                told = process.stderr.read()
            except BaseException:
                process.kill()
                raise
            self._check(process.wait(), told)

    def send(self, root: Path, names: Sequence[str], target: str, *options: str) -> None:
        """Copy files, named relative to `root`, into a folder of the host."""
        self._rsync(names, f"{root.absolute()}/", f"{self._address.for_rsync}:{target}/", *options)

    def fetch(self, source: str, names: Sequence[str], root: Path, *options: str) -> None:
        """Copy files, named relative to a folder of the host, into `root`."""
        self._rsync(names, f"{self._address.for_rsync}:{source}/", f"{root.absolute()}/", *options)

    def mirror(self, source: str, target: str, *options: str) -> None:
        """Make a folder equal to another; the one of the host begins with `:`, the one here is absolute."""
        there = self._address.for_rsync
        ends = [f"{there}{end}" if end.startswith(":") else end for end in (source, target)]
        self._call(["-r", "--delete", *options], ends, b"")

    def _rsync(self, names: Sequence[str], source: str, target: str, *options: str) -> None:
        listed = b"".join(os.fsencode(name) + b"\0" for name in names)
        self._call(["-a", "--files-from=-", "--from0", *options], [source, target], listed)

    def _call(self, options: Sequence[str], ends: Sequence[str], given: bytes) -> None:
        if shutil.which("rsync") is None:
            raise RemoteError("remote copies files with the system's rsync, found none here; install rsync")
        command = ["rsync", "-e", shlex.join(self._ssh), *options, *ends]
        done = subprocess.run(command, input=given, capture_output=True, check=False)
        lost = _LOST if done.returncode in _RSYNC_LOST else done.returncode
        self._check(lost, done.stderr)

    def _check(self, code: int, told: bytes) -> None:
        said = [line for line in told.decode(errors="replace").splitlines() if line.strip()]
        words = "; ".join(said[-3:]) if said else f"exit code {code}"
        if code == _LOST:
            reason = said[0] if said else "the connection was lost"
            raise UnreachableError(f"{self.name} cannot be reached by ssh ({reason}); see that `ssh {self.name}` works")
        if code == 127:
            raise RemoteError(f"{self.name} has no {self._python} ({words}); name its Python with remote.python")
        if code:
            raise RemoteError(f"{self.name} could not do what was asked: {words}")

    def _close(self) -> None:
        command = [*self._ssh, "-O", "exit", self._address.destination]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def _configuration(ssh: Sequence[str], destination: str) -> dict[str, str]:
    """What ssh would do with its configuration for this host, which it tells without connecting."""
    done = subprocess.run([*ssh, "-G", destination], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigError(f"ssh refuses its configuration: {done.stderr.strip()}; mend it, or setting remote.ssh")
    return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())


def _options(told: dict[str, str], socket: Path, connect_s: float) -> list[str]:
    """What we add to the user's configuration, where that says nothing of it."""
    own: dict[str, str] = {}
    if told.get("controlmaster", "false") in ("false", "no") and told.get("controlpath", "none") == "none":
        own |= {"ControlMaster": "auto", "ControlPath": str(socket), "ControlPersist": str(_SHARED_S)}
    if told.get("serveraliveinterval", "0") == "0":
        own |= {"ServerAliveInterval": "5", "ServerAliveCountMax": "3"}
    if told.get("connecttimeout", "none") == "none":
        own["ConnectTimeout"] = f"{connect_s:.0f}"
    return [word for name, value in own.items() for word in ("-o", f"{name}={value}")]


def _program(action: str, asked: dict[str, Any]) -> bytes:
    """`on_host.py` with the line that calls it."""
    source = files("tradsys.remote").joinpath("on_host.py").read_text()
    return f"{source}\nmain({action!r}, json.loads({json.dumps(asked)!r}))\n".encode()
