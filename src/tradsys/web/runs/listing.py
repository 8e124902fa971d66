"""All runs of a folder as lines, read anew only where a folder's files have changed since they were read."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from tradsys.core.errors import DataError, TradsysError
from tradsys.runs.at_work import PREFIX as AT_WORK
from tradsys.web.runs.row import FILES, BrokenRow, RunRow

type Stamp = tuple[tuple[int, int] | None, ...]
"""Of each file, when it was changed (ns) and its size; None where it is missing."""

type Row = RunRow | BrokenRow


class RunList:
    """The lines of the runs below `root`, kept by name and by what `stat` says of three files of each."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._kept: dict[str, tuple[Stamp, Row]] = {}
        self._lock = threading.Lock()

    def rows(self) -> list[Row]:
        """One a folder, finished runs and what is broken, half written or foreign, as the system lists them."""
        with self._lock:
            try:
                self._kept = {path.name: self._row(path) for path in self._folders()}
            except DataError as error:
                return [_broken(self.root, str(error))]
            return [row for _, row in self._kept.values()]

    def runs(self) -> list[RunRow]:
        """Those that can be read, newest first."""
        found = [row for row in self.rows() if isinstance(row, RunRow)]
        return sorted(found, key=lambda row: (row.created, row.name), reverse=True)

    def folder(self, name: str) -> Path | None:
        """The folder of that name, which must stand in the listing: nothing of a path leads elsewhere."""
        return next((path for path in self._folders() if path.name == name and not name.startswith(".")), None)

    def _folders(self) -> Iterator[Path]:
        try:
            with os.scandir(self.root) as found:
                for one in found:
                    if _is_folder(one) and not one.name.startswith(AT_WORK):
                        yield self.root / one.name
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise DataError(f"{self.root} cannot be listed ({error.strerror}); look at who may read it") from None

    def _row(self, path: Path) -> tuple[Stamp, Row]:
        stamp = stamp_of(path)
        kept = self._kept.get(path.name)
        return kept if kept is not None and kept[0] == stamp else (stamp, _read(path))


@cache
def listing(root: Path) -> RunList:
    """The one of this server for a folder."""
    return RunList(root)


def stamp_of(folder: Path) -> Stamp:
    """What changes when any of the files that a line is read from does."""
    return tuple(_stat(folder / name) for name in FILES)


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _is_folder(one: os.DirEntry[str]) -> bool:
    try:
        return one.is_dir()
    except OSError:  # a link that leads in a circle, or where nobody may look: a row says so
        return True


def _read(path: Path) -> Row:
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return _broken(path, "its name is no UTF-8; rename the folder")
    if path.name.startswith("."):
        return _broken(path, "half written: a run is writing it at this moment, or was killed while it did")
    try:
        return RunRow.read(path)
    except TradsysError as error:
        return _broken(path, str(error))
    except (OSError, UnicodeError, RecursionError) as error:
        return _broken(path, str(DataError(f"{path} cannot be read ({error})")))


def _broken(path: Path, trouble: str) -> BrokenRow:
    try:
        changed_s = path.stat().st_mtime
    except OSError:
        changed_s = 0.0
    return BrokenRow(path.name, datetime.fromtimestamp(changed_s, UTC), trouble)
