"""Commands from one Telegram chat: what the control verbs do, asked from a phone."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from tradsys.core.errors import SourceError, TradsysError
from tradsys.live.clock import Clock
from tradsys.live.notify.confirmations import VALID_S, Confirmations
from tradsys.live.notify.telegram_api import LONG_POLL_S, TelegramApi
from tradsys.live.state import Flags
from tradsys.live.telling import Tell

type RunCommand = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""A control verb with what belongs to it (`by`: whence it comes), and the answer."""

VERBS: Final = ("status", "profit", "balance", "stopentry", "resume", "flatten")
CONFIRMED: Final = ("flatten",)
"""Verbs that are done only after their code has come back."""

OFFSET: Final = "telegram.offset"
"""Flag: the next update that is wanted. It is kept before an update is heeded: a command is never done twice."""

OLDEST_S: Final = 60
"""A command that is older was sent while nobody listened; who sent it may have thought better of it."""

MOST_STRANGERS: Final = 20
LONGEST: Final = 4_000


class TelegramChat:
    """Listens to one chat by long polling, and answers there; every other chat is ignored, and told of once.

    Telegram that fails is asked again, less and less often; nothing of it reaches the bot.
    """

    def __init__(
        self,
        api: TelegramApi,
        chat_id: str,
        command: RunCommand,
        *,
        flags: Flags,
        clock: Clock,
        tell: Tell,
        scrub: Callable[[str], str] = str,
    ) -> None:
        self._api, self._chat_id, self._command = api, chat_id.strip(), command
        self._flags, self._clock, self._tell, self._scrub = flags, clock, tell, scrub
        self._confirmations = Confirmations(clock)
        self._strangers: set[str] = set()
        self._at_work: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """For ever; commands that are at work end with it."""
        pause_s = 0.0
        try:
            while True:
                try:
                    await self._poll()
                    pause_s = 0.0
                except Exception as error:  # noqa: BLE001 - a chat that fails, or a full disk, must not end the bot
                    if not pause_s:
                        self._problem(str(error) if isinstance(error, SourceError) else type(error).__name__)
                    pause_s = min(max(1.0, 2 * pause_s), 60.0)
                    await asyncio.sleep(pause_s)
        finally:
            for task in self._at_work:
                task.cancel()

    async def _poll(self) -> None:
        asked = {"timeout": LONG_POLL_S, "allowed_updates": ["message"], "offset": int(self._flags.flag(OFFSET) or 0)}
        updates = await self._api.call("getUpdates", asked)
        try:
            found = [(int(update["update_id"]), _message_in(update)) for update in updates]
        except (TypeError, KeyError, ValueError):
            raise SourceError("Telegram answered something that is no list of updates; it is asked again") from None
        for update_id, message in found:
            self._flags.set_flag(OFFSET, str(update_id + 1))
            if message is not None:
                self._heed(*message)

    def _heed(self, chat_id: str, text: str, sent_s: int) -> None:
        """One message: what is allowed is begun, its answer is sent when it is there."""
        if chat_id != self._chat_id:
            if chat_id not in self._strangers and len(self._strangers) < MOST_STRANGERS:
                self._strangers.add(chat_id)
                self._problem(f"chat {chat_id} is not allowed and was ignored")
            return
        task = asyncio.ensure_future(self._answer(text, sent_s))
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def _answer(self, text: str, sent_s: int) -> None:
        try:
            answer = await self._done(text, sent_s)
        except TradsysError as error:
            answer = f"not done: {error}"
        except Exception as error:  # noqa: BLE001 - a command that fails ends here, not in the bot
            answer = f"failed: {type(error).__name__}"
            self._problem(f"{text.split()[0] if text.split() else ''} failed: {type(error).__name__}")
        try:
            await self._api.call("sendMessage", {"chat_id": self._chat_id, "text": self._scrub(answer)[:LONGEST]})
        except SourceError as error:
            self._problem(str(error))

    async def _done(self, text: str, sent_s: int) -> str:
        word = (text.split() or [""])[0].lstrip("/").partition("@")[0].lower()
        age_s = self._clock.now_ms() / 1_000 - sent_s
        if age_s > OLDEST_S:
            return f"{word} was sent {age_s:.0f} s ago and was not done; send it again"
        if word.isdigit():
            confirmed = self._confirmations.confirmed(word)
            return "nothing waits for this code" if confirmed is None else await self._run(confirmed)
        if word not in VERBS:
            return "commands: " + ", ".join(f"/{verb}" for verb in VERBS)
        if word in CONFIRMED:
            return f"send {self._confirmations.ask(word)} within {VALID_S} s to {word}"
        return await self._run(word)

    async def _run(self, verb: str) -> str:
        self._tell("command", {"verb": verb, "argument": "", "by": "telegram"})
        answer = await self._command(verb, {"by": "telegram"})
        return "\n".join([f"{verb}:", *_lines(answer)])

    def _problem(self, reason: str) -> None:
        self._tell("error", {"what": "telegram", "reason": self._scrub(reason)})


def _message_in(update: Mapping[str, Any]) -> tuple[str, str, int] | None:
    """The chat, the text and the time in seconds of a message; None of anything else."""
    message = update.get("message")
    if not isinstance(message, dict) or not isinstance(message.get("text"), str):
        return None
    return str(message["chat"]["id"]), message["text"], int(message["date"])


def _lines(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Plain values one a line, nested ones under their dotted names, rows such as positions or coins a line each.

    What a market does not have, such as coins where positions are traded, is left out.
    """
    lines: list[str] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines += _lines(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple) and value and all(isinstance(one, Mapping) for one in value):
            lines += [f"{prefix}{name}: {_row(one)}" for one in value]
        elif value is not None and value != () and value != []:
            lines.append(f"{prefix}{name}: {_plain(value)}")
    return lines


def _row(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in values.items() if value is not None)


def _plain(value: Any) -> str:
    return f"{value:.8g}" if isinstance(value, float) else str(value)
