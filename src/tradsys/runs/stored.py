"""A run's folder read back: manifest, metrics and verdict as typed objects, tables with all their columns."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import polars as pl
from polars.exceptions import PolarsError

from tradsys.core.errors import DataError
from tradsys.runs.manifest import NAME, Kind, RunManifest
from tradsys.runs.metrics import RunMetrics
from tradsys.runs.section import json_object
from tradsys.runs.tables import TableSchema
from tradsys.runs.verdict import RunVerdict


@dataclass(frozen=True)
class StoredRun:
    """The one reader of run folders; each part is read when it is first asked for.

    A folder that is broken, foreign or of an unknown schema is a DataError with a sentence.
    """

    folder: Path

    @classmethod
    def find(cls, root: Path | str, name: str) -> Self:
        """The finished run below `root` that is called `name`, as `find_run` reads it; or the one that is a path."""
        return cls(find_run(root, name))

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def report(self) -> Path:
        """Path of the HTML report."""
        return self.folder / "report.html"

    @cached_property
    def manifest(self) -> RunManifest:
        """Settings, fingerprint, code, seed and machine."""
        return RunManifest.read(self.folder / NAME)

    @property
    def kind(self) -> Kind:
        """Which procedure made it."""
        return self.manifest.kind

    @cached_property
    def metrics(self) -> RunMetrics:
        """As measured when the run ended."""
        _ = self.manifest  # a schema that is not known is refused before anything else is read
        return RunMetrics.read(self.folder / "metrics.json")

    @cached_property
    def verdict(self) -> RunVerdict:
        """As it was when the run ended."""
        verdict = RunVerdict.read(self.folder / "verdict.json")
        if verdict.profiles.keys() != self.metrics.profiles.keys():
            raise DataError(
                f"verdict.json and metrics.json in {self.folder} are not of one run: the one judges "
                f"{', '.join(verdict.profiles) or 'nobody'}, the other is about "
                f"{', '.join(self.metrics.profiles) or 'nobody'}; make the run again"
            )
        return verdict

    @property
    def is_proven(self) -> bool:
        """Whether the deployed profile was proven when the run ended, and not only until a date before."""
        return self.verdict.profiles[self.manifest.deployed_profile.upper()].standing == "proven"

    def table(self, table: TableSchema) -> pl.DataFrame:
        """A table with all its columns, empty where this kind of run has none.

        A column that schema 1 left out, or that came with a later schema than the run's, is null.
        """
        if self.kind not in table.kinds:
            return table.empty
        path = self.folder / table.file
        try:
            frame = pl.read_parquet(path)
            missing = [name for name in table.columns if name not in frame.columns]
            version = self.manifest.schema_version
            if lost := [name for name in missing if version >= table.since.get(name, 2)]:
                raise DataError(f"{path} lacks {', '.join(lost)}; make the run again")
            return frame.select(
                *(
                    pl.lit(None, dtype=kind).alias(name) if name in missing else pl.col(name).cast(kind)
                    for name, kind in table.columns.items()
                ),
                pl.exclude(*table.columns),
            )
        except FileNotFoundError:
            raise DataError(f"{path.name} is missing in {path.parent}; make the run again") from None
        except PolarsError as error:
            raise DataError(f"{path} cannot be read ({error}); make the run again") from error


def find_run(root: Path | str, name: str) -> Path:
    """The finished run called `name`, the only one that starts with it, or the newest for "last".

    A run may also be named by the path of its folder or of a file in it, as terminals print it, or by the name that the
    ledger gives it (at least four digits).
    """
    if (at := _run_at(Path(name).expanduser())) is not None:
        return at
    name, folder = Path(name).name, Path(root)
    runs = run_folders(folder)
    if name == "last":
        return max(runs, key=lambda path: ((path / NAME).stat().st_mtime_ns, path.name))
    exact = [path for path in runs if path.name == name]
    matches = exact or [path for path in runs if path.name.startswith(name)] or _of_the_ledger(runs, name)
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise DataError(
            f"{name!r} fits {len(matches)} runs: {', '.join(path.name for path in matches)}; give more of it"
        )
    near = difflib.get_close_matches(name, [path.name for path in runs], n=1, cutoff=0.0)
    raise DataError(f'no run {name!r} among {len(runs)} in {folder}; the nearest is {near[0]!r}, the newest is "last"')


def run_folders(root: Path) -> list[Path]:
    """Every folder of a finished run below `root`, by name, which begins with its time; a DataError for none."""
    runs = sorted(path for path in root.iterdir() if _is_run(path)) if root.is_dir() else []
    if not runs:
        raise DataError(f"no finished runs in {root}; `tradsys run` makes one")
    return runs


def _run_at(path: Path) -> Path | None:
    """The run that a path leads to: its folder, or a file in it; None where there is none."""
    if len(path.parts) < 2 and not path.is_absolute():
        return None  # a bare name is looked for among the runs
    return next((one for one in (path, path.parent) if _is_run(one)), None)


def _of_the_ledger(runs: Sequence[Path], name: str) -> list[Path]:
    """Runs that the ledger calls by a name which begins so."""
    return [path for path in runs if len(name) >= 4 and str(json_object(path / NAME).get("run")).startswith(name)]


def _is_run(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".") and (path / NAME).is_file()
