"""The file below the intent journal: commits that are on disk when they return, room kept in advance, and flags."""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from tradsys.core.errors import DiskError, LedgerError
from tradsys.live.execution.schema import TABLES, UPGRADES, VERSION

ROOM_PAGES = 512
"""Pages of the file that are kept free: 2 MiB."""

AGAIN_S = 5.0
"""Between two attempts to bring back to the disk what it did not take."""

type Statement = tuple[str, Sequence[tuple[Any, ...]]]
"""SQL, and the values of each time that it is done."""


class JournalFile:
    """One SQLite file with a write-ahead log, synced in full at every commit; ":memory:" in simulations.

    A disk that is full or fails must not keep a position from its stop. Room for some thousand changes is taken in
    advance. Where even that is used up the journal goes on in memory, says so in `trouble`, and is brought back to the
    disk as soon as that takes it: what a crash loses meanwhile, exits and protection, is read from the venue again.
    What takes new risk is a DiskError then, and nothing of it is kept.
    """

    def __init__(self, path: Path | str) -> None:
        self.path, self.trouble = str(path), ""
        self._disk: sqlite3.Connection | None = None
        self._is_reader, self._tried_s = False, 0.0
        self._db, self._soon = sqlite3.connect(self.path, isolation_level=None), dict[str, str]()
        try:
            self._open()
        except DiskError as error:
            self._read_into_memory(error)
            return
        try:
            self.keep_room()
        except DiskError:  # who asks for it before a new trade hears of it; what is open is seen to
            if not _has_open_trade(self._db):
                raise

    def _open(self) -> None:
        with self._told_as_disk_error("open"):
            _set_up(self._db)
            self._check_version()
            _upgrade(self._db)
            self._db.executescript(TABLES)

    def _read_into_memory(self, error: DiskError) -> None:
        """To open a file takes a little of the disk: where a full one refuses it, open trades are seen to from memory.

        Raises the error where there is none, or where the file cannot be read either.
        """
        if not _is_of_disk(error):
            raise error
        try:
            with closing(_to_read(Path(self.path))) as source:
                if not _has_open_trade(source):
                    raise error
                self._leave_disk(str(error), source)
        except sqlite3.DatabaseError:
            raise error from None
        self._refuse_version()
        _upgrade(self._db)

    def keep_room(self) -> None:
        """Take room on the disk for what comes, in the file and in its log; a DiskError where there is none.

        Who is about to make a new trade calls it; what protects and ends trades lives from what was kept.
        """
        self.heal()
        if self.trouble:
            raise DiskError(self.trouble)
        if self.path == ":memory:" or self._n_free_pages() >= ROOM_PAGES // 2:
            return
        size = ROOM_PAGES * int(self._db.execute("pragma page_size").fetchone()[0])
        table = ("create table if not exists room (bytes blob) strict", [()])
        self._change(table, ("insert into room values (zeroblob(?))", [(size,)]), is_new=True)
        self._change(("delete from room", [()]), is_new=True)

    def heal(self) -> None:
        """Bring to the disk what it did not take, where it does now; all of it, or nothing."""
        if self._disk is None or time.monotonic() < self._tried_s + AGAIN_S:
            return
        self._tried_s = time.monotonic()
        try:
            _set_up(self._disk)
            self._db.backup(self._disk, progress=_never_wait)
        except sqlite3.DatabaseError:
            return
        self._db.close()
        self._db, self._disk, self.trouble = self._disk, None, ""

    def _n_free_pages(self) -> int:
        return int(self._db.execute("pragma freelist_count").fetchone()[0])

    @classmethod
    def reading(cls, path: Path) -> Self:
        """The journal of an account that another process may own: it can be asked, and nothing is written.

        Without its log the file is whole by itself and nobody has it open: SQLite would make a log to read beside it,
        and leave it there, unless it is told that nothing changes. One of an earlier version is read in memory, as the
        bot will make it when it begins.
        """
        found = cls.__new__(cls)
        found.path, found._soon, found.trouble = str(path), {}, ""
        found._disk, found._is_reader = None, True
        found._db = _to_read(path)
        if found._refuse_version() != VERSION:
            memory = sqlite3.connect(":memory:", isolation_level=None)
            with closing(found._db) as source:
                source.backup(memory)
            found._db = memory
            _upgrade(memory)
        return found

    def close(self) -> None:
        """Give the file back."""
        self._tried_s = 0.0
        self.heal()
        self._db.close()
        if self._disk is not None:
            self._disk.close()

    def flag(self, name: str) -> str | None:
        """The text kept under a name, None where there is none."""
        if name in self._soon:
            return self._soon[name]
        row = self._db.execute("select value from flags where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_flag(self, name: str, value: str | None) -> None:
        """Keep a text under a name, or forget it; it is on disk when this returns."""
        self._soon.pop(name, None)
        if value is None:
            self._change(("delete from flags where name = ?", [(name,)]))
        else:
            self._change(("insert or replace into flags values (?, ?)", [(name, value)]))

    def set_flags(self, values: Mapping[str, str], *, is_new: bool = False) -> None:
        """Keep texts under their names, in one commit; with `is_new` the disk takes them, or nothing is kept."""
        self._change(("insert or replace into flags values (?, ?)", list(values.items())), is_new=is_new)

    def set_flag_soon(self, name: str, value: str) -> None:
        """Keep a text under a name with the next commit, whatever it is for; it is known at once."""
        self._soon[name] = value

    def keep_soon(self) -> None:
        """Commit what waits for it; a DiskError leaves it waiting."""
        if self._soon:
            self._change()

    def flags(self, start: str) -> dict[str, str]:
        """All flags whose names begin so."""
        rows = self._db.execute("select name, value from flags where substr(name, 1, ?) = ?", (len(start), start))
        soon = {name: value for name, value in self._soon.items() if name.startswith(start)}
        return dict(rows.fetchall()) | soon

    def _check_version(self) -> None:
        if self._refuse_version() == 0:
            self._db.execute(f"pragma user_version = {VERSION}")

    def _refuse_version(self) -> int:
        version = _version(self._db)
        if version not in (0, VERSION, *UPGRADES):
            raise LedgerError(
                f"{self.path} is an intent journal of version {version}, wanted {VERSION} or one before it; "
                "it was written by a later release of tradsys, which is the one to trade this account with"
            )
        return version

    def _change(self, *statements: Statement, is_new: bool = False) -> None:
        """One commit; where the disk does not take it the journal goes on in memory, unless it is of `is_new` risk."""
        self.heal()
        if is_new and self.trouble:
            raise DiskError(self.trouble)
        try:
            self._commit(statements)
        except DiskError as error:
            if is_new or self._is_reader or self._disk is not None or self.path == ":memory:":
                raise
            self._leave_disk(str(error), self._db)
            self._commit(statements)

    def _leave_disk(self, why: str, source: sqlite3.Connection) -> None:
        memory = sqlite3.connect(":memory:", isolation_level=None)
        with self._told_as_disk_error("read"):
            source.backup(memory, progress=_never_wait)
        memory.execute("pragma foreign_keys = on")
        self._db, self._disk, self._tried_s = memory, self._db, time.monotonic()
        self.trouble = f"{why.partition('; nothing')[0]}: it goes on in memory, and nothing is entered until it can"

    def _commit(self, statements: Sequence[Statement]) -> None:
        with self._told_as_disk_error("write to"):
            self._db.execute("begin immediate")
            try:
                soon = dict(self._soon)
                self._db.executemany("insert or replace into flags values (?, ?)", soon.items())
                for sql, rows in statements:
                    self._db.executemany(sql, rows)
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


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("pragma user_version").fetchone()[0])


