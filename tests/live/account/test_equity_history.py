"""The history of an account's equity: bounded, torn by nothing, and no reason for a bot to stop."""

import asyncio
import errno
import os

import pytest
from tests.live.virtual_time import run_virtual

from tradsys.live.account.equity_history import (
    HISTORY,
    EquityHistory,
    EquityPoint,
    keep_history,
    read_equity,
    thinned,
)


def points(*minutes):
    return [EquityPoint(minute * 60_000, 1_000.0 + minute, 990.0) for minute in minutes]


def written(folder, *minutes, **options):
    history = EquityHistory(folder, **options)
    for point in points(*minutes):
        history.add(point)
    return history


def test_points_are_read_as_they_were_written_and_a_restart_goes_on(tmp_path):
    assert read_equity(tmp_path) == []
    written(tmp_path, 1, 2)
    written(tmp_path, 2, 3)
    assert read_equity(tmp_path) == points(1, 2, 3)
    EquityHistory(tmp_path).add(EquityPoint(300_000, 1.0, 2.0, -3.0))
    assert read_equity(tmp_path)[-1] == EquityPoint(300_000, 1.0, 2.0, -3.0)


def test_a_torn_line_costs_that_line_alone(tmp_path):
    written(tmp_path, 1, 2)
    path = tmp_path / HISTORY
    path.write_bytes(path.read_bytes() + b"[180000,1003.0")
    assert read_equity(tmp_path) == points(1, 2)
    written(tmp_path, 4)
    assert read_equity(tmp_path) == points(1, 2, 4)


@pytest.mark.parametrize("line", [b"\0\0\0", b"{}", b"[1]", b'[1,"x",2,3]', b"[-1,1,1,null]", b"\xff"])
def test_a_line_that_is_no_point_is_passed_over(tmp_path, line):
    written(tmp_path, 1)
    path = tmp_path / HISTORY
    path.write_bytes(path.read_bytes() + line + b"\n")
    written(tmp_path, 2)
    assert read_equity(tmp_path) == points(1, 2)


def test_the_file_is_bounded_and_the_newest_stay_as_they_are(tmp_path):
    written(tmp_path, *range(1_000), most_points=100)
    found = read_equity(tmp_path)
    assert len(found) <= 100
    assert found[0] == points(0)[0]
    assert found[-20:] == points(*range(980, 1_000))
    assert not list(tmp_path.glob("*.part"))


def test_of_what_is_old_every_second_point_stays():
    assert thinned(points(*range(8))) == points(0, 2, 4, 6, 7)


def test_a_disk_that_is_full_leaves_whole_lines(tmp_path, monkeypatch):
    history = written(tmp_path, 1)
    monkeypatch.setattr("os.write", lambda descriptor, data, write=os.write: write(descriptor, data[:5]))
    with pytest.raises(OSError, match="No space"):
        history.add(points(2)[0])
    monkeypatch.undo()
    history.add(points(3)[0])
    assert read_equity(tmp_path) == points(1, 3)


def test_a_disk_that_fails_is_told_once_and_nothing_stops(tmp_path, monkeypatch):
    told, seen = [], iter(points(*range(1, 100)))

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def at_once(function):  # virtual time does not wait for threads
        return function()

    monkeypatch.setattr("asyncio.to_thread", at_once)

    async def main(_):
        keeping = asyncio.create_task(
            keep_history(tmp_path, lambda: next(seen), lambda kind, fields: told.append((kind, fields["reason"])))
        )
        await asyncio.sleep(90)
        with monkeypatch.context() as broken:
            broken.setattr("tradsys.live.account.equity_history._append", full)
            await asyncio.sleep(180)
        await asyncio.sleep(60)
        keeping.cancel()

    run_virtual(main)
    assert [point.at_ms // 60_000 for point in read_equity(tmp_path)] == [1, 5]
    assert told == [("error", "it cannot be written (No space left on device); the curve has a hole")]


def test_the_file_is_its_owners_alone(tmp_path):
    written(tmp_path, *range(200), most_points=50)
    assert (tmp_path / HISTORY).stat().st_mode & 0o777 == 0o600
