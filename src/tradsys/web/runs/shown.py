"""The report of a run as a page shows it, kept for the runs that were looked at last: a run never changes."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tradsys.web.rendering import TrustedHtml
from tradsys.web.runs.listing import Stamp, stamp_of

KEPT: Final = 3
"""A page of a hundred thousand bars is some megabytes of text."""


class ShownReports:
    """Texts by folder and by what its files look like."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, tuple[Stamp, TrustedHtml]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, folder: Path, make: Callable[[], TrustedHtml]) -> TrustedHtml:
        """The text that `make` gave for this folder, or gives now."""
        stamp = stamp_of(folder)
        with self._lock:
            kept = self._kept.get(folder)
            if kept is not None and kept[0] == stamp:
                self._kept.move_to_end(folder)
                return kept[1]
        text = make()
        with self._lock:
            self._kept[folder] = stamp, text
            self._kept.move_to_end(folder)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return text
