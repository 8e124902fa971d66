"""The file below the intent journal: commits that are on disk when they return, room kept in advance, and flags."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tradsys.core.errors import DiskError, LedgerError
from tradsys.live.execution.schema import TABLES, VERSION

ROOM_PAGES = 512
"""Pages of the file that are kept free: 2 MiB."""


class JournalFile:
    """One SQLite file with a write-ahead log, synced in full at every commit; ":memory:" in simulations.

    A disk that fails or is full is a DiskError, and then nothing of the change is kept. Room for some thousand changes
    is taken in advance, so that a disk that fills up while a position is held does not keep its stop from being sent.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self._db, self._soon = sqlite3.connect(self.path, isolation_level=None), dict[str, str]()
        with self._told_as_disk_error("open"):
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.execute("pragma foreign_keys = on")
            self._check_version()
            self._db.executescript(TABLES)
            self.keep_room()

    def keep_room(self) -> None:
        """Take room on the disk for what comes, in the file and in its log; a DiskError where there is none.

        Who is about to make a new trade calls it; what protects and ends trades lives from what was kept.
        """
        if self.path == ":memory:" or self._n_free_pages() >= ROOM_PAGES // 2:
            return
        size = ROOM_PAGES * int(self._db.execute("pragma page_size").fetchone()[0])
        with self._committed():
            self._db.execute("create table if not exists room (bytes blob) strict")
            self._db.execute("insert into room values (zeroblob(?))", (size,))
        with self._committed():
            self._db.execute("delete from room")

    def _n_free_pages(self) -> int:
        return int(self._db.execute("pragma freelist_count").fetchone()[0])

    @classmethod
    def reading(cls, path: Path) -> Self:
        """The journal of an account that another process may own: it can be asked, and nothing is written.

        Without its log the file is whole by itself and nobody has it open: SQLite would make a log to read beside it,
        and leave it there, unless it is told that nothing changes.
        """
        found = cls.__new__(cls)
        found.path, found._soon = str(path), {}
        how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
        found._db = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None)
        found._refuse_version()
        return found

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def flag(self, name: str) -> str | None:
        """The text kept under a name, None where there is none."""
        if name in self._soon:
            return self._soon[name]
        row = self._db.execute("select value from flags where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_flag(self, name: str, value: str | None) -> None:
        """Keep a text under a name, or forget it; it is on disk when this returns."""
        self._soon.pop(name, None)
        with self._committed():
            if value is None:
                self._db.execute("delete from flags where name = ?", (name,))
            else:
                self._db.execute("insert or replace into flags values (?, ?)", (name, value))

    def set_flag_soon(self, name: str, value: str) -> None:
        """Keep a text under a name with the next commit, whatever it is for; it is known at once."""
        self._soon[name] = value

    def keep_soon(self) -> None:
        """Commit what waits for it; a DiskError leaves it waiting."""
        if self._soon:
            with self._committed():
                pass

    def flags(self, start: str) -> dict[str, str]:
        """All flags whose names begin so."""
        rows = self._db.execute("select name, value from flags where substr(name, 1, ?) = ?", (len(start), start))
        soon = {name: value for name, value in self._soon.items() if name.startswith(start)}
        return dict(rows.fetchall()) | soon

    def _insert(self, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._db.executemany(f"insert into {table} ({columns}) values ({marks})", rows)

    def _check_version(self) -> None:
        self._refuse_version()
        self._db.execute(f"pragma user_version = {VERSION}")

    def _refuse_version(self) -> None:
        version = int(self._db.execute("pragma user_version").fetchone()[0])
        if version not in (0, VERSION):
            raise LedgerError(
                f"{self.path} is an intent journal of version {version}, wanted {VERSION}; "
                "it was written by another release of tradsys, which is the one to trade this account with"
            )

    @contextmanager
    def _committed(self) -> Iterator[None]:
        with self._told_as_disk_error("write to"):
            self._db.execute("begin immediate")
            try:
                soon = dict(self._soon)
                self._db.executemany("insert or replace into flags values (?, ?)", soon.items())
                yield
                self._db.execute("commit")
                self._soon = {name: value for name, value in self._soon.items() if soon.get(name) != value}
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise

    @contextmanager
    def _told_as_disk_error(self, doing: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise DiskError(
                f"could not {doing} the intent journal {self.path}: {error}; nothing of it was kept"
            ) from error
