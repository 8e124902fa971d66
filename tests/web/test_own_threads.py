"""Work in threads of its own: as much at once as is asked for, and nothing that the end of the process waits for."""

import asyncio
import threading

import pytest

from tradsys.web.own_threads import aside

N = 45
"""More than the threads that make pages."""


def test_all_that_is_asked_for_goes_on_at_once():
    meeting = threading.Barrier(N, timeout=20)

    async def ask():
        return await asyncio.gather(*(aside(meeting.wait) for _ in range(N)))

    assert sorted(asyncio.run(ask())) == list(range(N))


def test_no_process_waits_for_it_at_its_end():
    assert asyncio.run(aside(lambda: threading.current_thread().daemon))


def test_what_it_raises_is_raised_where_it_is_awaited():
    with pytest.raises(ZeroDivisionError):
        asyncio.run(aside(lambda: 1 / 0))
