"""What a run costs as a user starts it, against one with every thread variable at 1, and whether the bytes are equal.

python benchmarks/bench_threads.py            (more arguments go to `tradsys run`, e.g. --agent logistic)

Processor seconds, first with nothing beside the run and then beside two processes that never rest, the arms in turn.
A last run sees one core.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from tradsys.machine.limits import THREAD_VARIABLES

N_TRIES = 2
PROMISED = 1.05
COMPARED = ("metrics.json", "verdict.json", "trades.parquet", "forecasts.parquet", "labels.parquet", "equity.parquet")
UNSET = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
ONE = UNSET | dict.fromkeys(THREAD_VARIABLES, "1")


def run(environ: Mapping[str, str], cores: set[int]) -> tuple[float, str]:
    """Processor seconds of one `tradsys run --bars sample`, and a hash of what it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        places = ["--out", f"{folder}/runs", "--journal", f"{folder}/journal"]
        command = [sys.executable, "-m", "tradsys", "run", "--bars", "sample", *sys.argv[1:], *places]
        before, seen = os.times(), os.sched_getaffinity(0)
        os.sched_setaffinity(0, cores)  # which the child inherits
        try:
            subprocess.run(command, env=environ, check=True, capture_output=True)
        finally:
            os.sched_setaffinity(0, seen)
        after = os.times()
        (made,) = Path(folder, "runs").iterdir()
        said = sha256(b"".join((made / name).read_bytes() for name in COMPARED)).hexdigest()
    return after.children_user + after.children_system - before.children_user - before.children_system, said


@contextmanager
def two_that_never_rest() -> Iterator[None]:
    """Neighbours that take two cores."""
    others = [subprocess.Popen([sys.executable, "-c", "while 1: pass"]) for _ in range(2)]
    try:
        yield
    finally:
        for one in others:
            one.kill()
            one.wait()


def measure(where: str) -> None:
    """A line: both arms' least processor seconds, their ratio, and whether all arms wrote the same bytes."""
    cores = os.sched_getaffinity(0)
    tries = [(run(UNSET, cores), run(ONE, cores)) for _ in range(N_TRIES)]
    usual, one = (min(arm[0] for arm in arms) for arms in zip(*tries, strict=True))
    hashes = {said for arms in tries for _, said in arms} | {run(UNSET, {min(cores)})[1]}
    bytes_are = "the same bytes" if len(hashes) == 1 else f"{len(hashes)} different results"
    print(f"{where:<28} {usual:7.1f} s {one:7.1f} s   x{usual / one:.2f} (limit {PROMISED})   {bytes_are}", flush=True)


def main() -> None:
    """Both lines."""
    print(f"{'':<28} {'as it is':>9} {'all at 1':>9}")
    measure("nothing beside it")
    with two_that_never_rest():
        measure("beside two busy processes")


if __name__ == "__main__":
    main()
