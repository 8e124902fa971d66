"""What goes along with a bot: people told and heard, pages and pings for those who watch; none touches an order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tradsys.core.errors import ConfigError
from tradsys.live.clock import Clock
from tradsys.live.notify import HttpTelegram, Notifier, TelegramChat, sender_to
from tradsys.live.notify.telegram_chat import RunCommand
from tradsys.live.state import Flags
from tradsys.live.telling import Tell
from tradsys.live.watching import DeadMan, Health, Metrics, Watchdog, serve
from tradsys.settings.trade import TradeSettings

BEAT_S: Final = 1.0
FIGURES_EVERY_S: Final = 5.0
AGAIN_S: Final = 60.0
"""Before a companion that failed begins again."""

LATE_BAR_S: Final = 120.0
"""A bar may be known so long after its close before the bot counts as ill."""

LAST_WORDS_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class BotSides:
    """What companions have of a bot: they listen to what is told, ask for its status, and pass commands on.

    `status` has the figures of `Risk.figures` under "risk", and "open_trades" and "account_state" as `status.json` has.
    `command` runs a control verb. `telegram_url` is for tests on this machine.
    """

    account: str
    settings: TradeSettings
    interval_ms: int
    flags: Flags
    clock: Clock
    tell: Tell
    listen: Callable[[Tell], None]
    status: Callable[[], Mapping[str, Any]]
    command: RunCommand
    scrub: Callable[[str], str]
    telegram_url: str | None = None


@asynccontextmanager
async def accompanied(bot: BotSides) -> AsyncIterator[Health]:
    """Companions as the settings want them, for as long as it is open; a setting that cannot be used is a ConfigError.

    Enter it before "started" is told, which is when systemd hears that the bot is ready. One that fails is told of and
    begun again, and the bot does not notice.
    """
    health = Health(bot.clock, max_bar_age_s=bot.interval_ms / 1_000 + LATE_BAR_S)
    watchdog, settings = Watchdog(), bot.settings
    works: dict[str, Callable[[], Awaitable[None]]] = {"health": partial(_beat, health)}
    works["watchdog"] = partial(watchdog.run, lambda: health.is_turning)
    bot.listen(partial(_hear, health, watchdog))
    async with AsyncExitStack() as stack:
        notifier = await _notifier(bot, stack)
        if settings.metrics_port is not None:
            metrics = Metrics(health)
            bot.listen(metrics.on_event)
            served = await serve(metrics, health, settings.metrics_port)
            stack.push_async_callback(served.close)
            works["metrics"] = partial(_show, metrics, bot.status, notifier)
        if chat := _chat(bot):
            works["telegram"] = chat.run
        if settings.dead_man_url.get_secret_value():
            works["dead-man ping"] = DeadMan(settings.dead_man_url, lambda: health.is_healthy, bot.tell).run
        tasks = [asyncio.create_task(_kept_at(name, work, bot.tell)) for name, work in works.items()]
        stack.push_async_callback(_ended, tasks)
        yield health


def figures_of(status: Mapping[str, Any], notifier: Notifier | None) -> dict[str, Any]:
    """The numbers of a status that metrics show, by their names."""
    positions = (status.get("account_state") or {}).get("positions") or ()
    return {
        **(status.get("risk") or {}),
        "n_open_trades": len(status.get("open_trades") or ()),
        "notional_quote": sum(abs(one["size_base"]) * one["mark_price"] for one in positions),
        **({} if notifier is None else notifier.counts()),
    }


async def _notifier(bot: BotSides, stack: AsyncExitStack) -> Notifier | None:
    if not bot.settings.notify:
        return None
    send = await asyncio.to_thread(sender_to, bot.settings.notify, f"tradsys {bot.account}")
    notifier = Notifier(send, scrub=bot.scrub)
    bot.listen(notifier.tell)
    stack.push_async_callback(asyncio.to_thread, notifier.close, LAST_WORDS_S)
    return notifier


def _chat(bot: BotSides) -> TelegramChat | None:
    token, chat_id = bot.settings.telegram_token, bot.settings.telegram_chat
    if not token.get_secret_value():
        return None
    if not chat_id:
        raise ConfigError("a Telegram token heeds one chat, found none; set trade.telegram_chat to its number")
    api = HttpTelegram(token) if bot.telegram_url is None else HttpTelegram(token, base_url=bot.telegram_url)
    return TelegramChat(api, chat_id, bot.command, flags=bot.flags, clock=bot.clock, tell=bot.tell, scrub=bot.scrub)


def _hear(health: Health, watchdog: Watchdog, kind: str, fields: Mapping[str, Any]) -> None:
    if kind == "bar" and "close" in fields:
        health.on_bar(int(fields["close_ms"]))
    elif kind == "started":
        watchdog.ready()
    elif kind == "stopped":
        watchdog.stopping()


async def _beat(health: Health) -> None:
    while True:
        health.beat()
        await asyncio.sleep(BEAT_S)


async def _show(metrics: Metrics, status: Callable[[], Mapping[str, Any]], notifier: Notifier | None) -> None:
    while True:
        metrics.set_figures(figures_of(status(), notifier))
        await asyncio.sleep(FIGURES_EVERY_S)


async def _kept_at(name: str, work: Callable[[], Awaitable[None]], tell: Tell) -> None:
    while True:
        try:
            await work()
            return
        except Exception as error:  # noqa: BLE001 - no companion may end the bot
            tell("error", {"what": name, "reason": f"{type(error).__name__}; it begins again in {AGAIN_S:g} s"})
        await asyncio.sleep(AGAIN_S)


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
