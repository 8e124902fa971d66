"""tests `machine/processes.py`"""

import signal
import time

import pytest

from tradsys.machine.processes import process_pool


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def masked() -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, set())


def test_an_interrupt_ends_those_at_work_and_they_never_hear_it_themselves():
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), process_pool(1) as pool:
        assert pool.submit(masked).result()
        pool.submit(sleep, 60)
        time.sleep(0.2)
        raise KeyboardInterrupt
    assert time.monotonic() - began < 20
