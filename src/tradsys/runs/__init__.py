"""Run folders: what a run leaves behind, written once and read back."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.runs.folder import RunFolder, find_run

__all__ = ["RunFolder", "find_run"]

__getattr__, __dir__ = attach(__name__, {"RunFolder": "folder", "find_run": "folder"})
