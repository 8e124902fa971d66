"""Kill the bot and start it again until its tape is over, and say what came of it.

python -m tests.fire --kills 100 --out docs/fire.md     # undisturbed, at each marked step, and at random, with a page
python -m tests.fire --one random --seed 3              # one run, as JSON
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import count
from pathlib import Path

from tests.exchange.serving import ENVIRON, ROOT
from tests.fire.burning import Burnt, Kills, Run, warm_up
from tests.fire.matrix import SPEED, judge, page

EVERY_S = 1.8
"""Real seconds between two kills of a run, on average: some hundred a run."""


def burn(what: str, seed: int, folder: Path | None, every_s: float) -> Burnt:
    """One run, in this process."""
    kills = Kills(every_s if what in ("random", "faults") else 0.0, what == "steps", what == "faults")
    warm_up()
    with tempfile.TemporaryDirectory() as scratch:
        return Run(folder or Path(scratch), seed, kills, SPEED).play()


def burnt_apart(what: str, seed: int, every_s: float = EVERY_S) -> Burnt:
    """One run, from a fresh process: it must be forked from where there are no threads."""
    command = [sys.executable, "-m", "tests.fire", "--one", what, "--seed", str(seed), "--every-s", str(every_s)]
    done = subprocess.run(command, env=ENVIRON | {"POLARS_MAX_THREADS": "1"}, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{what} of seed {seed} ended with {done.returncode}: {done.stderr[-2_000:]}")
    return Burnt(**json.loads(done.stdout))


def burn_all(n_kills: int, seed: int, *, at_once: int, every_s: float = EVERY_S) -> list[tuple[str, Burnt]]:
    """The undisturbed run, one with deaths at marked steps, and as many at random as it takes, half with faults."""
    runs: list[tuple[str, Burnt]] = []
    with ThreadPoolExecutor(at_once) as pool:
        first = [("quiet", seed), ("steps", seed), ("random", seed), ("faults", seed)]
        for begin in count(seed + 1):
            done = pool.map(lambda one: burnt_apart(one[0], one[1], every_s), first)
            runs += [(what, one) for (what, _), one in zip(first, done, strict=True)]
            if sum(one.n_random for _, one in runs) >= n_kills:
                return runs
            first = [("random", begin), ("faults", begin)]
    raise AssertionError


def main(given: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fire", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--one", choices=("quiet", "random", "steps", "faults"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every-s", type=float, default=EVERY_S)
    parser.add_argument("--keep", type=Path, help="a folder for the account's files of one run")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(given)
    if options.one:
        burnt = burn(options.one, options.seed, options.keep, options.every_s)
        sys.stdout.write(json.dumps(asdict(burnt)) + "\n")
        return 0
    runs = burn_all(options.kills, options.seed, at_once=options.at_once, every_s=options.every_s)
    command = f"python -m tests.fire --kills {options.kills} --seed {options.seed}"
    written = page(runs, command=command)
    if options.out:
        options.out.write_text(written)
    sys.stdout.write(written)
    return 1 if any(judge(what, one, runs[0][1]) for what, one in runs) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
