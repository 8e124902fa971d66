"""The first run after the set-up against the second: processor seconds, with and without the warming of the set-up.

python benchmarks/bench_first_run.py [BARS]    (default: sample)
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path


def seconds(command: list[str], cache: Path, folder: Path) -> float:
    """Processor seconds of a command of tradsys that keeps its compiled kernels in `cache`."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    began = os.times()
    subprocess.run([sys.executable, "-m", "tradsys", *command], cwd=folder, env=environment, check=True)
    ended = os.times()
    return ended.children_user + ended.children_system - began.children_user - began.children_system


def main() -> None:
    """Seconds of the warming, and of a first and a second run after it and without it."""
    bars = sys.argv[1] if len(sys.argv) > 1 else "sample"
    for is_warmed in (True, False):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            cache = folder / "cache"
            warming = seconds(["doctor", "--warm"], cache, folder) if is_warmed else 0.0
            took = []
            for i in range(2):
                names = ["--out", f"runs{i}", "--journal", f"journal{i}"]
                took.append(seconds(["run", "--bars", bars, "--json", *names], cache, folder))
        print(f"warming {warming:6.1f} s   first {took[0]:6.1f} s   second {took[1]:6.1f} s   {took[0] / took[1]:.3f}")


if __name__ == "__main__":
    main()
