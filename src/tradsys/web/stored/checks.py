"""Checks of series that pages asked for: one after another, each in a process of its own, kept while the series is."""

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tradsys.web.stored.catalogue import StoredSeries

MOST_KEPT: Final = 32
TIMEOUT_S: Final = 900.0

type Run = Callable[[str, str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class CheckedSeries:
    """What a check found; `trouble` says why it could not be made."""

    n_rows: int = 0
    gaps: tuple[tuple[int, int, int], ...] = ()
    findings: tuple[tuple[str, str, bool], ...] = ()
    trouble: str = ""

    @property
    def n_missing(self) -> int:
        return sum(n for _, _, n in self.gaps)


@dataclass(slots=True)
class Checks:
    """Checks of one store's series."""

    root: str
    run: Run | None = None
    """What checks; in a process of its own unless given."""
    _kept: OrderedDict[tuple[str, str], CheckedSeries | None] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def known(self, stored: StoredSeries) -> CheckedSeries | None:
        """What was found in the series as it is now; None where nobody has asked, or it still goes on."""
        with self._lock:
            return self._kept.get(_key(stored))

    def is_under_way(self, stored: StoredSeries) -> bool:
        """Whether somebody asked and nothing is found yet."""
        with self._lock:
            return self._kept.get(_key(stored), CheckedSeries()) is None

    def begin(self, stored: StoredSeries) -> None:
        """Have it checked, unless it is or was already."""
        with self._lock:
            if _key(stored) in self._kept:
                return
            self._kept[_key(stored)] = None
            over = [key for key, found in self._kept.items() if found is not None]
            for key in over[: max(0, len(self._kept) - MOST_KEPT)]:
                del self._kept[key]
        threading.Thread(target=self._check, args=(stored,), daemon=True).start()

    def _check(self, stored: StoredSeries) -> None:
        with self._turn:
            try:
                found = _read((self.run or in_child)(self.root, str(stored.series)))
            except (ValueError, TypeError, KeyError) as error:
                found = CheckedSeries(trouble=f"the check ended without a result ({error})")
        with self._lock:
            self._kept[_key(stored)] = found


def in_child(root: str, series: str) -> Mapping[str, Any]:
    """Check in a process that gives its memory back, at the lowest priority."""
    asked = json.dumps({"root": root, "series": series})
    code = "import os; os.nice(10); from tradsys.web.stored.check import main; main()"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], input=asked, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return {"trouble": f"it took more than {TIMEOUT_S:g} s and was given up; tradsys data check {series} has time"}
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        return {"trouble": f"the check failed: {said[0]}"}
    told: Mapping[str, Any] = json.loads(done.stdout)
    return told


def _key(stored: StoredSeries) -> tuple[str, str]:
    return str(stored.series), stored.content


def _read(told: Mapping[str, Any]) -> CheckedSeries:
    if "trouble" in told:
        return CheckedSeries(trouble=str(told["trouble"]))
    return CheckedSeries(
        n_rows=int(told["n_rows"]),
        gaps=tuple((int(a), int(b), int(n)) for a, b, n in told["gaps"]),
        findings=tuple((str(kind), str(said), bool(is_bad)) for kind, said, is_bad in told["findings"]),
    )
