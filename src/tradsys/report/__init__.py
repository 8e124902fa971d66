"""The report of a run: one self-contained page, made from the run folder alone."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.report.page import render

__all__ = ["render"]
__getattr__, __dir__ = attach(__name__, {"render": "page"})
