"""Commands to a running bot: taken once, answered once, and nothing that nobody waits for any more."""

import asyncio
import json
import os
import signal
import threading
import time

import pytest

from tradsys.core.errors import ConfigError, NotRunningError, TradsysError
from tradsys.live.account.lock import Holder, held
from tradsys.live.control import Command, Control, ask


class Bot:
    """Answers on a loop of its own, as a running bot does."""

    def __init__(self, folder, obey):
        self.folder, self.obey, self.told, self.seen = folder, obey, [], []

    def __enter__(self):
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main(ready)))
        self._thread.start()
        assert ready.wait(5)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()

    async def _main(self, ready):
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        with held(self.folder, "now"):
            self.control = Control(self.folder, lambda kind, fields: self.told.append((kind, dict(fields))))
            ready.set()
            try:
                async for command in self.control.commands():
                    self.seen.append(command)
                    try:
                        self.control.reply(command, self.obey(command))
                    except TradsysError as error:
                        self.control.refuse(command, error)
            except asyncio.CancelledError:
                return


def wait_for(condition):
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_command_is_done_once_and_answered_at_once(tmp_path):
    with Bot(tmp_path, lambda command: {"did": command.verb, "to": command.argument}) as bot:
        began = time.monotonic()
        assert ask(tmp_path, "forceexit", "BTCUSDT") == {"did": "forceexit", "to": "BTCUSDT"}
        assert time.monotonic() - began < 1
        assert len(bot.seen) == 1
        assert ("command", {"verb": "forceexit", "argument": "BTCUSDT", "by": "command"}) in bot.told
        assert list((tmp_path / "control").iterdir()) == []


def test_whoever_asked_stands_in_the_log(tmp_path):
    with Bot(tmp_path, lambda command: {"by": command.by}) as bot:
        assert ask(tmp_path, "stopentry", by="web page") == {"by": "web page"}
        assert ("command", {"verb": "stopentry", "argument": "", "by": "web page"}) in bot.told


def test_what_the_bot_refuses_is_an_error_of_its_kind(tmp_path):
    def obey(command):
        raise ConfigError(f"no position in {command.argument}")

    with Bot(tmp_path, obey), pytest.raises(ConfigError, match="no position in X"):
        ask(tmp_path, "forceexit", "X")


def test_nobody_running_is_told_at_once(tmp_path):
    with pytest.raises(NotRunningError, match="nobody trades account") as refused:
        ask(tmp_path, "flatten")
    assert refused.value.exit_code == 6


def test_a_bot_that_does_not_answer_loses_the_command(tmp_path):
    with held(tmp_path, "now"):
        with pytest.raises(TradsysError, match=r"within 0.1 s: it has not taken the order, which was withdrawn"):
            ask(tmp_path, "flatten", wait_s=0.1)
        assert list((tmp_path / "control").iterdir()) == []


def test_a_bot_that_ends_meanwhile_is_told(tmp_path, monkeypatch):
    holders = iter([Holder(1, "here", "now"), Holder(1, "here", "now"), None])
    monkeypatch.setattr("tradsys.live.control.holder_of", lambda _: next(holders))
    with pytest.raises(NotRunningError, match="ended before it answered resume"):
        ask(tmp_path, "resume")


def test_a_command_left_from_another_day_is_not_obeyed(tmp_path):
    (tmp_path / "control").mkdir()
    left = tmp_path / "control" / "1-a.question"
    left.write_text(json.dumps({"verb": "flatten", "argument": "", "until_s": time.time() - 3_600}))
    with Bot(tmp_path, lambda _: {}) as bot:
        assert ask(tmp_path, "status") == {}
        assert [one.verb for one in bot.seen] == ["status"]
        assert any(
            "nobody waits for any more was left out: flatten" in fields.get("what", "") for _, fields in bot.told
        )


def test_what_is_no_question_is_removed_and_told(tmp_path):
    (tmp_path / "control").mkdir()
    (tmp_path / "control" / "1-a.question").write_text("[]")
    with Bot(tmp_path, lambda _: {}) as bot:
        assert ask(tmp_path, "status") == {}
        assert [kind for kind, _ in bot.told] == ["error", "command"]


def test_the_file_kills_once_each_time_that_it_appears(tmp_path):
    (tmp_path / "KILL").touch()
    with Bot(tmp_path, lambda _: {}) as bot:
        wait_for(lambda: bot.seen)
        ask(tmp_path, "status")
        assert [(one.verb, one.by) for one in bot.seen] == [("kill", "file KILL"), ("status", "command")]
        assert bot.control.is_kill_file_there
        (tmp_path / "KILL").unlink()
        ask(tmp_path, "status")
        (tmp_path / "KILL").touch()
        wait_for(lambda: len(bot.seen) == 4)
        assert bot.seen[-1].verb == "kill"


@pytest.mark.parametrize(
    ("number", "verb"), [(signal.SIGTERM, "stop"), (signal.SIGINT, "stop"), (signal.SIGUSR1, "kill")]
)
def test_signals_are_commands(tmp_path, number, verb):
    async def main():
        control = Control(tmp_path, lambda *_: None)
        end = control.heed_signals()
        try:
            os.kill(os.getpid(), number)
            async for command in control.commands():
                return command
        finally:
            end()

    before = signal.getsignal(number)
    assert asyncio.run(main()) == Command(verb, by=number.name)
    assert signal.getsignal(number) == before


def test_a_terminal_that_closes_over_a_bot_of_nohup_is_not_heard(tmp_path):
    async def main():
        control = Control(tmp_path, lambda *_: None)
        end = control.heed_signals()
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            async for command in control.commands():
                return command.by
        finally:
            end()

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert asyncio.run(main()) == "SIGTERM"
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_full_disk_does_not_keep_the_bot_from_obeying(tmp_path, monkeypatch):
    told = []
    control = Control(tmp_path, lambda kind, fields: told.append(fields))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tradsys.live.control._write", full)
    control.reply(Command("flatten", reply_to="1-a"), {})
    assert told == [{"what": "flatten could not be answered (No space left on device)"}]
