"""Marks of runs at work: told by a process that lives, and telling of one that was killed."""

import os
import signal
import subprocess
import sys
import time

from tradsys.runs import at_work as marks
from tradsys.runs.at_work import PREFIX, at_work, jobs
from tradsys.runs.stored import find_run


def test_a_run_at_work_says_what_it_is_and_how_far_it_has_come(tmp_path, monkeypatch):
    monkeypatch.setattr(marks, "_EVERY_S", 0.0)
    heard = []
    with at_work(tmp_path, "BTC, hourly", lambda *told: heard.append(told)) as progress:
        progress("fold 2 of 6", 1.5, 6)
        (job,) = jobs(tmp_path)
        assert (job.title, job.stage, job.done, job.n) == ("BTC, hourly", "fold 2 of 6", 1.5, 6)
        assert job.is_alive and job.pid == os.getpid()
    assert heard == [("fold 2 of 6", 1.5, 6)]


def test_nothing_of_it_is_left_when_the_run_ends(tmp_path):
    with at_work(tmp_path, "BTC", lambda *_: None):
        pass
    assert list(tmp_path.iterdir()) == [] and jobs(tmp_path) == []


def test_one_that_was_killed_is_known_as_that(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from tradsys.runs.at_work import at_work\n"
        "with at_work(Path(sys.argv[1]), 'BTC', lambda *_: None): time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    while not jobs(tmp_path):
        time.sleep(0.02)
    assert jobs(tmp_path)[0].is_alive
    process.send_signal(signal.SIGKILL)
    process.wait()
    (job,) = jobs(tmp_path)
    assert not job.is_alive and job.pid == process.pid


def test_what_was_killed_over_a_day_ago_is_swept_by_the_next_run(tmp_path):
    old = tmp_path / f"{PREFIX}old"
    old.mkdir()
    os.utime(old, (0, 0))
    with at_work(tmp_path, "BTC", lambda *_: None):
        assert not old.exists()


def test_a_mark_is_no_run_and_a_broken_one_is_passed_over(tmp_path):
    broken = tmp_path / f"{PREFIX}broken"
    broken.mkdir()
    (broken / "job.json").write_text('{"title": ')
    assert jobs(tmp_path) == []
    run = tmp_path / "a-run"
    run.mkdir()
    (run / "manifest.json").write_text("{}")
    assert find_run(tmp_path, "last") == run


def test_a_folder_that_takes_no_mark_does_not_end_the_run(tmp_path):
    heard = []
    (tmp_path / "file").touch()
    with at_work(tmp_path / "file" / "runs", "BTC", lambda *told: heard.append(told)) as progress:
        progress("going on", 1, 2)
    assert heard == [("going on", 1, 2)]


def test_a_folder_made_for_the_mark_goes_with_it_unless_something_came_there(tmp_path):
    for name, comes in (("empty", False), ("used", True)):
        with at_work(tmp_path / name, "BTC", lambda *_: None):
            assert [job.title for job in jobs(tmp_path / name)] == ["BTC"]
            if comes:
                (tmp_path / name / "a-run").mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["used"]
