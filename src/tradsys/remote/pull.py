"""Results brought from the host: into a hidden folder, every byte checked, and only then under their names."""

import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tradsys.core.errors import DataError, LedgerError, RemoteError
from tradsys.core.files import sha256_of
from tradsys.journal.ledger import Ledger
from tradsys.journal.merge import LedgerMerge, merge, unknown_there
from tradsys.remote.host import Host
from tradsys.remote.push import LEDGER_PARTS, WHOLE, client_of, note_merged
from tradsys.runs.folder import RunFolder
from tradsys.runs.manifest import NAME as MANIFEST
from tradsys.runs.manifest import RunManifest

RUNS = "runs"
"""Where a job's runs lie in its working folder."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """Run folders that came, those that were here already, where anything else lies, and what the ledger gained."""

    runs: tuple[Path, ...]
    known: tuple[Path, ...]
    others: Path | None
    ledger: LedgerMerge | None


def pull(host: Host, folder: str, job: str, out: Path, journal: Path) -> Pulled:
    """All that a job of the host wrote, and what the ledger of the host's `folder` holds."""
    came, known, others = pull_files(host, f"{folder}/jobs/{job}", out)
    merged, known_there = pull_ledger(host, f"{folder}/journal", journal)
    if known_there:
        note_merged(host, f"{folder}/incoming/{client_of(journal)}", known_there)
    return Pulled(tuple(came), tuple(known), others, merged)


def pull_files(host: Host, job: str, out: Path) -> tuple[list[Path], list[Path], Path | None]:
    """Runs of a job into `out`, anything else that it wrote into `out/../pulled/<job>`; what came, was here, and where.

    A file that is not, byte for byte, what the job had written is refused by name, and nothing of its folder is left.
    """
    listed: dict[str, str] = host.ask("files", job=job)["files"]
    _check_names(listed, host.name)
    runs: dict[str, dict[str, str]] = {}
    for name, digest in listed.items():
        parts = name.split("/", 2)
        if parts[0] == RUNS and len(parts) == 3:
            runs.setdefault(parts[1], {})[parts[2]] = digest
    whole = {slug: files for slug, files in runs.items() if MANIFEST in files}
    came, known = [], []
    for slug, files in whole.items():
        here = next((one for one in _called(out, slug) if _is_here(one, files)), None)
        if here is not None:
            known.append(here)
            continue
        with RunFolder.writing(out, slug) as folder:
            _fetch(host, f"{job}/here/{RUNS}/{slug}", files, folder.path)
            _check_manifest(folder.path)
            came.append(folder.finish())
    rest = {
        name: digest for name, digest in listed.items() if not (name.startswith(f"{RUNS}/") and name.count("/") > 1)
    }
    return came, known, _pull_rest(host, job, rest, out) if rest else None


def pull_ledger(host: Host, source: str, journal: Path) -> tuple[LedgerMerge | None, str]:
    """Add what the host's ledger holds to the one here; None where it has none.

    And the head of the one here where the host knows all of that, else nothing.
    """
    journal.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=journal.absolute()) as copy:
        rules = [*(f"--include={one}" for one in LEDGER_PARTS), "--exclude=*", *WHOLE]
        host.mirror(f":{source}/", f"{copy}/", f"--copy-dest={journal.absolute()}", *rules)
        if not (Path(copy) / "ledger.jsonl").exists():
            return None, ""
        ledger = Ledger(journal / "ledger.jsonl")
        try:
            merged = merge(ledger, Path(copy))
            return merged, "" if unknown_there(ledger, Path(copy)) else ledger.head
        except LedgerError as error:
            raise LedgerError(str(error).replace(copy, f"{host.name}:{source}")) from error


def _pull_rest(host: Host, job: str, files: Mapping[str, str], out: Path) -> Path:
    root, name = out.parent / "pulled", Path(job).name
    for here in _called(root, name):
        if _is_here(here, files):
            return here
    with RunFolder.writing(root, name) as folder:
        _fetch(host, f"{job}/here", files, folder.path)
        return folder.finish()


def _fetch(host: Host, source: str, files: Mapping[str, str], target: Path) -> None:
    host.fetch(source, sorted(files), target, "--no-links", "--no-D")
    came = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_symlink() or path.is_file()}
    wrong = [name for name, digest in files.items() if not _is_file(target / name, digest)] + sorted(
        came - files.keys()
    )
    if wrong:
        more = f" and {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
        raise RemoteError(
            f"{min(wrong)}{more} of {source} is not what the job wrote (its SHA-256 differs): nothing of it was kept; "
            "pull again, and where it stays so the disk there is at fault: make the run again"
        )


def _check_manifest(folder: Path) -> None:
    """Each file that the manifest names, once more by its own word."""
    manifest = RunManifest.read(folder / MANIFEST)
    wrong = [name for name, digest in manifest.files.items() if not _is_file(folder / name, digest)]
    if wrong:
        raise DataError(f"{min(wrong)} is not the file that the run's manifest names; make the run again")


def _check_names(names: Iterable[str], host: str) -> None:
    """A host may name anything; what is pulled lies in the folder that is being filled."""
    for name in names:
        if name.startswith("/") or "\0" in name or not {"", ".", ".."}.isdisjoint(name.split("/")):
            raise RemoteError(
                f"{host} names {name!r} among the files of a job, wanted one below its folder: nothing was pulled; "
                "see that it is the machine that you mean"
            )


def _called(root: Path, name: str) -> list[Path]:
    """The folders that have this name, or got a number behind it because it was taken."""
    others = root.iterdir() if root.is_dir() else ()
    return [root / name, *sorted(one for one in others if re.fullmatch(f"{re.escape(name)}-[0-9]+", one.name))]


def _is_file(path: Path, digest: str) -> bool:
    return path.is_file() and not path.is_symlink() and sha256_of(path) == digest


def _is_here(folder: Path, files: Mapping[str, str]) -> bool:
    return folder.is_dir() and all(_is_file(folder / name, digest) for name, digest in files.items())
