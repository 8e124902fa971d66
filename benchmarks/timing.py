"""How long a call takes: the best of a few runs, for all benchmarks."""

import time
from collections.abc import Callable


def best_of(
    call: Callable[[], object],
    n: int = 3,
    *,
    warm_up: bool = False,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Seconds of the fastest of `n` calls, after one more that is not counted where it has to compile first."""
    if warm_up:
        call()
    times = []
    for _ in range(n):
        start = clock()
        call()
        times.append(clock() - start)
    return min(times)
