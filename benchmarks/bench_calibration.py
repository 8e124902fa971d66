"""Processor seconds that one five-year hourly market costs `tradsys calibrate`, against what was promised.

python benchmarks/bench_calibration.py
"""

import statistics

from tradsys.machine.limits import cap_threads

PROMISED_S = 1.2
"""Fifteen hundred markets of all cells within fifteen minutes on two cores; pools cost more, refusals less."""
N_MARKETS = 5
CELLS = ("noise", "illiquid", "survivors", "misaligned", "stale-ranks")


def main() -> None:
    """A line a kind of cell, and one with the further trials; the first market compiles the kernels and is left out."""
    cap_threads(1)
    from tradsys.research.calibration.replication import Replication, replicate
    from tradsys.research.calibration.scenarios import SCENARIOS

    print(f"{'cell':<16} {'trials':<12} {'cpu s':>6} {'limit':>6}")
    for cell, has_competitors in (("noise", True), *((cell, False) for cell in CELLS)):
        replicate(Replication("fast", cell, 0, has_competitors))
        took = [replicate(Replication("fast", cell, 1 + i, has_competitors))["cpu_s"] for i in range(N_MARKETS)]
        trials = "4, 20, 100" if has_competitors else "its own"
        print(f"{cell:<16} {trials:<12} {statistics.median(took):6.2f} {PROMISED_S:6.2f}")
    print(f"{len(SCENARIOS)} cells in all")


if __name__ == "__main__":
    main()
