"""Ctrl-C at moments of a command's life, measured in processor time so that a busy machine changes nothing.

By hand, many moments of one command, here 300 of a run, each in a folder of its own below the one that is named:

    python -m tests.cli.interrupted 300 FOLDER run --bars FILE --agent logistic
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tradsys.cli.interrupts import INTERRUPTED, LINE

# a shell's background jobs are begun deaf to Ctrl-C, and so what they begin
_BEGIN = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
_COMMAND = f"{_BEGIN}; from tradsys.__main__ import main; import sys; sys.exit(main())"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class End:
    """How a command ended that was interrupted after `at_s` of processor time, and how long that took."""

    at_s: float
    code: int
    out: str
    err: str
    took_s: float
    folder: Path

    @property
    def is_interrupted(self) -> bool:
        """Whether it ended by the interrupt; otherwise it was done before."""
        return self.code == INTERRUPTED

    def wrong(self) -> list[str]:
        """What should not be, in words."""
        lines = self.err.splitlines()
        found = [name for name in ("Traceback", "Exception ignored", "leaked", "Fatal") if name in self.err]
        if self.code not in (0, INTERRUPTED):
            found.append(f"code {self.code}")
        if self.is_interrupted and lines[-1:] != [LINE]:
            found.append(f"the last line is {lines[-1:]}")
        if self.err.count(LINE) != self.is_interrupted:
            found.append(f"{self.err.count(LINE)} times the line")
        return found + list(_left(self.folder))


def _left(folder: Path) -> Iterator[str]:
    """What is half written below a command's folder."""
    from tradsys.journal.ledger import Ledger
    from tradsys.runs.folder import file_hashes

    for run in (folder / "runs").glob("*"):
        manifest = run / "manifest.json"
        if run.name.startswith(".") or not (manifest.is_file() and (run / "report.html").is_file()):
            yield f"{run.name} is half written"
        elif not json.loads(manifest.read_text())["files"].items() <= file_hashes(run).items():
            yield f"{run.name} has other files than it says"
        elif not Ledger(folder / "journal" / "ledger.jsonl").entries("run"):
            yield f"{run.name} has no result in the ledger"
    yield from (str(path) for path in folder.rglob("*.part"))
    if (folder / "journal").is_dir() and Ledger(folder / "journal" / "ledger.jsonl").lost:
        yield "the ledger has lost lines"


def interrupt(args: list[str], folder: Path, at_s: float | None, *, patience_s: float = 60.0) -> End:
    """Run the command in the folder, interrupt its process group at that processor time, and wait for its end.

    It is not interrupted before it heeds Ctrl-C, nor at all where no moment is given.
    """
    folder.mkdir(parents=True)
    command = [sys.executable, "-c", _COMMAND, *args]
    out, err = folder / "out.txt", folder / "err.txt"
    with out.open("w") as o, err.open("w") as e:
        process = subprocess.Popen(command, stdout=o, stderr=e, cwd=folder, start_new_session=True)
    began = time.monotonic()
    if at_s is not None and _comes(process, at_s):
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(patience_s if at_s is not None else None)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return End(at_s or 0.0, process.returncode, out.read_text(), err.read_text(), time.monotonic() - began, folder)


def life_of(args: list[str], folder: Path) -> float:
    """Processor seconds that the command takes where nobody interrupts it."""
    began = os.times()
    end = interrupt(args, folder, None)
    now = os.times()
    assert end.code == 0 and not end.wrong(), (end.err, end.wrong())
    return now.children_user + now.children_system - began.children_user - began.children_system


def _so_far(process: subprocess.Popen[bytes]) -> float | None:
    """Processor seconds of a process so far, None where it does not heed Ctrl-C yet."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    n_threads = int(fields[17])
    # a thread that listens is there, and numpy with its threads not yet
    return None if n_threads < 2 else (int(fields[11]) + int(fields[12])) / _TICKS


def _comes(process: subprocess.Popen[bytes], at_s: float) -> bool:
    """Wait for the moment; whether it came before the end."""
    while process.poll() is None:
        now = _so_far(process)
        if now is not None and now >= at_s:
            return True
        time.sleep(0.003)
    return False


def moments(n: int, life: float, seed: int) -> list[float]:
    """Moments over a life, half of them in its first fifth, in which modules load and files are opened."""
    draw = random.Random(seed)
    return [draw.uniform(0, life if i % 2 else life / 5) for i in range(n)]


def all_ends(args: list[str], folder: Path, at: list[float], *, at_once: int = 2) -> Iterator[End]:
    """How the command ends at each moment, some processes side by side."""
    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(lambda i: interrupt(args, folder / f"{i:03d}", at[i]), range(len(at)))


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(n: int, folder: Path, args: list[str]) -> None:
    """Print what was wrong at each of `n` moments, and how long the end took."""
    life = life_of(args, folder / "whole")
    _print(f"a whole life takes {life:.1f} s of processor time")
    ends = []
    for end in all_ends(args, folder, moments(n, life, n)):
        ends.append(end)
        if wrong := end.wrong():
            _print(f"{end.folder.name} at {end.at_s:.2f} s: {'; '.join(wrong)}")
    took = sorted(end.took_s for end in ends if end.is_interrupted)
    _print(f"{len(took)} of {n} were interrupted; the end took {took[len(took) // 2]:.2f} s, {took[-1]:.2f} s at most")
    _print(f"{sum(bool(end.wrong()) for end in ends)} failures")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
