"""Kill the bot and start it again until its tape is over, and say what came of it.

python -m tests.fire --kills 100 --out docs/fire.md               # both markets, at marked steps and at random, a page
python -m tests.fire --one random --market spot --seed 3          # one run, as JSON
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from tests.exchange.serving import ENVIRON, ROOT
from tests.fire.burning import Burnt, Kills, Run, warm_up
from tests.fire.matrix import MARKETS, judge, missed, page
from tests.fire.story import Market

from tradsys.live.execution.steps import POINTS

EVERY_S = 0.15
"""Seconds that a bot's processor works on average from when it is up until it is killed."""

type Wish = tuple[str, Market, int, tuple[str, ...]]
"""A run: what is done to its bot, on which market, its seed, and at which marked steps."""


def burn(wish: Wish, folder: Path | None, every_s: float) -> Burnt:
    """One run, in this process."""
    what, market, seed, points = wish
    kills = Kills(every_s if what in ("random", "faults") else 0.0, points, what == "faults")
    warm_up(market)
    with tempfile.TemporaryDirectory() as scratch:
        return Run(folder or Path(scratch), seed, kills, market).play()


def burnt_apart(wish: Wish, every_s: float = EVERY_S) -> Burnt:
    """One run, from a fresh process: it must be forked from where there are no threads."""
    what, market, seed, points = wish
    command = [sys.executable, "-m", "tests.fire", "--one", what, "--market", market, "--seed", str(seed)]
    command += ["--points", ",".join(points), "--every-s", str(every_s)]
    done = subprocess.run(command, env=ENVIRON | {"POLARS_MAX_THREADS": "1"}, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{wish} ended with {done.returncode}: {done.stderr[-2_000:]}")
    return Burnt(**json.loads(done.stdout))


def points_of(side: str) -> tuple[str, ...]:
    """The marked steps of one side: with half of them a bot dies seldom enough to come to each."""
    return tuple(point for point in POINTS if point.endswith(side))


def burn_all(
    n_kills: int, seed: int, *, at_once: int, markets: Sequence[Market] = tuple(MARKETS), every_s: float = EVERY_S
) -> list[tuple[str, Burnt]]:
    """Undisturbed runs, some with deaths at marked steps, and as many at random as it takes, half with faults.

    Where nobody came to a marked step one more run is for those that are left: which steps a bot takes is also a
    matter of how quick it is.
    """
    wishes: list[Wish] = []
    for market in markets:
        wishes += [("quiet", market, seed, ()), ("random", market, seed, ()), ("faults", market, seed, ())]
        wishes += [("steps", market, seed, points_of(side)) for side in ("before", "after")]
    runs: list[tuple[str, Burnt]] = []
    with ThreadPoolExecutor(at_once) as pool:
        while wishes:
            runs += zip(
                [wish[0] for wish in wishes], pool.map(lambda one: burnt_apart(one, every_s), wishes), strict=True
            )
            seed += 1
            wishes = [
                ("steps", market, seed, tuple(left))
                for market in markets
                if (left := missed(market, [one for _, one in runs if one.market == market]))
                and sum(what == "steps" and one.market == market for what, one in runs) < 5
            ]
            if sum(one.n_random for _, one in runs) < n_kills:
                wishes += [(what, market, seed, ()) for what in ("random", "faults") for market in markets]
    return sorted(runs, key=lambda run: list(MARKETS).index(run[1].market))


def wrong(runs: Sequence[tuple[str, Burnt]], stepped: Sequence[Market] = tuple(MARKETS)) -> list[str]:
    """What speaks against these runs; nothing where all held. On the `stepped` markets each marked step was to kill."""
    quiet = {one.market: one for what, one in runs if what == "quiet"}
    found = [
        f"{what} of seed {one.seed} ({one.market}): {said}"
        for what, one in runs
        for said in judge(what, one, quiet[one.market])
    ]
    left = {market: missed(market, [one for _, one in runs if one.market == market]) for market in stepped}
    return found + [f"nobody died at {', '.join(points)} ({market})" for market, points in left.items() if points]


def main(given: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fire", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--one", choices=("quiet", "random", "steps", "faults"))
    parser.add_argument("--market", choices=tuple(MARKETS), default="usdm")
    parser.add_argument("--points", default="", help="marked steps of one run, by commas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every-s", type=float, default=EVERY_S)
    parser.add_argument("--keep", type=Path, help="a folder for the account's files of one run")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(given)
    if options.one:
        points = tuple(point for point in options.points.split(",") if point)
        burnt = burn((options.one, options.market, options.seed, points), options.keep, options.every_s)
        sys.stdout.write(json.dumps(asdict(burnt)) + "\n")
        return 0
    runs = burn_all(options.kills, options.seed, at_once=options.at_once, every_s=options.every_s)
    command = f"python -m tests.fire --kills {options.kills} --seed {options.seed}"
    written = page(runs, command=command)
    if options.out:
        options.out.write_text(written)
    sys.stdout.write(written)
    found = wrong(runs)
    sys.stderr.write("".join(f"{one}\n" for one in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