def _upgrade(db: sqlite3.Connection) -> None:
    """A journal of an earlier release becomes one of this, trades that are open among it: in one commit, or not."""
    if (version := _version(db)) not in UPGRADES:
        return
    db.execute("begin immediate")
    try:
        for earlier in range(version, VERSION):
            for statement in UPGRADES[earlier]:
                db.execute(statement)
        db.execute(f"pragma user_version = {VERSION}")
        db.execute("commit")
    except BaseException:
        if db.in_transaction:
            db.execute("rollback")
        raise


def _set_up(db: sqlite3.Connection) -> None:
    for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = on"):
        db.execute(f"pragma {pragma}")


def _to_read(path: Path) -> sqlite3.Connection:
    """Beside whoever writes; on a full disk, where that may take a file too many, what lies in the file itself."""
    log, at = path.with_name(f"{path.name}-wal"), path.absolute().as_uri()
    if log.exists():
        beside = sqlite3.connect(f"{at}?mode=ro", uri=True, isolation_level=None)
        try:
            beside.execute("pragma schema_version").fetchall()
        except sqlite3.OperationalError:
            beside.close()
            if log.stat().st_size > 0:
                raise
        else:
            return beside
    return sqlite3.connect(f"{at}?mode=ro&immutable=1", uri=True, isolation_level=None)


def _has_open_trade(db: sqlite3.Connection) -> bool:
    return db.execute("select 1 from trades where closed_ms is null").fetchone() is not None


def _is_of_disk(error: DiskError) -> bool:
    """Whether the disk refused it, and not somebody who has the file locked."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)


def _never_wait(status: int, remaining: int, total: int) -> None:
    """A copy waits for ever for a file that somebody else writes: it is tried again later instead."""
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise sqlite3.OperationalError("somebody else writes to the file")


def inserted(table: str, columns: str, rows: Sequence[tuple[Any, ...]], *, how: str = "insert") -> Statement:
    """The statement that adds these rows."""
    marks = ", ".join("?" * (columns.count(",") + 1))
    return f"{how} into {table} ({columns}) values ({marks})", rows
