"""`tradsys remote`: a command on another machine by ssh, its results pulled and its trials counted here."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradsys.cli.options import Config, Json, Settings, spread
from tradsys.cli.printed_json import printed_json
from tradsys.core.errors import ConfigError, RemoteError

if TYPE_CHECKING:
    from tradsys.remote.host import Host
    from tradsys.remote.job import Job
    from tradsys.remote.pull import Pulled
    from tradsys.remote.settings import RemoteSettings

HostName = Annotated[
    str, typer.Argument(metavar="HOST", help="A host of your ssh configuration, USER@NAME or ssh://USER@NAME:PORT.")
]
Words = Annotated[
    list[str], typer.Argument(metavar="-- COMMAND...", help="What would be typed after `tradsys`: run --bars FILE ...")
]
JobName = Annotated[str | None, typer.Option("--job", help="Name of a job or its beginning; the last unless given.")]


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """Where the settings of section remote come from."""

    config: Config = None
    settings: Settings = None


@spread
def push(
    host: HostName,
    words: Words = [],  # noqa: B006  # typer reads the default and never changes it
    journal: Annotated[Path, typer.Option(help="Folder of the ledger that the host shall know.")] = Path("journal"),
    options: RemoteOptions = RemoteOptions(),
) -> int:
    """Bring a host what jobs need: code, environment, the ledger, and the files and stored series of a COMMAND.

    The code is the files that git tracks, as they are now. What the host has already is not sent again.
    """
    from tradsys.cli.sent import wanted_by
    from tradsys.remote.push import push as push_to
    from tradsys.remote.wanted import Wanted

    with _session(host, options) as (there, settings):
        wanted = wanted_by(words, settings) if words else Wanted(journal=journal)
        ready = push_to(there, settings, wanted, _say)
    typer.echo(f"{host} is ready: {ready.code}")
    return 0


@spread
def run(host: HostName, words: Words, options: RemoteOptions = RemoteOptions()) -> int:
    """Push, run a COMMAND there, follow it to its end and pull what it wrote; the exit code is the command's.

    The job outlives this program: after Ctrl-C, follow and pull it, or stop it.
    """
    from tradsys.cli.sent import command_line, wanted_by
    from tradsys.remote.job import jobs_of
    from tradsys.remote.look import follow_job, look
    from tradsys.remote.push import begin
    from tradsys.remote.push import push as push_to

    with _session(host, options) as (there, settings):
        wanted = wanted_by(words, settings)
        ready = push_to(there, settings, wanted, _say)
        name = begin(there, settings, ready, wanted, [command_line(ready, wanted)])
        _say(f"job {name} on {host}; it outlives Ctrl-C here: tradsys remote follow {host}, tradsys remote stop {host}")
        job = follow_job(there, settings, ready.folder, name, ready.client, typer.echo, _say)
        seen = jobs_of(look(there, settings, ready.client))
        pulled = _bring(there, settings, next(one for one in seen if one.name == name), wanted.out, wanted.journal)
    typer.echo(_told(pulled))
    return _code(job, host)


@spread
def follow(host: HostName, job: JobName = None, options: RemoteOptions = RemoteOptions()) -> int:
    """Show a job's log from its beginning to its end; the exit code is the job's."""
    from tradsys.remote.job import chosen, jobs_of
    from tradsys.remote.look import follow_job, look

    with _session(host, options) as (there, settings):
        seen = look(there, settings, "none")
        one = chosen(jobs_of(seen), job, host)
        ended = follow_job(there, settings, seen["folder"], one.name, "none", typer.echo, _say)
    return _code(ended, host)


@spread
def pull(
    host: HostName,
    job: JobName = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the runs; as the job was given unless given.")] = None,
    journal: Annotated[Path | None, typer.Option(help="Folder of the ledger; likewise.")] = None,
    options: RemoteOptions = RemoteOptions(),
    as_json: Json = False,
) -> int:
    """Bring what a job wrote, every byte checked, and the trials of all jobs of that host."""
    from tradsys.remote.job import chosen, jobs_of
    from tradsys.remote.look import look

    with _session(host, options) as (there, settings):
        one = chosen(jobs_of(look(there, settings, "none")), job, host)
        if one.state == "running":
            raise ConfigError(f"job {one.name} is still running; follow it, or stop it, and pull then")
        places = out or _trusted(one.out, "--out", one.name), journal or _trusted(one.journal, "--journal", one.name)
        pulled = _bring(there, settings, one, *places)
    typer.echo(printed_json(asdict(pulled)) if as_json else _told(pulled))
    return 0


@spread
def status(host: HostName, options: RemoteOptions = RemoteOptions(), as_json: Json = False) -> int:
    """The jobs of a host: running, ended with which code, or lost and why."""
    from tradsys.remote.job import jobs_of
    from tradsys.remote.look import look

    with _session(host, options) as (there, settings):
        seen = look(there, settings, "none")
    jobs = jobs_of(seen)
    if as_json:
        typer.echo(printed_json({"folder": seen["folder"], "jobs": [asdict(one) for one in jobs]}, indent=1))
    else:
        shown = [f"{one.name}  {_minute(one.began)}  {one.sentence}  {one.typed}" for one in jobs]
        typer.echo("\n".join(shown or [f"{host} has no jobs in {seen['folder']}"]))
    return 0


@spread
def stop(host: HostName, job: JobName = None, options: RemoteOptions = RemoteOptions(), as_json: Json = False) -> int:
    """End a job with all its processes: interrupted, terminated, killed, whichever is needed, within ten seconds."""
    from tradsys.remote.job import chosen, jobs_of
    from tradsys.remote.look import look

    with _session(host, options) as (there, settings):
        seen = look(there, settings, "none")
        one = chosen(jobs_of(seen), job, host)
        done = there.ask("stop", job=f"{seen['folder']}/jobs/{one.name}")
    if done["left"]:
        raise RemoteError(f"processes {', '.join(map(str, done['left']))} of job {one.name} could not be ended")
    if as_json:
        typer.echo(printed_json({"job": one.name, **done}))
    elif done["was"] != "running" and done["signals"]:
        typer.echo(f"job {one.name} was {one.sentence}; what it had left was ended after {done['signals'][-1]}")
    elif done["was"] != "running":
        typer.echo(f"job {one.name} was not running: {one.sentence}")
    else:
        typer.echo(f"job {one.name} ended with {done.get('code')}, {done['seconds']} s after {done['signals'][0]}")
    return 0


commands = {"push": push, "run": run, "follow": follow, "pull": pull, "status": status, "stop": stop}


@contextmanager
def _session(name: str, options: RemoteOptions) -> "Iterator[tuple[Host, RemoteSettings]]":
    """The host for as long as a command needs it, and the settings in force."""
    from tradsys.cli.loading import overrides
    from tradsys.remote.host import Host
    from tradsys.remote.settings import SECTION, RemoteSettings

    given = overrides(options.settings, {})
    for key in given:
        if not key.startswith(SECTION):
            raise ConfigError(f"{key} is no setting of section remote; what the command there reads stands behind --")
    settings = RemoteSettings.load(file=options.config, overrides=given)
    with Host.connected(name, settings.ssh, settings.python, settings.connect_s) as host:
        yield host, settings


def _bring(host: "Host", settings: "RemoteSettings", job: "Job", out: Path, journal: Path) -> "Pulled":
    """The job's results and the host's ledger, through lost connections."""
    from tradsys.remote.job import patiently
    from tradsys.remote.look import look
    from tradsys.remote.pull import pull as pull_from

    def work() -> "Pulled":
        folder = look(host, settings, "none")["folder"]
        return pull_from(host, folder, job.name, out, journal)

    return patiently(work, host.name, _say, settings.reconnect_s)


def _trusted(told: str, option: str, job: str) -> Path:
    """The folder that the host says was wanted, where it lies below this one: a host may say anything."""
    path = Path(told)
    if path.is_absolute() or ".." in path.parts:
        raise ConfigError(
            f"job {job} was given {option} {told}, which lies outside of this folder, and that is the host's word "
            f"alone; say it yourself: {option} {shlex.quote(told)}"
        )
    return path


def _told(pulled: "Pulled") -> str:
    lines = [f"pulled {run}, every file as it was written" for run in pulled.runs]
    lines += [f"{run} is here already" for run in pulled.known]
    lines += [f"other files: {pulled.others}"] if pulled.others else []
    lines += [f"ledger: {pulled.ledger.sentence}"] if pulled.ledger else []
    return "\n".join(lines or ["nothing to pull"])


def _code(job: "Job", host: str) -> int:
    if job.code is None:
        raise RemoteError(f"job {job.name} on {host} is lost: {job.why}; run it again")
    return job.code


def _minute(when: float) -> str:
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M}"


def _say(text: Any) -> None:
    typer.echo(text, err=True)
