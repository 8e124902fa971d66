"""What a host holds and how its jobs stand, asked without anything heavy being imported."""

from typing import Any

from tradsys.core.errors import RemoteError
from tradsys.remote.host import Host
from tradsys.remote.job import Job, Say, follow, jobs_of
from tradsys.remote.settings import RemoteSettings


def look(host: Host, settings: RemoteSettings, client: str) -> dict[str, Any]:
    """What the host holds, once it is one that jobs can run on."""
    seen = host.ask("look", folder=settings.folder, client=client)
    if not seen["has_proc"]:
        raise RemoteError(f"{host.name} has no /proc, by which jobs are known; take a Linux machine")
    if not seen["has_rsync"]:
        raise RemoteError(f"{host.name} has no rsync, which copies the files; install it there (apt install rsync)")
    if any(one in seen["folder"] for one in " '\"\\$`*?"):
        raise RemoteError(f"{host.name} would keep all in {seen['folder']!r}; set remote.folder to one without blanks")
    return seen


def follow_job(host: Host, settings: RemoteSettings, folder: str, name: str, client: str, emit: Say, say: Say) -> Job:
    """A job's log to its end, through lost connections."""

    def now() -> Job:
        jobs = jobs_of(look(host, settings, client))
        return next(one for one in jobs if one.name == name)

    return follow(host, f"{folder}/jobs/{name}", now, emit, say, settings.reconnect_s)
