"""Where a study's trials are kept, and which hosts that share the storage are at work on them."""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tradsys.core.errors import ConfigError

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna.storages import BaseStorage

_FILE = "study.log"
_DATABASES = ("postgresql", "mysql")

_BEAT_S, _DEAD_AFTER_S = 60.0, 600.0
"""How often a host says that it is alive, and the silence after which it is not."""

_PREFIX = "alive:"


@contextmanager
def locked_study(folder: Path) -> Iterator[None]:
    """Keep every other process of this machine from working on the study in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ConfigError(
            f"another process is working on the study in {folder}; wait for it, or give this one a --study of its own"
        ) from None
    finally:
        os.close(descriptor)


def open_storage(folder: Path, url: str | None) -> "BaseStorage":
    """Optuna's storage: the journal file in the study's folder, or what `url` names (PostgreSQL, MySQL or gRPC).

    Call it with the study locked (`locked_study`): what a killed process left half written or locked is mended.
    """
    if url is None:
        return _journal(folder / _FILE)
    parts = urlsplit(url)
    scheme = parts.scheme.partition("+")[0]
    try:
        if scheme == "grpc":
            from optuna.storages import GrpcStorageProxy

            storage = GrpcStorageProxy(host=parts.hostname or "localhost", port=parts.port or 13000)
            storage.wait_server_ready(timeout=30)
            return storage
        if scheme in _DATABASES:
            return _database(url.replace("postgresql://", "postgresql+psycopg://", 1))
    except ImportError as error:
        raise ConfigError(
            f"--storage {parts.scheme}://... needs a package that is not installed ({error}): pip install "
            "'tradsys[servers]' has those for grpc and postgresql"
        ) from None
    except Exception as error:  # noqa: BLE001  # every driver has errors of its own; all mean the same to the user
        raise ConfigError(
            f"--storage {parts.scheme}://{parts.hostname} cannot be used: {str(error).splitlines()[0]}"
        ) from None
    raise ConfigError(
        f"--storage takes postgresql://, mysql:// or grpc://HOST:PORT, found {url!r}; leave it out for a file below "
        "the journal (SQLite is slow and unsafe with several processes)"
    )


def _database(url: str) -> "BaseStorage":
    """A database that several hosts share: of those that find it empty at once, all but one make its tables in vain."""
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    for pause_s in (0.2, 0.5, 1.0, 2.0):
        try:
            return RDBStorage(url)
        except (IntegrityError, ProgrammingError):
            time.sleep(pause_s)
    return RDBStorage(url)


def has_study(folder: Path) -> bool:
    """Whether the folder holds a study's journal file."""
    return (folder / _FILE).is_file()


def _journal(path: Path) -> "BaseStorage":
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    lock = JournalFileOpenLock(str(path))
    Path(f"{path}.lock").unlink(missing_ok=True)
    if path.is_file():
        stored = path.read_bytes()
        whole = stored.rfind(b"\n") + 1
        if whole < len(stored):
            os.truncate(path, whole)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))


@contextmanager
def heartbeat(study: "OptunaStudy", host: str) -> Iterator[None]:
    """Tell other hosts that share the storage that this one is alive while the block lasts."""
    stop = threading.Event()

    def beat() -> None:
        study.set_user_attr(f"{_PREFIX}{host}", time.time())

    def go_on() -> None:
        while not stop.wait(_BEAT_S):
            beat()

    beat()
    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def is_elsewhere(study: "OptunaStudy", owner: str | None, host: str) -> bool:
    """Whether a trial's `owner` is another host that is alive; where it has none yet, whether any other host is."""
    now = time.time()
    beats = {k.removeprefix(_PREFIX): at for k, at in study.user_attrs.items() if k.startswith(_PREFIX)}
    # without a name it was asked for a moment ago, by whichever host is alive
    hosts = list(beats) if owner is None else [owner]
    return any(one != host and now - beats.get(one, 0.0) < _DEAD_AFTER_S for one in hosts)
