"""Processor seconds that one five-year hourly market costs `tradsys calibrate`, against what was promised.

python benchmarks/bench_calibration.py
"""

import statistics

from tradsys.machine.limits import cap_threads

PROMISED_S = 1.2
"""A thousand markets within ten minutes on two cores."""
N_MARKETS = 5


def main() -> None:
    """One line without and one with the further trials; the first market compiles the kernels and is left out."""
    cap_threads(1)
    from tradsys.research.calibration.replication import Replication, replicate

    print(f"{'trials':<12} {'cpu s':>6} {'limit':>6}")
    for has_competitors, trials in ((False, "4"), (True, "4, 20, 100")):
        replicate(Replication("fast", "noise", 0, has_competitors))
        took = [replicate(Replication("fast", "noise", 1 + i, has_competitors))["cpu_s"] for i in range(N_MARKETS)]
        print(f"{trials:<12} {statistics.median(took):6.2f} {PROMISED_S:6.2f}")


if __name__ == "__main__":
    main()
