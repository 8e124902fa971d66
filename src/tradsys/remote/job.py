"""A job on the host: begun there under a supervisor, its log followed through lost connections, its end told."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from tradsys.core.errors import ConfigError, RemoteError, UnreachableError
from tradsys.remote.host import Host

type Say = Callable[[str], None]
"""Takes a line for people."""

PREPARING = ("push",)
"""Stands for the command of a job that prepares the host for others."""

_LONGEST_WAIT_S = 15.0


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the host knows it: `state` is running, ended (with `code`) or lost (and `why`)."""

    name: str
    command: tuple[str, ...]
    state: str
    began: float
    out: str
    journal: str
    code: int | None = None
    why: str = ""

    @classmethod
    def of(cls, told: dict[str, Any]) -> Self:
        """What `look` answered of one."""
        own = {name: told[name] for name in ("state", "began", "out", "journal")}
        return cls(told["job"], tuple(told["command"]), code=told.get("code"), why=told.get("why", ""), **own)

    @property
    def sentence(self) -> str:
        """Its state in words."""
        how = {"running": "running", "ended": f"ended with {self.code}", "lost": f"lost: {self.why}"}
        return how[self.state]

    @property
    def typed(self) -> str:
        """Its command as somebody typed it."""
        return " ".join(self.command)


def fresh_name() -> str:
    """A job's name, in the order of time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def jobs_of(seen: dict[str, Any]) -> list[Job]:
    """The jobs that `look` found, the oldest first."""
    return [Job.of(one) for one in seen["jobs"]]


def chosen(jobs: Sequence[Job], name: str | None, host: str) -> Job:
    """The job that begins with this name; the last one that is more than a preparation unless given."""
    if not jobs:
        raise ConfigError(f"{host} has no jobs; `tradsys remote run {host} -- run --bars ...` begins one")
    if name is None:
        return next((one for one in reversed(jobs) if one.command != PREPARING), jobs[-1])
    matches = [one for one in jobs if one.name.startswith(name)]
    if len(matches) != 1:
        raise ConfigError(
            f"{name!r} fits {len(matches)} of {len(jobs)} jobs; `tradsys remote status {host}` names them"
        )
    return matches[0]


def follow(host: Host, path: str, look: Callable[[], Job], emit: Say, say: Say, patience_s: float) -> Job:
    """Emit each line of a job's log until the job is over, from where it was left after each lost connection."""
    offset, cut = 0, b""

    def once() -> Job:
        nonlocal offset, cut
        for part in host.stream("follow", job=path, offset=offset):
            offset += len(part)
            *lines, cut = (cut + part).split(b"\n")
            for line in lines:
                emit(line.decode(errors="replace"))
        return look()

    job = patiently(once, host.name, say, patience_s)
    while job.state == "running":
        job = patiently(once, host.name, say, patience_s)
    if cut:
        emit(cut.decode(errors="replace"))
    return job


def patiently[T](work: Callable[[], T], host: str, say: Say, patience_s: float) -> T:
    """Work that is tried again where the connection is lost, for so long; each time a sentence says so."""
    lost_at, wait = None, 0.5
    while True:
        began = time.monotonic()
        try:
            return work()
        except UnreachableError as error:
            now = time.monotonic()
            if lost_at is None or now - began > 2 * wait + 1:  # it had worked in between
                lost_at, wait = now, 0.5
            if now - lost_at >= patience_s:
                raise RemoteError(
                    f"{error}; gave up after {now - lost_at:.0f} s (remote.reconnect_s). What runs there goes on: "
                    f"`tradsys remote follow {host}` when it answers again"
                ) from error
            say(f"the connection to {host} was lost, trying again in {wait:.1f} s")
            time.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_S)
