"""The Monte Carlo study: markets of known truth through the whole flow, results appended to a file as they come."""

import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tradsys.core.errors import DataError
from tradsys.core.files import write_atomically
from tradsys.core.json_text import read_json
from tradsys.machine.backends import open_executor
from tradsys.machine.plan import Plan
from tradsys.research.calibration.rates import Line
from tradsys.research.calibration.replication import Replication, replicate
from tradsys.research.calibration.scenarios import Preset, Scenario
from tradsys.research.walk.experiment import Progress
from tradsys.runs.at_work import at_work

FIRST_SEED = 1_000_000
"""Markets are drawn from this seed on, far from the seeds that people try by hand."""


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
            stored = self.path.read_bytes()
            file.truncate(stored.rfind(b"\n") + 1)
            file.write(_written(line))
            file.flush()
            os.fsync(file.fileno())

    def write(self, lines: Iterable[Line]) -> None:
        """These markets and no others, all or nothing."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, b"".join(map(_written, lines)))

    def put_in_order(self) -> None:
        """Seed after seed, so that it does not matter in which order or by how many processes they were tried."""
        lines = self.read()
        ordered = sorted(lines, key=line_key)
        if ordered != lines:
            self.write(ordered)

    def _parse(self, number: int, line: bytes) -> Line:
        try:
            parsed: Line = read_json(line)
            parsed["cell"], parsed["seed"], parsed["preset"], parsed["profiles"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"line {number} of {self.path} is no result of a calibration ({error}); delete the line or the file"
            ) from None
        return parsed


def line_key(line: Line) -> tuple[str, int, str]:
    """By what lines are ordered: what is tried later stands further down."""
    return line["preset"], line["seed"], line["cell"]


def _written(line: Line) -> bytes:
    return json.dumps(line, sort_keys=True, allow_nan=False).encode() + b"\n"


def planned_replications(
    preset: Preset, scenarios: Sequence[Scenario], n_markets: int, *, competitors_every: int = 1
) -> list[Replication]:
    """The first `n_markets` of every scenario, seed after seed; every few of one symbol among competing trials."""
    among = range(0, n_markets, competitors_every) if competitors_every else range(0)
    return [
        Replication(preset, scenario.name, FIRST_SEED + i, scenario.has_one_symbol and i in among)
        for i in range(n_markets)
        for scenario in scenarios
    ]


def calibrate(
    wanted: Sequence[Replication],
    results: ResultsFile,
    *,
    n_processes: int,
    plan: Plan | None = None,
    progress: Progress = lambda *_: None,
) -> int:
    """Try every market that the results do not hold yet, put them in order, and return how many were tried now.

    `plan` is what each process may take of the machine.
    """
    results.path.parent.mkdir(parents=True, exist_ok=True)
    with at_work(results.path.parent, f"calibration, {results.path.stem}", progress) as progress:
        return _calibrate(wanted, results, n_processes, plan, progress)


def _calibrate(
    wanted: Sequence[Replication], results: ResultsFile, n_processes: int, plan: Plan | None, progress: Progress
) -> int:
    known = {(line["preset"], line["cell"], line["seed"]) for line in results.read()}
    missing = [one for one in wanted if (one.preset, one.scenario, one.seed) not in known]
    count = _with_estimate(progress, len(wanted), len(missing))
    if missing:
        with open_executor(n_processes, doing="tried a market", kept="what was finished is kept") as executor:
            for replication, line in executor.as_done(partial(replicate, plan=plan), missing):
                results.append(line)
                count(replication)
    results.put_in_order()
    return len(missing)


def _with_estimate(progress: Progress, n_wanted: int, n_missing: int) -> Callable[[Replication], None]:
    """Counts markets and says how long the rest will take."""
    began, n_done = time.monotonic(), 0

    def count(replication: Replication) -> None:
        nonlocal n_done
        n_done += 1
        left = (time.monotonic() - began) / n_done * (n_missing - n_done)
        progress(
            f"{replication.scenario} {replication.seed}, about {left / 60:.0f} min left",
            n_wanted - n_missing + n_done,
            n_wanted,
        )

    return count
