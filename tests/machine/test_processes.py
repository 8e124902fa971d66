"""tests `machine/processes.py`"""

import signal
import time

import pytest

from tradsys.machine.processes import completed, process_pool


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


def test_what_is_done_comes_first():
    with process_pool(2) as pool:
        slow, quick = pool.submit(sleep, 1.0), pool.submit(sleep, 0.0)
        quick.result()
        assert [one.result() for one in completed([slow, quick])] == [0.0, 1.0]
