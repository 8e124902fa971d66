"""Whole runs as a user starts them: wall time, processor time and peak memory against what was promised.

python benchmarks/bench_run.py [FILE ...]    (files beside the sample and a simulated market, e.g. 32,000 hourly bars)
"""

import os
import sys
import tempfile
import time
from pathlib import Path

PROMISED_S = {"sample": 120, "simulated:noise": 240}
PROMISED_FILE_S = 360
PROMISED_MB = 2_000


def run(bars: str, folder: Path) -> tuple[float, float, float]:
    """Seconds of wall clock, seconds of processor and peak megabytes of one `tradsys run` with default settings."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "tradsys", "run", "--bars", bars]
    places = ["--out", str(folder / "runs"), "--journal", str(folder / "journal")]
    with Path(os.devnull).open("w") as nowhere:
        actions = [(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1), (os.POSIX_SPAWN_DUP2, nowhere.fileno(), 2)]
        pid = os.posix_spawn(sys.executable, [*command, *places], os.environ, file_actions=actions)
        _, status, used = os.wait4(pid, 0)
    if status != 0:
        raise SystemExit(f"tradsys run --bars {bars} failed with status {status}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    """One line a market."""
    print(f"{'bars':<40} {'wall s':>8} {'limit':>6} {'cpu s':>8} {'peak MB':>8} {'limit':>6}")
    for bars in [*PROMISED_S, *sys.argv[1:]]:
        with tempfile.TemporaryDirectory() as folder:
            wall, cpu, memory = run(bars, Path(folder))
        limit = PROMISED_S.get(bars, PROMISED_FILE_S)
        print(f"{Path(bars).name:<40} {wall:8.1f} {limit:6d} {cpu:8.1f} {memory:8.0f} {PROMISED_MB:6d}")


if __name__ == "__main__":
    main()
