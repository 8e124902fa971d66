"""A run by 1, 2 and more processes: wall and processor time, seconds a phase, and what more cores would give.

python benchmarks/bench_processes.py [BARS [AGENT]]    (e.g. BTCUSDT-1h-binance.parquet transformer; a file or a recipe)

The command is measured as a user starts it, with Python's bytecode and the kernels in their caches. Beside other work
the walls say little; the processor's seconds do, and the model made of the phases of one process, in such seconds.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

BOUNDS = {"processor at 2": 1.25, "wall at 2": 0.65}
_CORES = (2, 4, 8, 16)
N_ROUNDS = 2
_KINDS = {
    "fit": r"(fold \d+ of \d+): (?!deciding)",
    "decision": r"(fold \d+ of \d+): deciding",
    "look-ahead": r"((?:looking for|taking) .*)",
    "diagnostic": r"(comparing .* training|importance .*|gains .*|what a supervisor .*|choosing .*)",
    "split": r"(path split \d+)",
}
"""Parts that go on side by side within a kind; all but splits, which fill in, wait for the kind before."""


def child(bars: str, agent: str, folder: Path) -> None:
    """One run in one process; what it said and after how many seconds of processor, as JSON on standard output."""
    from tradsys.data.market import load_market
    from tradsys.journal.ledger import Ledger
    from tradsys.research.run import run
    from tradsys.settings.config import RunConfig

    said: list[tuple[float, str]] = [(0.0, "importing and reading")]
    market, config = load_market([bars]), RunConfig.load(overrides={"agent.name": agent})
    ledger = Ledger(folder / "journal" / "ledger.jsonl")
    run(
        market,
        config,
        root=folder / "runs",
        ledger=ledger,
        progress=lambda what, *_: said.append((time.process_time(), what)),
    )
    said.append((time.process_time(), "end"))
    print(json.dumps(said))


def said_by_one(bars: str, agent: str, environ: Mapping[str, str]) -> list[tuple[float, str]]:
    """What a run in one process said, and when."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "child", bars, agent, folder]
        done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, check=True, text=True)
    return [(float(at), what) for at, what in json.loads(done.stdout.splitlines()[-1])]


def measured(bars: str, agent: str, n_processes: int, environ: Mapping[str, str]) -> tuple[float, float]:
    """Wall and processor seconds of `tradsys run` with all its processes."""
    with tempfile.TemporaryDirectory() as folder:
        places = ["--out", f"{folder}/runs", "--journal", f"{folder}/journal", "--processes", str(n_processes)]
        command = [sys.executable, "-m", "tradsys", "run", "--json", "--bars", bars, "--agent", agent, *places]
        before, began = os.times(), time.perf_counter()
        subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)
        wall, after = time.perf_counter() - began, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, used


def phases(said: Sequence[tuple[float, str]]) -> dict[str, list[float]]:
    """Lengths of each kind of part, in seconds, in the order in which they first came."""
    found: dict[str, list[float]] = {}
    for (at, what), (until, _) in pairwise(said):
        found.setdefault(re.sub(r"\d+", "N", what), []).append(until - at)
    return found


def tasks_and_rest(said: Sequence[tuple[float, str]]) -> tuple[dict[str, dict[str, float]], float]:
    """Seconds of each part that may go on beside others, by kind; and the seconds of the rest."""
    tasks: dict[str, dict[str, float]] = {kind: {} for kind in _KINDS}
    rest = 0.0
    for (at, what), (until, _) in pairwise(said):
        for kind, pattern in _KINDS.items():
            if match := re.match(pattern, what):
                tasks[kind][match[1]] = tasks[kind].get(match[1], 0.0) + until - at
                break
        else:
            rest += until - at
    return tasks, rest


def expected(tasks: Mapping[str, Mapping[str, float]], rest: float, n: int) -> float:
    """Seconds with so many cores: the rest, and the parts shared out, but no less than the longest of each kind."""
    longest = {kind: max(lengths.values(), default=0.0) for kind, lengths in tasks.items()}
    chain = max(sum(longest.values()) - longest["split"], longest["split"])
    return rest + max(sum(sum(lengths.values()) for lengths in tasks.values()) / n, chain)


def main() -> None:
    """Two tables and the model's lines."""
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
        return
    bars, agent = [*sys.argv[1:], "sample", "logistic"][:2] if len(sys.argv) < 3 else sys.argv[1:3]
    counts = [1, *(n for n in _CORES if n <= (os.cpu_count() or 1))]
    with tempfile.TemporaryDirectory() as compiled:
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environ.setdefault("PYTHONPYCACHEPREFIX", compiled)
        said_by_one(bars, agent, environ)  # compiles the kernels
        rounds = [{n: measured(bars, agent, n, environ) for n in counts} for _ in range(N_ROUNDS)]
        said = said_by_one(bars, agent, environ)
    best = {n: tuple(min(one[n][k] for one in rounds) for k in range(2)) for n in counts}
    wall, used = best[1]
    print(f"{'processes':>9} {'wall s':>8} {'ratio':>6} {'processor s':>12} {'ratio':>6}    least of {N_ROUNDS}")
    for n, (own_wall, own_used) in best.items():
        print(f"{n:9d} {own_wall:8.1f} {own_wall / wall:6.2f} {own_used:12.1f} {own_used / used:6.2f}")
    print(f"bounds: {', '.join(f'{what} {bound}' for what, bound in BOUNDS.items())}\n\nphases of one process")
    for what, lengths in phases(said).items():
        print(f"{sum(lengths):8.2f} s {len(lengths):4d} times  {what}")
    tasks, rest = tasks_and_rest(said)
    print()
    for kind, lengths in tasks.items():
        longest = max(lengths.values(), default=0.0)
        print(f"{len(lengths):3d} of kind {kind:<10} {sum(lengths.values()):6.1f} s, the longest {longest:.1f} s")
    whole = expected(tasks, rest, 1)
    print(f"the rest {rest:.1f} s")
    for n in _CORES:
        print(f"model: {n:2d} cores take {expected(tasks, rest, n) / whole:.2f} of the wall")


if __name__ == "__main__":
    main()
