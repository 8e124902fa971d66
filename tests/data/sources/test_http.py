"""Patience: what is retried, how long, and what is not; turns between processes."""

import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime

import pytest
from tests.data.sources.loopback import Fault

from tradsys.core.errors import SourceError
from tradsys.data.sources.http import Client, Pace, host_of, retry_after_s


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self):
        self.now, self.slept = 1_000.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def client(settings, tmp_path, clock):
    return Client(settings, Pace(10.0, 60.0, tmp_path / "pace", clock, clock.sleep))


def test_429_waits_as_long_as_it_is_told(venue, client, clock):
    venue.faults.append(Fault("/time", status=429, headers={"Retry-After": "7"}))
    assert client.get_json(f"{venue.url}/api/v3/time")
    assert clock.slept == [pytest.approx(7)]


def test_429_with_a_longer_wait_than_allowed_is_an_error_that_says_how_long(venue, client):
    venue.faults.append(Fault("/time", status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(SourceError, match=r"no requests during the next 3,600 s"):
        client.get_json(f"{venue.url}/api/v3/time")
    assert len(venue.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 418])
def test_5xx_is_tried_again(venue, client, status):
    venue.faults.append(Fault("/time", n=2, status=status))
    assert client.get_json(f"{venue.url}/api/v3/time")
    assert len(venue.asked) == 3


def test_a_host_that_keeps_failing_is_given_up(venue, client):
    venue.faults.append(Fault("/time", n=99, status=503))
    with pytest.raises(SourceError, match=r"failed 3 times, the last time: HTTP 503"):
        client.get_json(f"{venue.url}/api/v3/time")
    assert len(venue.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 451])
def test_what_retrying_cannot_cure_is_not_retried(venue, client, status):
    venue.faults.append(Fault("/time", status=status))
    with pytest.raises(SourceError, match=f"HTTP {status}"):
        client.get_json(f"{venue.url}/api/v3/time")
    assert len(venue.asked) == 1


def test_a_cut_body_is_fetched_again(venue, client):
    venue.faults.append(Fault("2024-12.zip", n=1, is_cut=True))
    url = f"{venue.url}/data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2024-12.zip"
    assert client.get(url)[:2] == b"PK"
    assert len(venue.asked) == 2


def test_json_that_is_cut_without_a_sign_is_fetched_again(venue, client):
    venue.faults.append(Fault("/time", body=b'{"serverTi'))
    assert client.get_json(f"{venue.url}/api/v3/time")


def test_nobody_at_home_is_an_error_after_all_attempts(client):
    with pytest.raises(SourceError, match=r"127.0.0.1:9 failed 3 times.*refused"):
        client.get("http://127.0.0.1:9/x")


def test_a_thing_that_is_not_there_is_none(venue, client):
    assert client.get(f"{venue.url}/data/none.zip") is None


def test_requests_are_spread_over_time(venue, client, clock):
    for _ in range(5):
        client.get(f"{venue.url}/api/v3/time")
    assert clock.slept == [pytest.approx(0.1)] * 4


def test_retry_after_may_be_a_date():
    now = datetime(2024, 1, 1, tzinfo=UTC)
    assert retry_after_s("Mon, 01 Jan 2024 00:00:30 GMT", now=now) == 30
    assert retry_after_s("Sun, 31 Dec 2023 00:00:30 GMT", now=now) == 0
    assert (retry_after_s("soon"), retry_after_s(None), retry_after_s("2.5")) == (None, None, 2.5)


def test_processes_share_the_pace_of_a_host(tmp_path):
    """Four processes that do not wait for their turns take 400 of them at once, and none is given twice."""
    begin = time.time() + 30
    (tmp_path / "venue").write_text(repr(begin))
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from tradsys.data.sources.http import Pace
        pace = Pace(50.0, 60.0, Path(sys.argv[1]), sleep=lambda seconds: None)
        for _ in range(100):
            pace.wait("venue")
    """)
    command = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert float((tmp_path / "venue").read_text()) == pytest.approx(begin + 400 / 50, abs=1e-3)


def test_a_wait_that_one_process_was_told_holds_for_the_others(tmp_path, clock):
    Pace(10.0, 60.0, tmp_path, clock, clock.sleep).hold("venue", 5)
    other = Pace(10.0, 60.0, tmp_path, clock, clock.sleep)
    other.wait("venue")
    other.wait("another")
    assert clock.slept == [5]


def test_a_killed_writer_leaves_no_lock_and_no_wait(tmp_path):
    (tmp_path / "venue").write_text("17000")
    (tmp_path / "venue").write_text("")
    began = time.monotonic()
    Pace(10.0, 60.0, tmp_path).wait("venue")
    (tmp_path / "venue").write_text("17e")
    Pace(10.0, 60.0, tmp_path).wait("venue")
    assert time.monotonic() - began < 5
    assert host_of("https://a.example:8/x") == "a.example:8"
