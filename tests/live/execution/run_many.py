"""Run many random sequences, and say what happened in them.

python -m tests.live.execution.run_many 10000          # seeds 0 to 9999, on all cores
python -m tests.live.execution.run_many --replay 4711  # one of them again, with everything that the executor tells
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from tests.live.execution import simulation as sequences
from tests.live.execution.limit_simulation import LimitSequence, SpotLimitSequence
from tests.live.execution.spot_simulation import SpotSequence
from tests.live.execution.target_simulation import TargetSequence

KINDS: dict[tuple[bool, bool], type[sequences.Sequence]] = {
    (False, False): sequences.Sequence,
    (True, False): SpotSequence,
    (False, True): LimitSequence,
    (True, True): SpotLimitSequence,
}
"""By whether it is a spot market, and whether entries are limit orders."""


@dataclass(slots=True)
class Totals:
    """Figures of many sequences; `failures` by seed."""

    n_sequences: int = 0
    n_submits: int = 0
    n_faulty: int = 0
    n_kills: int = 0
    n_trades: int = 0
    worst_ms: int = 0
    worst_seed: int = -1
    processor_s: float = 0.0
    died_at: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    failures: dict[int, list[str]] = field(default_factory=dict)

    def add(self, other: "Totals") -> None:
        for name in ("n_sequences", "n_submits", "n_faulty", "n_kills", "n_trades", "processor_s"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.worst_ms, self.worst_seed = max((self.worst_ms, self.worst_seed), (other.worst_ms, other.worst_seed))
        self.died_at.update(other.died_at)
        self.reasons.update(other.reasons)
        self.failures.update(other.failures)


def run_many(seeds: Sequence[int], kind: type[sequences.Sequence] = sequences.Sequence) -> Totals:
    """One after the other, in this process."""
    totals, begun = Totals(), time.process_time()
    for seed in seeds:
        one = sequences.run_sequence(seed, kind=kind)
        failures = {seed: one.failures} if one.failures else {}
        totals.add(
            Totals(1, one.n_submits, one.n_faulty, one.n_kills, one.n_trades, one.worst_ms, seed, 0.0, one.died_at,
                   one.reasons, failures)
        )  # fmt: skip
    totals.processor_s = time.process_time() - begun
    return totals


def run_on_all_cores(n_sequences: int, n_processes: int, kind: type[sequences.Sequence]) -> Totals:
    """Batches of a hundred, in processes of their own."""
    batches = [range(first, min(first + 100, n_sequences)) for first in range(0, n_sequences, 100)]
    totals = Totals()
    with ProcessPoolExecutor(n_processes) as pool:
        for done in pool.map(partial(run_many, kind=kind), batches):
            totals.add(done)
    return totals


def told(totals: Totals) -> str:
    """What happened, for a person."""
    share = totals.n_faulty / max(totals.n_submits, 1)
    lines = [
        f"{totals.n_sequences} sequences, {len(totals.failures)} failed; {totals.processor_s:.0f} s of processor",
        f"{totals.n_submits} orders sent, {share:.0%} of them not the straight way; {totals.n_kills} deaths at "
        f"{len(totals.died_at)} marked points; {totals.n_trades} trades: {dict(totals.reasons.most_common())}",
        f"longest without a stop while up: {totals.worst_ms} ms (seed {totals.worst_seed})",
        *(f"seed {seed}: {'; '.join(why)}" for seed, why in sorted(totals.failures.items())),
    ]
    return "\n".join(lines)


def _say(*said: object) -> None:
    sys.stdout.write(f"{said}\n")


def main(args: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n_sequences", type=int, nargs="?", default=200)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--replay", type=int, metavar="SEED")
    parser.add_argument("--spot", action="store_true", help="on a spot market, beside coins of somebody else")
    parser.add_argument("--limits", action="store_true", help="most entries as limit orders, on either market")
    parser.add_argument("--targets", action="store_true", help="target weights in the place of entries")
    options = parser.parse_args(args)
    kind = TargetSequence if options.targets else KINDS[options.spot, options.limits]
    if options.replay is not None:
        one = sequences.run_sequence(options.replay, hear=_say, kind=kind)
        sys.stdout.write(f"{one}\n")
        return 1 if one.failures else 0
    totals = run_on_all_cores(options.n_sequences, options.processes, kind)
    sys.stdout.write(told(totals) + "\n")
    return 1 if totals.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
