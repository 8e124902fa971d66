"""Run folders: the schema of what a run leaves behind, its one writer and its one reader."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.runs.folder import RunFolder as RunFolder
    from tradsys.runs.stored import StoredRun as StoredRun
    from tradsys.runs.stored import find_run as find_run

__getattr__, __dir__, __all__ = attach(__name__, __file__)
