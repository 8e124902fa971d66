"""Where a store's files lie: a folder of this machine, or object storage under the same paths."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from tradsys.core.errors import ConfigError
from tradsys.core.files import exclusive, write_atomically

LOCK = ".lock"
LEASE_S, POLL_S = 120.0, 0.5


class Place(Protocol):
    """Paths are relative to the store's root, with `/`; a file that is not there is a FileNotFoundError."""

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder, sorted; none where it does not exist."""

    def files(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted; none where it does not exist."""

    def read(self, path: str) -> bytes:
        """A whole file."""

    def write(self, path: str, data: bytes) -> None:
        """The whole file or, whatever happens, what was there before."""

    def delete(self, path: str) -> None:
        """Remove a file that may be gone already."""

    def lock(self, folder: str) -> AbstractContextManager[object]:
        """Waits until no other process writes into the folder."""


class LocalFolder:
    """A folder of this machine's disk; the system releases a lock when its process ends, however it ends."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    def folders(self, folder: str) -> list[str]:
        path = self.root / folder
        return sorted(p.name for p in path.iterdir() if p.is_dir()) if path.is_dir() else []

    def files(self, folder: str) -> list[str]:
        path = self.root / folder
        return sorted(p.name for p in path.iterdir() if p.is_file()) if path.is_dir() else []

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, data)

    def delete(self, path: str) -> None:
        (self.root / path).unlink(missing_ok=True)

    def lock(self, folder: str) -> AbstractContextManager[object]:
        return exclusive(self.root / folder / LOCK)


class ObjectStorage:
    """A bucket, or anything else that fsspec opens by URL; an object is there whole or not at all.

    A writer holds an object that can only be created where there is none. It says until when it is held, so that the
    lock of a process that was killed is taken over after LEASE_S; a write that takes longer than that is not safe, nor
    is a server that knows no If-None-Match.
    """

    def __init__(
        self, url: str, clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.clock, self.sleep = clock, sleep
        try:
            from fsspec.core import url_to_fs

            self._fs, self._root = url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"{url} cannot be opened ({error}); pip install 'tradsys[cloud]' or name a folder"
            ) from error
        self.url = url

    def __str__(self) -> str:
        return self.url

    def folders(self, folder: str) -> list[str]:
        return [name for name, kind in self._list(folder) if kind == "directory"]

    def files(self, folder: str) -> list[str]:
        return [name for name, kind in self._list(folder) if kind == "file"]

    def read(self, path: str) -> bytes:
        data: bytes = self._fs.cat_file(self._at(path))
        return data

    def write(self, path: str, data: bytes) -> None:
        self._fs.pipe_file(self._at(path), data)

    def delete(self, path: str) -> None:
        try:
            self._fs.rm_file(self._at(path))
        except FileNotFoundError:
            return

    @contextmanager
    def lock(self, folder: str) -> Iterator[object]:
        path = self._at(f"{folder}/{LOCK}")
        while not self._taken(path):
            self.sleep(POLL_S)
        try:
            yield path
        finally:
            self.delete(f"{folder}/{LOCK}")

    def _taken(self, path: str) -> bool:
        try:
            self._fs.pipe_file(path, repr(self.clock() + LEASE_S).encode(), mode="create")
            return True
        except FileExistsError:
            pass
        try:
            until = float(self._fs.cat_file(path))
        except FileNotFoundError:
            return False  # just released
        if until < self.clock():
            self._fs.rm_file(path)
        return False

    def _list(self, folder: str) -> list[tuple[str, str]]:
        try:
            found: list[dict[str, Any]] = self._fs.ls(self._at(folder), detail=True)
        except FileNotFoundError:
            return []
        here = self._at(folder).rstrip("/")
        names = [(str(entry["name"]).rstrip("/"), str(entry["type"])) for entry in found]
        return sorted((name.rpartition("/")[2], kind) for name, kind in names if name != here)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}".rstrip("/")


def open_place(root: str | Path) -> Place:
    """A URL with a scheme is object storage, anything else a folder."""
    text = str(root)
    return ObjectStorage(text) if "://" in text else LocalFolder(Path(text).expanduser())
