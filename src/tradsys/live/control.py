"""Orders to a running bot from other processes, signals and a file: asked in the account's folder, answered there.

A question is a file that appears whole in `live/A/control/`; the bot takes it away and puts its answer beside it. The
folder is its owner's alone, as the account's is.
"""

import asyncio
import os
import secrets
import signal
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from tradsys.core.errors import ConfigError, HaltError, NotRunningError, TradsysError
from tradsys.core.json_text import canonical_json, read_json
from tradsys.live.account.lock import holder_of
from tradsys.live.telling import Tell

FOLDER: Final = "control"
KILL: Final = "KILL"

POLL_S: Final = 0.1
"""How often the bot looks; an answer that takes no work is there within two of these."""

_LATE_S: Final = 2.0
"""How long after the asking process gave up a question may still be taken: clocks of two processes are one."""


SIGNALS: Final[Mapping[signal.Signals, str]] = {
    signal.SIGTERM: "stop",
    signal.SIGINT: "stop",
    signal.SIGHUP: "stop",
    signal.SIGUSR1: "kill",
}
"""What a signal says."""


class StoppedAtStart(TradsysError):
    """A bot that was told to stop before it traded: an orderly end."""

    exit_code: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody wants of the bot: a verb, its argument, and whence it came ("command", "file", "signal", ...)."""

    verb: str
    argument: str = ""
    by: str = "command"
    reply_to: str = ""
    """Where the answer goes; nobody waits for one where it is empty."""


class Control:
    """The bot's side: what is wanted of it, one after another, and the answers.

    `pace` is how many seconds of the loop pass in one real one.
    """

    def __init__(self, folder: Path, tell: Tell, *, pace: float = 1.0) -> None:
        self._folder, self._tell, self._poll_s = folder / FOLDER, tell, POLL_S * pace
        self._kill = folder / KILL
        self._is_killed = False
        self._pushed: deque[Command] = deque()
        self._woken = asyncio.Event()
        self._folder.mkdir(exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)

    @property
    def is_kill_file_there(self) -> bool:
        """While it is, nothing may be resumed."""
        return self._kill.exists()

    def push(self, command: Command) -> None:
        """A command from within this process: a chat, a signal; call it from the loop's thread."""
        self._pushed.append(command)
        self._woken.set()

    def heed_signals(self, noted: Collection[signal.Signals] = ()) -> Callable[[], None]:
        """SIGTERM, Ctrl-C and a closed terminal stop it in good order, SIGUSR1 kills; returns what ends that.

        Those that were `noted` before are heeded now. Afterwards signals are heeded as they were before; one that this
        process was made deaf to, as by nohup, stays unheard.
        """
        loop = asyncio.get_running_loop()
        found = {number: signal.getsignal(number) for number in SIGNALS}
        before = {number: handler for number, handler in found.items() if handler is not signal.SIG_IGN}
        for number in before:
            loop.add_signal_handler(number, self.push, Command(SIGNALS[number], by=number.name))
        for number in noted:
            self.push(Command(SIGNALS[number], by=number.name))

        def end() -> None:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)

        return end

    async def until_stopped(self) -> str:
        """Wait until a signal says stop, while nobody takes commands yet; returns which."""
        while True:
            for command in self._pushed:
                if command.verb == "stop":
                    return command.by
            self._woken.clear()
            await self._woken.wait()

    async def commands(self) -> AsyncGenerator[Command]:
        """Whatever is wanted, as it comes; each is told before it is given."""
        while True:
            for command in self._found():
                self._tell("command", {"verb": command.verb, "argument": command.argument, "by": command.by})
                yield command
            self._woken.clear()
            if not self._pushed:
                try:
                    await asyncio.wait_for(self._woken.wait(), self._poll_s)
                except TimeoutError:
                    continue

    def reply(self, command: Command, answer: Mapping[str, Any]) -> None:
        """Answer whoever waits for it; who gave up has taken the place of the answer away."""
        self._answer(command, {"answer": answer})

    def refuse(self, command: Command, error: TradsysError) -> None:
        """Answer that it was not done, and why."""
        self._answer(command, {"error": str(error), "code": error.exit_code})

    def _answer(self, command: Command, told: Mapping[str, Any]) -> None:
        if not command.reply_to:
            return
        try:
            _write(self._folder / f"{command.reply_to}.answer", told)
        except OSError as error:  # what was wanted is done or refused, whether or not that can be said
            self._tell("error", {"what": f"{command.verb} could not be answered ({error.strerror})"})

    def _found(self) -> list[Command]:
        found = [self._pushed.popleft() for _ in range(len(self._pushed))]
        was_killed, self._is_killed = self._is_killed, self._kill.exists()
        if self._is_killed and not was_killed:
            found.append(Command("kill", by=f"file {KILL}"))
        for path in sorted(self._folder.iterdir()):
            if path.suffix == ".question" and (command := self._taken(path)):
                found.append(command)
            elif _is_old(path):  # an answer that nobody came for
                path.unlink(missing_ok=True)
        return found

    def _taken(self, path: Path) -> Command | None:
        try:
            asked = read_json(path.read_bytes())
            path.unlink()
            command = Command(str(asked["verb"]), str(asked["argument"]), str(asked.get("by", "command")), path.stem)
            if time.time() < float(asked["until_s"]) + _LATE_S:
                return command
            what = f"a question that nobody waits for any more was left out: {command.verb}"
        except FileNotFoundError:  # whoever asked has given up
            return None
        except (ValueError, KeyError, TypeError) as error:
            path.unlink(missing_ok=True)
            what = f"{path} is no question ({error}); it was removed"
        self._tell("error", {"what": what})
        return None


def ask(folder: Path, verb: str, argument: str = "", *, wait_s: float = 10.0, by: str = "command") -> Mapping[str, Any]:
    """What the bot of this account answers; a NotRunningError where there is none, or where it ends before it does.

    `by` stands in the audit log.
    """
    if holder_of(folder) is None:
        raise NotRunningError(f"nobody trades account {folder.name}: tradsys trade BUNDLE --account {folder.name}")
    place, name = folder / FOLDER, f"{time.time_ns():020}-{secrets.token_hex(4)}"
    question, answer = place / f"{name}.question", place / f"{name}.answer"
    place.mkdir(exist_ok=True, mode=0o700)
    until_s = time.time() + wait_s
    _write(question, {"verb": verb, "argument": argument, "until_s": until_s, "by": by})
    try:
        while time.time() < until_s:
            if (told := _answered(answer)) is not None:
                return told
            if holder_of(folder) is None and not answer.exists():
                raise NotRunningError(f"the bot of account {folder.name} ended before it answered {verb}")
            time.sleep(POLL_S / 5)
    finally:
        is_waiting = question.exists()
        for path in (question, answer):
            path.unlink(missing_ok=True)
    why = "it has not taken the order, which was withdrawn" if is_waiting else "it may still do it"
    raise TradsysError(
        f"the bot of account {folder.name} did not answer {verb} within {wait_s:g} s: {why}; see tradsys trade status "
        f"--account {folder.name}"
    )


def _answered(path: Path) -> Mapping[str, Any] | None:
    try:
        told: Mapping[str, Any] = read_json(path.read_bytes())
    except FileNotFoundError:
        return None
    if "error" in told:
        raise _ERRORS.get(told["code"], TradsysError)(told["error"])
    answer: Mapping[str, Any] = told["answer"]
    return answer


_ERRORS: Final = {kind.exit_code: kind for kind in (ConfigError, HaltError, NotRunningError)}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(canonical_json(content).encode())
    part.rename(path)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > 60
    except FileNotFoundError:
        return False
