"""The report of a run: one self-contained page, made from the run folder alone."""

from typing import TYPE_CHECKING

from tradsys.core.lazy import attach

if TYPE_CHECKING:
    from tradsys.report.page import render as render

__getattr__, __dir__, __all__ = attach(__name__, __file__)
