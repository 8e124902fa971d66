"""Files that are written whole or not at all, by one process at a time, into folders that are checked first."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradsys.core.errors import ConfigError, DiskError
from tradsys.core.whole_steps import whole


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """The whole file or, after a crash, none of it; on disk when this returns."""
    with whole():
        descriptor, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def write_once(path: Path, data: bytes) -> None:
    """A file that is named by its content: written where it is not there yet, its folder made with it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)


def sync_folder(folder: Path) -> None:
    """Make the folder's list of names survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(path: Path) -> Iterator[int]:
    """The file's descriptor while no other process holds it; the system lets go of it for a process that was killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def check_space(folder: Path, n_bytes: int, what: str, advice: str) -> None:
    """A DiskError where the disk of `folder`, which must be there, has less room than that: to ask before long work."""
    free = shutil.disk_usage(folder).free
    if free < n_bytes:
        needed, left = (f"{size / 1e6:,.0f} MB" for size in (n_bytes, free))
        raise DiskError(f"{what} takes about {needed}, and the disk of {folder} has {left} left; {advice}")


def check_writable(folder: Path, what: str, advice: str) -> None:
    """A ConfigError where no file can be made in `folder`, which is made where absent: to ask before long work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ConfigError(f"{what} to {folder}, which cannot be written ({error.strerror}); {advice}") from error
