"""Run folders: written out of sight, complete or absent, never touched again once they have their name."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import polars as pl

from tradsys.core.errors import ConfigError
from tradsys.core.files import sha256_of, sync_folder
from tradsys.core.json_text import plain, pretty_json
from tradsys.core.whole_steps import ended, half_written, whole
from tradsys.runs.manifest import NAME as MANIFEST
from tradsys.runs.manifest import SCHEMA, RunManifest
from tradsys.runs.metrics import RunMetrics
from tradsys.runs.section import RunSection
from tradsys.runs.tables import TableSchema
from tradsys.runs.verdict import RunVerdict

ROWS_A_GROUP = 65_536


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run being written: `path` is hidden until `finish` gives it the name `slug` under `root`.

    Files are deterministic: the same content gives the same bytes. A run that fails or is interrupted leaves nothing,
    one that is killed only a hidden folder.
    """

    root: Path
    slug: str
    path: Path

    @classmethod
    def create(cls, root: Path | str, slug: str) -> Self:
        """Open a new folder under `root`, which is made where absent."""
        if not slug or slug.startswith(".") or "/" in slug:
            raise ConfigError(f"a run's name must be a plain, visible folder name, was {slug!r}")
        parent = Path(root)
        parent.mkdir(parents=True, exist_ok=True)
        with whole():
            path = Path(tempfile.mkdtemp(prefix=f".{slug}-", dir=parent))
            half_written(path)
        return cls(parent, slug, path)

    @classmethod
    @contextmanager
    def writing(cls, root: Path | str, slug: str) -> Iterator[Self]:
        """The same, and gone again where what is done with it fails."""
        folder = cls.create(root, slug)
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
        finally:
            ended(folder.path)

    def write_json(self, name: str, value: Any) -> Path:
        """Sorted keys, None for what is not finite, floats to their last digit."""
        return self.write_bytes(name, pretty_json(value).encode())

    def write_parquet(self, name: str, frame: pl.DataFrame) -> Path:
        """Zstandard in row groups of a fixed length."""
        path = self._fresh(name)
        try:
            frame.write_parquet(
                path, compression="zstd", compression_level=3, row_group_size=ROWS_A_GROUP, statistics=True
            )
        except pl.exceptions.ComputeError as error:
            raise _as_system_error(error, path) from error
        return path

    def write_bytes(self, name: str, data: bytes) -> Path:
        """Any other file, such as the report or a part of the bundle."""
        path = self._fresh(name)
        path.write_bytes(data)
        return path

    def write_metrics(self, content: Mapping[str, Any]) -> RunMetrics:
        """`metrics.json`, and what a reader will make of it."""
        return self._write_section("metrics.json", RunMetrics, content)

    def write_verdict(self, content: Mapping[str, Any]) -> RunVerdict:
        """`verdict.json`, and what a reader will make of it."""
        return self._write_section("verdict.json", RunVerdict, content)

    def write_table(self, table: TableSchema, frame: pl.DataFrame) -> Path:
        """One of the tables, with its columns in the order of the frame; a column too few or too many is refused."""
        table.check(frame)
        return self.write_parquet(table.file, frame)

    def write_manifest(self, content: Mapping[str, Any]) -> RunManifest:
        """`content`, the schema's number and, under "files", the SHA-256 of every file written so far."""
        whole = {"schema": SCHEMA, **content, "files": file_hashes(self.path)}
        return self._write_section(MANIFEST, RunManifest, whole)

    def _write_section[S: RunSection](self, name: str, model: type[S], content: Mapping[str, Any]) -> S:
        """The content as it is, once it is known that it can be read back and that no field of it would be lost."""
        read = model.parse(plain(content), name, is_whole=True)
        self.write_json(name, content)
        return read

    def sync(self) -> None:
        """Everything on disk: what a full disk still refuses is refused here."""
        for file in self.path.rglob("*"):
            if file.is_file():
                _sync_file(file)

    def finish(self) -> Path:
        """Give the folder its name, in one step, and return it; a name that is taken gets -2, -3, ..."""
        self.sync()
        self.path.chmod(0o755)
        target, attempt = self.root / self.slug, 1
        while not self._take(target):
            attempt += 1
            target = self.root / f"{self.slug}-{attempt}"
        sync_folder(self.root)
        return target

    def _take(self, target: Path) -> bool:
        """Rename to `target` unless another run has that name, also one that takes it at this moment."""
        if target.exists():
            return False
        try:
            self.path.rename(target)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return False
            raise
        return True

    def _fresh(self, name: str) -> Path:
        path = self.path / name
        if not path.resolve().is_relative_to(self.path.resolve()):
            raise ConfigError(f"{name!r} lies outside the run folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below `folder` but its manifest, by relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}


def _as_system_error(error: pl.exceptions.ComputeError, path: Path) -> Exception:
    """What the system said, which Polars wraps in an error of its own; that one where the system said nothing."""
    found = re.search(r"os error (\d+)", str(error))
    if found is None:
        return error
    number = int(found[1])
    return OSError(number, os.strerror(number), str(path))


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
