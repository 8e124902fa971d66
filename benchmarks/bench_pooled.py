"""A run of many pooled symbols: processor seconds and peak memory, by phase and as a whole.

python benchmarks/bench_pooled.py [N] [FOLDER] [OPTION ...]

N symbols, 12 unless given: simulated ones of 47,440 hourly bars, or the N longest files of hourly bars in a folder.
Options go to `tradsys run`, which works in one process unless they say otherwise. Every thread variable is set to 1, so
that the seconds are those of the work; the children's count.
"""

import os
import re
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl

N_SYMBOLS, N_BARS = 12, 47_440
RECIPES = ("noise", "edge:1", "bull", "noise", "edge:2", "noise")
PROMISED_S, PROMISED_MB = 400, 2_500
"""For 12 x 47,440 bars on a quiet machine; scaled by rows for others."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def simulated(n: int, folder: Path) -> list[Path]:
    """Files of so many simulated markets."""
    from tradsys.data.simulate import simulate

    found = []
    for k in range(n):
        bars = simulate(RECIPES[k % len(RECIPES)], seed=k + 1, n_bars=N_BARS)
        found.append(folder / f"C{k:02d}.parquet")
        bars.with_columns(pl.lit(f"C{k:02d}").alias("symbol")).write_parquet(found[-1])
    return found


def longest(n: int, folder: Path) -> list[Path]:
    """The files of hourly bars with the most rows, by name where they are equal."""
    files = {path: pl.scan_parquet(path) for path in sorted(folder.glob("*-1h-*.parquet"))}
    rows = {
        path: file.select(pl.len()).collect().item()
        for path, file in files.items()
        if {"open", "high", "low", "close"} <= set(file.collect_schema().names())
    }
    return sorted(rows, key=lambda path: -rows[path])[:n]


def family(pid: int) -> Iterator[int]:
    """A process and all that it started and that are still there."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from family(int(child))


def used(pid: int) -> tuple[float, float]:
    """Seconds of processor and megabytes of a process with its children; those that ended count for their seconds."""
    seconds, size = 0.0, 0.0
    for one in family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            resident = int(Path(f"/proc/{one}/statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        seconds += sum(map(int, fields[11:15])) / _TICKS
        size += resident * _PAGE / 1e6
    return seconds, size


def phase_of(line: str) -> str:
    """What a line of the log begins, without its numbers: all folds are one phase, and all splits."""
    what = re.sub(r"^\[ *[\d.]+ s\] | \(\d+/\d+.*\)$", "", line.strip())
    if match := re.match(r"fold \d+ of \d+: (.*)", what):
        return f"folds: {re.sub(r', .*', '', match[1])}"
    return re.sub(r" \d+ of \d+", "", what)


def follow(command: list[str]) -> tuple[dict[str, list[float]], float, float]:
    """Seconds and peak megabytes by phase, and of the whole, of a command that tells its progress."""
    environment = os.environ | dict.fromkeys(THREADS, "1")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    assert process.stderr is not None
    pipe = process.stderr.fileno()  # read as it comes: lines that a buffer holds back would name their phase late
    phases: dict[str, list[float]] = {}
    phase, before, peak, told, begun = "loading", 0.0, 0.0, [""], b""
    selector = selectors.DefaultSelector()
    selector.register(pipe, selectors.EVENT_READ)
    while process.poll() is None:
        is_told = selector.select(timeout=0.1)
        seconds, size = used(process.pid)
        own, peak = phases.setdefault(phase, [0.0, 0.0]), max(peak, size)
        own[0], own[1], before = own[0] + max(seconds - before, 0.0), max(own[1], size), max(seconds, before)
        if is_told:
            *lines, begun = (begun + os.read(pipe, 65_536)).split(b"\n")
            told += [line.decode() for line in lines]
            phase = next((phase_of(line) for line in reversed(told) if line.startswith("[")), phase)
    told.append((begun + process.stderr.read()).decode())
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with status {process.returncode}\n{chr(10).join(told[-20:])}")
    return phases, before, peak


def main() -> None:
    """One line a phase, then the whole."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else N_SYMBOLS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = sys.argv[2] if len(sys.argv) > 2 else "simulated"
        files = simulated(n, folder) if given == "simulated" else longest(n, Path(given))
        rows = sum(pl.scan_parquet(path).select(pl.len()).collect().item() for path in files)
        bars = [word for path in files for word in ("--bars", str(path))]
        places = ["--out", str(folder / "runs"), "--journal", str(folder / "journal")]
        options = ["--processes", "1", *sys.argv[3:]]
        command = [sys.executable, "-m", "tradsys", "run", "--agent", "logistic", *bars, *places, *options]
        began = time.perf_counter()
        phases, seconds, peak = follow(command)
        wall = time.perf_counter() - began
    share = rows / (N_SYMBOLS * N_BARS)
    print(f"{'phase':<60} {'cpu s':>8} {'peak MB':>8}")
    for phase, (own, size) in phases.items():
        print(f"{phase:<60} {own:8.1f} {size:8.0f}")
    print(f"{f'{len(files)} symbols, {rows:,} rows, {wall:.0f} s by the clock':<60} {seconds:8.1f} {peak:8.0f}")
    print(f"{'promised for so many rows':<60} {PROMISED_S * share:8.1f} {PROMISED_MB:8.0f}")


if __name__ == "__main__":
    main()
