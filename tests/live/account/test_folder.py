"""An account's folder: whose it is, what is told, and the status that is never half there."""

import asyncio
import base64
import errno
import json
import os
import stat
import time

import pytest

from tradsys.core.errors import ConfigError, DataError
from tradsys.live.account import AccountFolder, Scrubber, read_status
from tradsys.live.account.folder import account_folder
from tradsys.live.clock import SystemClock

SECRET = "c4nary-Of+the/K3y==Pu7nT"


def folder_of(path, **options):
    return AccountFolder(path, SystemClock(), **{"money": "paper", "venue": "binance", **options})


def everything(path):
    return b"".join(one.read_bytes() for one in path.rglob("*") if one.is_file()).decode()


@pytest.mark.parametrize("name", ["", "A", "../a", "a/b", "-a", "a-", "a b", "x" * 25, "ä"])
def test_a_name_that_could_not_stand_in_an_id_is_refused(name):
    with pytest.raises(ConfigError, match="1 to 24 small letters"):
        account_folder(name)


def test_folder_and_files_are_their_owners_alone(tmp_path):
    with folder_of(tmp_path / "live" / "main") as folder:
        folder.tell("started", {})
        folder.write_status({"state": "ACTIVE"})
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in (folder.path, *folder.path.iterdir())}
    assert {mode for name, mode in modes.items() if name != "account.json"} == {0o700, 0o600}


@pytest.mark.parametrize("other", [{"money": "live"}, {"venue": "bybit"}, {"money": "tape"}])
def test_paper_and_money_and_two_venues_never_share_a_folder(tmp_path, other):
    with folder_of(tmp_path / "main"):
        pass
    with pytest.raises(ConfigError, match="account main is paper on binance, and this would be"):
        folder_of(tmp_path / "main", **other).__enter__()
    with folder_of(tmp_path / "main"):
        pass


def test_what_is_told_reaches_the_log_and_then_who_listens(tmp_path):
    heard = []
    with folder_of(tmp_path / "main") as folder:
        folder.listen(lambda kind, fields: heard.append((kind, dict(fields), everything(folder.path).count("BTCUSDT"))))
        folder.tell("fill", {"symbol": "BTCUSDT"})
    assert heard == [("fill", {"symbol": "BTCUSDT"}, 1)]


def test_a_status_is_whole_and_says_who_runs(tmp_path):
    path = tmp_path / "main"
    assert read_status(path).status is None
    with folder_of(path) as folder:
        folder.write_status({"state": "ACTIVE"})
        seen = read_status(path)
        assert (seen.status, seen.holder.pid, seen.is_stuck) == ({"state": "ACTIVE"}, os.getpid(), False)
        for at_s in (0, time.time() + 60):
            os.utime(path / "status.json", (at_s, at_s))
            assert read_status(path).is_stuck
    assert read_status(path).holder is None
    (path / "status.json").write_text("{")
    with pytest.raises(DataError, match="is no status"):
        read_status(path)


def test_the_status_is_written_every_two_seconds_and_the_log_synced(tmp_path, monkeypatch):
    monkeypatch.setattr("tradsys.live.account.folder.STATUS_EVERY_S", 0.02)
    monkeypatch.setattr("tradsys.live.account.folder.SYNC_EVERY_S", 0.01)
    synced, fsync = [], os.fsync
    monkeypatch.setattr("os.fsync", lambda descriptor: synced.append(fsync(descriptor)))

    async def main():
        with folder_of(tmp_path / "main") as folder:
            made = iter(range(100))
            keeping = asyncio.create_task(folder.keep(lambda: {"turn": next(made)}))
            await asyncio.sleep(0.01)
            before = len(synced)
            folder.tell("fill", {})
            assert len(synced) == before, "telling does not wait for the disk while the log is synced beside it"
            while read_status(folder.path).status["turn"] < 3:
                await asyncio.sleep(0.01)
            keeping.cancel()
            return len(synced) - before

    assert asyncio.run(main()) >= 1


def test_a_full_disk_stops_no_one_and_is_a_sentence(tmp_path, monkeypatch):
    with folder_of(tmp_path / "main") as folder:

        def full(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patched:
            patched.setattr("tradsys.live.account.folder.write_status", full)
            folder.write_status({})
            assert "status.json cannot be written (No space left on device)" in folder.trouble
        folder.write_status({})
        assert folder.trouble == ""


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        f"https://host/?key={SECRET}&x",
        SECRET.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D"),
        SECRET.replace("+", "%2b").replace("/", "%2f").replace("=", "%3d"),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        *(base64.b64encode(f"{'u' * n}:{SECRET}".encode()).decode() for n in range(3)),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        SECRET[:11],
        SECRET[7:],
    ],
)
def test_no_form_and_no_part_of_a_secret_is_written(tmp_path, form):
    with folder_of(tmp_path / "main", scrub=Scrubber([SECRET])) as folder:
        folder.tell("error", {"what": f"GET failed: {form}", "parts": [form], form: {"in": form}})
        folder.write_status({"last": f"<{form}>"})
        heard = json.dumps(read_status(folder.path).status)
    found = everything(folder.path) + heard
    assert "GET failed: " in found
    pieces = [form[i : i + 12] for i in range(len(form) - 11)] or [form]
    usual = f"https://host/?key=&x{'u' * 3}:"
    assert [piece for piece in pieces if piece in found and piece not in usual] == []


def test_the_address_of_a_notification_is_hidden_and_its_host_is_not():
    scrub = Scrubber(["tgram://123456:AAE-secret-token/4711", "json://127.0.0.1:8000/x"])
    assert scrub.text("POST https://api.telegram.org/bot123456:AAE-secret-token/send") == (
        "POST https://api.telegram.org/bot123456:***/send"
    )
    assert scrub.text("http://127.0.0.1:8000/fapi") == "http://127.0.0.1:8000/fapi"
    assert scrub.text("sent to json://127.0.0.1:8000/x") == "sent to ***"


def test_a_log_without_secrets_stays_as_it_is():
    assert Scrubber([SECRET]).plain({"a": ["text", 1, None, True, 2.5]}) == {"a": ["text", 1, None, True, 2.5]}
