"""The bot's clock goes on, whatever is done to the machine's."""

import time

import pytest

from tradsys.live.clock import SystemClock


@pytest.mark.parametrize("moved_s", [-3_600, 3_600])
def test_a_machine_whose_clock_is_set_moves_no_deadline(monkeypatch, moved_s):
    clock, really = SystemClock(5_000), time.time_ns
    before_ms = clock.now_ms()
    monkeypatch.setattr("time.time_ns", lambda: really() + moved_s * 10**9)
    assert 0 <= clock.now_ms() - before_ms < 1_000
    assert abs(before_ms - 5_000 - really() // 10**6) < 1_000


def test_time_passes_as_it_does():
    clock = SystemClock()
    before_ms, began = clock.now_ms(), time.monotonic()
    time.sleep(0.05)
    assert abs((clock.now_ms() - before_ms) / 1_000 - (time.monotonic() - began)) < 0.02
