"""systemd's socket: what the bot says to it, and what happens where nobody listens."""

import asyncio
import os
import socket

import pytest
from tests.live.virtual_time import run_virtual

from tradsys.core.errors import ConfigError
from tradsys.live.watching import Watchdog


@pytest.fixture
def listener(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket has at most 107 characters
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind("notify")
        one.setblocking(False)
        yield one


def heard(listener):
    found = []
    while True:
        try:
            found.append(listener.recv(100).decode())
        except BlockingIOError:
            return found


def test_systemd_hears_that_the_bot_is_ready_lives_and_stops(listener):
    watchdog = Watchdog({"NOTIFY_SOCKET": "notify"})
    assert watchdog.ready() and watchdog.alive() and watchdog.stopping()
    assert heard(listener) == ["READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_a_socket_without_a_file_is_reached_too():
    name = f"tradsys-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        assert Watchdog({"NOTIFY_SOCKET": "@" + name}).ready()
        assert listener.recv(100) == b"READY=1"


def test_elsewhere_nothing_is_said():
    assert not Watchdog({}).ready()
    run_virtual(lambda clock: Watchdog({}).run(lambda: True))


def test_a_supervisor_that_is_gone_or_does_not_read_holds_up_nothing(listener):
    assert not Watchdog({"NOTIFY_SOCKET": "nobody"}).alive()
    watchdog = Watchdog({"NOTIFY_SOCKET": "notify"})
    assert not all(watchdog.alive() for _ in range(100_000)), "the queue of the socket never filled"


def said_within(listener, seconds, is_healthy, **environ):
    async def main(clock):
        watchdog = Watchdog({"NOTIFY_SOCKET": "notify", "WATCHDOG_USEC": "60000000", **environ})
        task = asyncio.ensure_future(watchdog.run(lambda: is_healthy(clock.now_ms() / 1_000 - 1_700_000_000)))
        await asyncio.sleep(seconds)
        task.cancel()

    run_virtual(main)
    return heard(listener)


def test_a_healthy_bot_says_so_three_times_within_the_limit(listener):
    assert said_within(listener, 59, lambda now_s: True) == ["WATCHDOG=1"] * 3


def test_an_ill_one_does_not_and_is_heard_again_once_it_is_well(listener):
    assert said_within(listener, 59, lambda now_s: False) == []
    assert said_within(listener, 59, lambda now_s: now_s >= 50) == ["WATCHDOG=1"]


def test_a_limit_that_is_meant_for_another_process_is_not_ours(listener):
    assert said_within(listener, 59, lambda now_s: True, WATCHDOG_PID="1") == []
    assert said_within(listener, 1, lambda now_s: True, WATCHDOG_PID=str(os.getpid())) == ["WATCHDOG=1"]


def test_a_limit_that_is_no_number_is_refused():
    with pytest.raises(ConfigError, match="WATCHDOG_USEC must be microseconds"):
        Watchdog({"WATCHDOG_USEC": "soon"})
