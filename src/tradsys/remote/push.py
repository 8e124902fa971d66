"""What a host needs before a command can run there: code, environment, files, stored series and the ledger."""

import hashlib
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tradsys.core.errors import RemoteError
from tradsys.journal.chain import FIRST
from tradsys.journal.ledger import Ledger
from tradsys.remote.host import Host
from tradsys.remote.job import PREPARING, Job, Say, fresh_name
from tradsys.remote.look import follow_job, look
from tradsys.remote.settings import RemoteSettings
from tradsys.remote.tree import Tree, read_tree
from tradsys.remote.wanted import Wanted

_SET_UP = """set -eu
mkdir -p "$2/tree"
exec 9>"$2/lock"
if command -v flock >/dev/null; then flock 9; fi
[ ! -e "$2/done" ] || exit 0
cp -a "$1/." "$2/tree/"
cd "$2/tree"
PYTHON=$4 sh scripts/setup.sh run "$3"
touch "$2/done"
"""
"""Makes the environment of the locks in a copy of the code, which stays: an environment knows where it was made."""

LEDGER_PARTS = ("ledger.jsonl", "counted/***", "paths/***", "trials/***")
"""What of a journal's folder a merge reads, as rsync's rules."""


WHOLE = ("--checksum", "--whole-file")
"""Files are the same where their content is; others come whole, since rsync's differences to another folder's fail."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Where things lie on the host: `folder` is the whole, `code` the checkout, `python` the environment's."""

    folder: str
    code: str
    python: str
    client: str

    def job(self, name: str) -> str:
        """A job's folder."""
        return f"{self.folder}/jobs/{name}"

    @property
    def files(self) -> str:
        """Where the files lie that jobs of this machine take along."""
        return f"{self.folder}/files/{self.client}"

    @property
    def journal(self) -> str:
        """The ledger of all jobs."""
        return f"{self.folder}/journal"

    @property
    def incoming(self) -> str:
        """The copy of this machine's ledger."""
        return f"{self.folder}/incoming/{self.client}"


def client_of(journal: Path) -> str:
    """A name for this machine and journal, which tells nothing of either."""
    return hashlib.sha256(f"{socket.gethostname()} {journal.absolute()}".encode()).hexdigest()[:16]


def push(host: Host, settings: RemoteSettings, wanted: Wanted, say: Say) -> Prepared:
    """Bring all of it there, as far as it is not there yet; what takes long runs as a job and is followed."""
    client = client_of(wanted.journal)
    seen = look(host, settings, client)
    tree = read_tree()
    digest, lock, folder = tree.digest, tree.lock_digest(settings.torch, settings.python), seen["folder"]
    own = f"{folder}/env/{lock}/tree/.venv/bin/python"
    there = Prepared(folder, f"{folder}/code/{digest[:16]}", settings.environment or own, client)
    if tree.changed:
        say(f"{len(tree.changed):,} tracked files differ from the last commit, such as {tree.changed[0]}: pushed as is")
    if digest[:16] not in seen["codes"]:
        _send_code(host, tree, digest, there, seen["codes"][-1:])
        say(f"{len(tree.names):,} files as {there.code}")
    _send_files(host, there, wanted)
    for name in wanted.absent:
        say(f"{name} is not in the store here, so that {host.name} must hold it or cannot read it")
    commands = []
    if not settings.environment and lock not in seen["environments"]:
        commands.append(
            ["sh", "-c", _SET_UP, "sh", there.code, f"{folder}/env/{lock}", settings.torch, settings.python]
        )
    head = _send_ledger(host, there, wanted.journal, seen["merged"])
    if head:
        merging = [there.python, "-m", "tradsys", "journal", "merge", there.incoming, "--journal", there.journal]
        commands.append(merging)
    if commands:
        done = begin_and_follow(host, settings, there, Wanted(words=PREPARING), commands, say, say)
        if done.code != 0:
            raise RemoteError(f"{host.name} could not be prepared ({done.sentence}); the lines above say why")
    if head:
        note_merged(host, there.incoming, head)
    return there


def note_merged(host: Host, incoming: str, head: str) -> None:
    """Let the host remember that it knows all of this machine's ledger up to here."""
    host.ask("note", path=f"{incoming}/merged", text=head)


def begin(
    host: Host, settings: RemoteSettings, there: Prepared, wanted: Wanted, commands: Sequence[Sequence[str]]
) -> str:
    """Start a job and return its name; it outlives the connection."""
    name = fresh_name()
    named = {one: value for one, value in wanted.variables}
    fixed = {"PYTHONPATH": f"{there.code}/src", "TRADSYS_DATA__ROOT": f"{there.folder}/store"}
    host.ask(
        "start",
        job=there.job(name),
        files=there.files,
        taken=wanted.taken,
        commands=commands,
        command=wanted.words,
        out=str(wanted.out),
        journal=str(wanted.journal),
        began=time.time(),
        variables=settings.variables,
        given={**named, **fixed},
    )
    return name


def begin_and_follow(
    host: Host,
    settings: RemoteSettings,
    there: Prepared,
    wanted: Wanted,
    commands: Sequence[Sequence[str]],
    emit: Say,
    say: Say,
) -> Job:
    """The same, followed to its end."""
    name = begin(host, settings, there, wanted, commands)
    return follow_job(host, settings, there.folder, name, there.client, emit, say)


def _send_code(host: Host, tree: Tree, digest: str, there: Prepared, former: Sequence[str]) -> None:
    """A fresh folder, in which files that the former one has too are links to them; nothing else is in it."""
    part = f"{there.folder}/code/.{digest[:16]}.{fresh_name()}"
    host.send(tree.root, tree.names, part, *WHOLE, *(f"--link-dest=../{one}" for one in former))
    found = host.ask("admit", part=part, target=there.code, digest=digest)["digest"]
    if found != digest:
        raise RemoteError(
            f"the files that reached {host.name} are not those that were sent (digest {found[:12]}, wanted "
            f"{digest[:12]}): were they changed meanwhile? push again"
        )


def _send_files(host: Host, there: Prepared, wanted: Wanted) -> None:
    for batch in wanted.batches:
        target = f"{there.files}/{batch.prefix}".rstrip("/")
        host.send(batch.root, batch.names, target, "--copy-links", "--mkpath")
    for series in wanted.series:
        names = [series.folder]
        host.send(Path(wanted.store), names, f"{there.folder}/store", "-r", "--delete", "--delay-updates")


def _send_ledger(host: Host, there: Prepared, journal: Path, merged: str) -> str:
    """Copy the ledger here to the host where that has not merged it yet; its head, or nothing where it has."""
    if not (journal / "ledger.jsonl").exists():
        return ""
    head = Ledger(journal / "ledger.jsonl").head
    if head in (merged, FIRST):
        return ""
    rules = [*(f"--include={one}" for one in LEDGER_PARTS), "--exclude=*", *WHOLE]
    host.mirror(f"{journal.absolute()}/", f":{there.incoming}/", *rules)
    return head
