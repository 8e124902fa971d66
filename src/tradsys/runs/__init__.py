"""Run folders: the schema of what a run leaves behind, its one writer and its one reader."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.runs.folder import RunFolder, find_run
    from tradsys.runs.stored import StoredRun

__all__ = ["RunFolder", "StoredRun", "find_run"]

__getattr__, __dir__ = attach(__name__, {"RunFolder": "folder", "StoredRun": "stored", "find_run": "folder"})
