"""What a running bot does when it is told something: each verb a few calls of the parts that it has."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from tradsys.core.errors import ConfigError, TradsysError
from tradsys.live.account.looked import profit_of
from tradsys.live.clock import Clock
from tradsys.live.control import KILL, Command, Control
from tradsys.live.execution.wishes import FLATTEN, STOP_ENTRY
from tradsys.live.executor import OrderExecutor
from tradsys.live.risk.risk import Risk
from tradsys.live.state import TradingState
from tradsys.live.venue import Venue

ALL: Final = "all"

REMEMBERED: Final = frozenset({"stopentry", "resume", "forceexit", "flatten", "kill"})
"""Verbs of which a restart must know."""

type Reload = Callable[[], Awaitable[Mapping[str, Any]]]


class Obedience:
    """Does what a command says, and answers it; what cannot be done is refused with why.

    `status` is what the bot would write of itself now, `reload` reads settings again and returns what changed. The verb
    `stop` is the bot's own: it is not known here.
    """

    def __init__(
        self,
        control: Control,
        executor: OrderExecutor,
        risk: Risk,
        venue: Venue,
        clock: Clock,
        *,
        status: Callable[[], Mapping[str, Any]],
        reload: Reload,
    ) -> None:
        self._control, self._executor, self._risk = control, executor, risk
        self._venue, self._clock, self._status, self._reload = venue, clock, status, reload
        self._journal = executor.journal
        self._verbs: dict[str, Callable[[Command], Awaitable[Mapping[str, Any]]]] = {
            "status": self._tell_status,
            "profit": self._profit,
            "balance": self._balance,
            "trades": self._trades,
            "stopentry": self._stop_entries,
            "resume": self._resume,
            "forceexit": self._force_exit,
            "flatten": self._flatten,
            "kill": self._kill,
            "reload": self._read_again,
        }

    async def obey(self, command: Command) -> None:
        """Do it and answer whoever asked; an error of ours is the answer, and never the end of the bot."""
        try:
            self._control.reply(command, await self.answer(command))
        except TradsysError as error:
            self._control.refuse(command, error)

    async def answer(self, command: Command) -> Mapping[str, Any]:
        """Do it; `said` is what came of it, in words, and an error why it was not done."""
        verb = self._verbs.get(command.verb)
        if verb is None:
            raise ConfigError(f"a bot knows {', '.join(self._verbs)}, found {command.verb!r}")
        told = await verb(command)
        if command.verb in REMEMBERED and self._journal.trouble:
            return {**told, "said": f"{told['said']}; the disk does not take that now: a crash would forget it"}
        return told

    async def _tell_status(self, _: Command) -> Mapping[str, Any]:
        return self._status()

    async def _profit(self, _: Command) -> Mapping[str, Any]:
        return profit_of(self._executor.trades(), self._clock.now_ms())

    async def _balance(self, _: Command) -> Mapping[str, Any]:
        account = await self._venue.account()
        return {**asdict(account), "equity_quote": account.equity_quote, "asked_ms": self._clock.now_ms()}

    async def _trades(self, _: Command) -> Mapping[str, Any]:
        return {"trades": self._executor.trades()}

    async def _stop_entries(self, command: Command) -> Mapping[str, Any]:
        self._journal.set_flag(STOP_ENTRY, f"stopentry by {command.by}")
        return {"said": "nothing is entered until resume; exits go on"}

    async def _resume(self, command: Command) -> Mapping[str, Any]:
        if self._control.is_kill_file_there:
            raise ConfigError(f"the file {KILL} is in the account's folder: remove it, then resume")
        if (leaving := self._journal.flag(FLATTEN)) is not None:
            raise ConfigError(f"everything is being left still ({leaving}); resume when nothing is")
        stopped, state = self._journal.flag(STOP_ENTRY), self._risk.state
        self._journal.set_flag(STOP_ENTRY, None)
        if state is not TradingState.ACTIVE:
            self._risk.resume(f"resume by {command.by}")
        if stopped is None and state is TradingState.ACTIVE:
            return {"said": "nothing was stopped: it enters as it did"}
        return {"said": "it enters again"}

    async def _force_exit(self, command: Command) -> Mapping[str, Any]:
        held = sorted({trade.symbol for trade in self._journal.trades(is_open=True)})
        symbols = held if command.argument == ALL else [command.argument]
        if unknown := [symbol for symbol in symbols if symbol not in held]:
            there = f"open are {', '.join(held)}" if held else "none is open"
            raise ConfigError(f"there is no open trade in {', '.join(unknown)}: {there}")
        for symbol in symbols:
            self._executor.request_exit(symbol, f"forceexit by {command.by}")
        settled = [await self._executor.reconcile(symbol) for symbol in symbols]
        left = ", ".join(symbols) or "nothing, since nothing was open"
        said = f"left: {left}" if all(settled) else f"being left: {left}"
        return {"symbols": symbols, "said": said}

    async def _flatten(self, command: Command) -> Mapping[str, Any]:
        self._journal.set_flag(STOP_ENTRY, f"flatten by {command.by}")
        return await self._leave(f"flatten by {command.by}")

    async def _kill(self, command: Command) -> Mapping[str, Any]:
        why = f"kill by {command.by}"
        self._risk.halt(why, cause="kill")
        return await self._leave(why)

    async def _leave(self, why: str) -> Mapping[str, Any]:
        is_done = await self._executor.flatten(why)
        said = "nothing is left, and nothing is entered until resume"
        return {"is_done": is_done, "said": said if is_done else "something is left still; it goes on until nothing is"}

    async def _read_again(self, _: Command) -> Mapping[str, Any]:
        return await self._reload()
