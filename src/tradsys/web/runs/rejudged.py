"""Verdicts as of now: computed beside the server when somebody asks, and kept until the ledger or a run changes."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tradsys.core.errors import DataError
from tradsys.runs.verdict import ProfileJudgement, RunVerdict
from tradsys.web.runs.listing import Stamp, stamp_of
from tradsys.web.site import LEDGER

PATIENCE_S: Final = 300
_LAST_LINE: Final = 65_536

type _Key = tuple[Stamp, str, int]
"""The run's files, the ledger's last line, and when a run was last added or removed: they count too."""


@dataclass(frozen=True, slots=True)
class VerdictNow:
    """A run's verdict against today's ledger, and what has changed since it ended, in sentences."""

    verdict: RunVerdict
    sentences: tuple[str, ...]
    lapsed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProfileNow:
    """A profile's verdict when the run ended and now."""

    name: str
    then: ProfileJudgement
    now: ProfileJudgement

    @property
    def has_changed(self) -> bool:
        """Whether it is called otherwise now."""
        return self.then.standing != self.now.standing


class Judge:
    """Judges runs again, one at a time, in a process of its own each."""

    def __init__(self, runs: Path, journal: Path) -> None:
        self.runs, self.journal = runs, journal
        self._kept: dict[str, tuple[_Key, VerdictNow]] = {}
        self._turn = threading.Lock()

    def known(self, name: str) -> VerdictNow | None:
        """What was computed before and holds still; None where nothing does."""
        kept = self._kept.get(name)
        return kept[1] if kept is not None and kept[0] == self._key(name) else None

    def judge(self, name: str) -> VerdictNow:
        """The verdict as of now; a DataError where it cannot be had. It takes seconds."""
        with self._turn:
            if (known := self.known(name)) is not None:
                return known
            key = self._key(name)
            found = self._computed(name)
            self._kept[name] = key, found
            return found

    def _computed(self, name: str) -> VerdictNow:
        command = [sys.executable, "-m", "tradsys.web.runs.judging", str(self.runs), str(self.journal), name]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise DataError(
                f"judging {name} again took more than {PATIENCE_S} s and was ended; `tradsys compare --run {name}` "
                "takes the time that it needs"
            ) from None
        if done.returncode != 0:
            raise DataError(_why(done, name))
        said = json.loads(done.stdout)
        verdict = RunVerdict.parse(said["verdict"], "the verdict as of now")
        return VerdictNow(verdict, tuple(said["sentences"]), tuple(said["lapsed"]))

    def _key(self, name: str) -> _Key:
        return stamp_of(self.runs / name), last_line(self.journal / LEDGER), self.runs.stat().st_mtime_ns


@cache
def judge_of(runs: Path, journal: Path) -> Judge:
    """The one of this server for two folders."""
    return Judge(runs, journal)


def compared(then: RunVerdict, now: RunVerdict) -> list[ProfileNow]:
    """Each profile then and now, in the order of the verdict."""
    return [ProfileNow(name, then.profiles[name], now.profiles[name]) for name in then.profiles if name in now.profiles]


def last_line(path: Path) -> str:
    """The end of a ledger, whose hash rests on all before it; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _LAST_LINE))
            end = file.read().rstrip(b"\n").rpartition(b"\n")[2]
    except OSError:
        return ""
    return end[:200].decode(errors="replace")


def _why(done: subprocess.CompletedProcess[str], name: str) -> str:
    if done.returncode < 0:
        return f"judging {name} again was ended by signal {-done.returncode}, most likely for want of memory"
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"judging {name} again failed without a word"
