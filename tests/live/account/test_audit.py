"""The audit log: a chain that shows what was changed, goes on after a crash, and is only held up by a full disk."""

import errno
import json
import os

import pytest

from tradsys.journal.chain import FIRST
from tradsys.live.account.audit import AUDIT, AuditLog, check_all, check_file, events_of, last_events


class FixedClock:
    def now_ms(self) -> int:
        return 1_700_000_000_000


def written(folder, n=5, **options):
    log = AuditLog(folder, FixedClock(), **options)
    for i in range(n):
        log.append("fill", {"symbol": "BTCUSDT", "number": i})
    log.close()
    return log


def lines(folder):
    return (folder / AUDIT).read_bytes().splitlines(keepends=True)


def test_every_line_rests_on_the_one_before(tmp_path):
    written(tmp_path)
    written(tmp_path)
    assert check_all(tmp_path) == []
    assert [json.loads(line)["content"]["number"] for line in lines(tmp_path)] == [0, 1, 2, 3, 4] * 2
    assert json.loads(lines(tmp_path)[0])["at"] == "2023-11-14T22:13:20+00:00"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: [*found[:2], found[2].replace(b'"number":2', b'"number":9'), *found[3:]], "line 3 was changed"),
        (lambda found: [*found[:2], *found[3:]], "line 3 follows"),
        (lambda found: [*found[:2], b"nothing\n", *found[2:]], "line 3 is not"),
        (lambda found: found[1:], "line 1 follows"),
    ],
)
def test_what_was_changed_is_told_by_its_line(tmp_path, change, said):
    written(tmp_path)
    (tmp_path / AUDIT).write_bytes(b"".join(change(lines(tmp_path))))
    assert said in check_all(tmp_path)[0]


def test_a_broken_log_is_kept_and_a_new_one_says_so(tmp_path):
    written(tmp_path)
    changed = b"".join([lines(tmp_path)[0], *lines(tmp_path)[2:]])
    (tmp_path / AUDIT).write_bytes(changed)
    log = written(tmp_path, n=1)
    assert "line 2 follows" in log.broken
    assert (tmp_path / "audit-000001.jsonl").read_bytes() == changed
    assert "line 2 follows" in json.loads(lines(tmp_path)[0])["content"]["what"]
    assert len(check_all(tmp_path)) == 1
    assert written(tmp_path).broken == ""


def test_a_line_that_a_crash_cut_off_is_removed_and_told(tmp_path):
    written(tmp_path)
    path = tmp_path / AUDIT
    path.write_bytes(path.read_bytes()[:-20])
    assert check_file(path, head=FIRST).cut_off.startswith('{"hash"')
    written(tmp_path, n=1)
    assert check_all(tmp_path) == []
    kinds = [json.loads(line)["content"]["kind"] for line in lines(tmp_path)]
    assert kinds == ["fill"] * 4 + ["error", "fill"]


def test_a_large_file_is_closed_and_the_chain_goes_on(tmp_path):
    written(tmp_path, n=20, most_bytes=1_000)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[:2] == ["audit-000001.jsonl", "audit-000002.jsonl"]
    assert all(path.stat().st_size <= 1_000 for path in tmp_path.iterdir())
    assert check_all(tmp_path) == []
    written(tmp_path, n=1)
    assert check_all(tmp_path) == []
    (tmp_path / "audit-000002.jsonl").write_bytes(b"")
    assert "line 1 follows" in check_all(tmp_path)[0]


def test_a_full_disk_is_a_sentence_and_nothing_is_lost_once_there_is_room(tmp_path, monkeypatch):
    log = AuditLog(tmp_path, FixedClock())
    log.append("fill", {"number": 0})
    write = os.write

    def full(descriptor, data):
        write(descriptor, data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.write", full)
    log.append("fill", {"number": 1})
    assert "audit.jsonl cannot be written (No space left on device)" in log.trouble
    assert len(lines(tmp_path)) == 1
    monkeypatch.setattr("os.write", write)
    log.append("fill", {"number": 2})
    assert log.trouble == ""
    log.close()
    assert check_all(tmp_path) == []
    assert [json.loads(line)["content"]["number"] for line in lines(tmp_path)] == [0, 1, 2]


def test_what_is_too_much_for_a_full_disk_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("tradsys.live.account.audit.MOST_WAITING", 3)
    log, write = AuditLog(tmp_path, FixedClock()), os.write
    monkeypatch.setattr("os.write", lambda *_: 0)
    for i in range(5):
        log.append("fill", {"number": i})
    monkeypatch.setattr("os.write", write)
    log.close()
    told = [json.loads(line)["content"] for line in lines(tmp_path)]
    assert [one.get("number") for one in told] == [0, 1, 2, None]
    assert told[-1]["what"].startswith("2 events are not in audit.jsonl")


def test_telling_something_odd_raises_nothing(tmp_path):
    log = AuditLog(tmp_path, FixedClock())
    log.append("fill", {"what": object(), "price": float("nan")})
    log.close()
    assert "object object" in json.loads(lines(tmp_path)[0])["content"]["fields"]
    assert check_all(tmp_path) == []


def test_the_last_events_are_those_of_whole_lines(tmp_path):
    assert last_events(tmp_path) == []
    written(tmp_path)
    size = len(lines(tmp_path)[-1])
    assert [fields["number"] for _, fields in last_events(tmp_path, 2 * size + size // 2)] == [3, 4]
    assert last_events(tmp_path) == list(events_of(tmp_path))
    (tmp_path / AUDIT).write_bytes(
        b'[]\n{"at": 1}\n{"at": "2023-11-14", "content": []}\n' + lines(tmp_path)[0] + b'{"at'
    )
    assert [fields["number"] for _, fields in last_events(tmp_path)] == [0]
