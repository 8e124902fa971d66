"""tests `machine/processes.py`"""

import gc
import signal
import time
import weakref
from contextlib import suppress

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


def test_one_that_failed_is_not_freed_by_its_own_thread_which_would_wait_for_itself():
    with suppress(KeyboardInterrupt), process_pool(1) as pool:
        failed = weakref.ref(pool)
        raise KeyboardInterrupt
    del pool
    gc.collect()
    assert failed() is not None
