"""The results file of a calibration: a line of JSON a market, appended one at a time, so that a stopped one goes on."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradsys.core.errors import DataError

type Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ResultsFile:
    """Markets that were tried, in a file that only ever grows; for one writer."""

    path: Path

    def read(self) -> list[Line]:
        """All whole lines; one that a killed process left unfinished at the end is no result."""
        if not self.path.is_file():
            return []
        lines = self.path.read_bytes().split(b"\n")
        return [self._parse(number, line) for number, line in enumerate(lines[:-1], 1)]

    def append(self, line: Line) -> None:
        """Add one market and put it on the disk; a broken end of the file is cut off first."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            self._cut_broken_end(file.fileno())
            file.write(json.dumps(line, sort_keys=True, allow_nan=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _cut_broken_end(self, descriptor: int) -> None:
        stored = self.path.read_bytes()
        whole = stored.rfind(b"\n") + 1
        if whole < len(stored):
            os.ftruncate(descriptor, whole)

    def _parse(self, number: int, line: bytes) -> Line:
        try:
            parsed: Line = json.loads(line)
            parsed["cell"], parsed["seed"], parsed["preset"], parsed["profiles"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"line {number} of {self.path} is no result of a calibration ({error}); delete the line or the file"
            ) from None
        return parsed


def finished_replications(lines: Sequence[Line]) -> set[tuple[str, str, int]]:
    """Preset, cell and seed of every market that was tried."""
    return {(line["preset"], line["cell"], line["seed"]) for line in lines}
