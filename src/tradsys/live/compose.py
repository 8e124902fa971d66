"""A bot made ready: bundle, account, venue and limits checked against each other, and all that trades built of them."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import partial
from typing import Any, Final

from tradsys.core.errors import ConfigError, NotProvenError
from tradsys.core.time import format_interval
from tradsys.live.account.folder import AccountFolder
from tradsys.live.account_mode import set_and_read_back
from tradsys.live.bars.feed import BarFeed
from tradsys.live.bot import Bot, BotParts
from tradsys.live.clock import Clock
from tradsys.live.control import Control, StoppedAtStart
from tradsys.live.deciding import Decider
from tradsys.live.execution.holdings import own_holdings
from tradsys.live.execution.intent import Trade
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.execution.steps import StepHook, no_step
from tradsys.live.executor import OrderExecutor
from tradsys.live.intents import IntentJournal
from tradsys.live.outside.providers import outside_sources
from tradsys.live.preflight import AskedFor, Cleared, preflight
from tradsys.live.risk.limits import RiskLimits, limits_of
from tradsys.live.risk.risk import Risk
from tradsys.live.target_bot import TargetBot
from tradsys.live.telling import LateTelling, Tell
from tradsys.live.venue import MarketRules, Venue, VenueRefused, VenueUnknown
from tradsys.live.weighing import Weigher
from tradsys.predictor.traded import RankBundle, TradedBundle
from tradsys.settings.trade import SECTION, TradeSettings

AGAIN_S: Final = 5.0
"""Between two attempts to learn what must be known before trading."""


@dataclass(frozen=True, slots=True)
class BotWish:
    """What somebody wants traded, and how: the bundle, the settings, and what was said beside them.

    `reread` gives the settings as they are now. `pace` is how many seconds of the clock pass in one real one: more than
    1 where a tape is played.
    """

    bundle: TradedBundle | RankBundle
    settings: TradeSettings
    reread: Callable[[], TradeSettings]
    asked_for: Collection[AskedFor] = ()
    takes_unproven: bool = False
    pace: float = 1.0


@asynccontextmanager
async def composed(
    wish: BotWish,
    folder: AccountFolder,
    venue: Venue,
    clock: Clock,
    *,
    step: StepHook = no_step,
    noted: Collection[signal.Signals] = (),
) -> AsyncIterator[tuple[Bot, Control]]:
    """A bot that may run, and how it is told something; whatever speaks against trading is raised before.

    The folder is held already. Nothing is changed at the venue before everything has been checked, and then only
    leverage and margin type. `step` is called before and after every marked step of the executor. Signals are heeded
    from the first moment on, and those that were `noted` before: told to stop while the venue is still being asked, it
    is a StoppedAtStart.
    """
    asked = venue
    control = Control(folder.path, folder.tell, pace=wish.pace)
    end = control.heed_signals(noted)
    try:
        asking = _answered(partial(_cleared, wish, folder, venue, clock), folder.tell)
        rules, cleared = await _unless_stopped(asking, control)
        about = _about(wish.bundle, cleared, folder, venue)
        with closing(IntentJournal(folder.journal)) as journal:
            if wish.bundle.deployment.is_spot:
                venue = own_holdings(asked, journal)
            risk = Risk(limits_of(wish.settings), journal, clock, folder.tell, bands=wish.bundle.deployment.bands)
            risk.start(cleared.reducing)
            late = LateTelling(folder.tell)
            executor = OrderExecutor(
                venue,
                journal,
                clock,
                ExecutionRules(folder.name),
                markets=rules,
                tell=late.tell,
                step=step,
                halt=risk.halt,
            )
            try:
                yield _bot(wish, folder, venue, executor, risk, control, about, late), control
            finally:
                await executor.close()
    finally:
        await asked.close()
        end()


async def _unless_stopped[T](work: Coroutine[Any, Any, T], control: Control) -> T:
    """What comes of it, or a StoppedAtStart where somebody says stop before."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(control.until_stopped())
    try:
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            raise StoppedAtStart(f"told to stop by {stopping.result()} before it traded; what is open stays as it is")
        return working.result()
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.wait([working, stopping])


async def _answered[T](ask: Callable[[], Awaitable[T]], tell: Tell) -> T:
    """What the venue answers in the end: a bot that starts again while it is down has positions to look after."""
    while True:
        try:
            return await ask()
        except VenueUnknown as error:
            tell("error", {"what": "start", "reason": f"{error}; asked again in {AGAIN_S:g} s"})
        await asyncio.sleep(AGAIN_S)


def _left_open(folder: AccountFolder) -> list[Trade]:
    """Trades that an earlier bot left open."""
    if not folder.journal.exists():
        return []
    with closing(IntentJournal.reading(folder.journal)) as journal:
        return journal.trades(is_open=True)


async def _cleared(
    wish: BotWish, folder: AccountFolder, venue: Venue, clock: Clock
) -> tuple[dict[str, MarketRules], Cleared]:
    """The rules of the markets, and that the bundle may be traded on them with this account.

    Who is refused hears of the trades that nobody looks after then.
    """
    trades = _left_open(folder)
    held = [trade.symbol for trade in trades]
    try:
        _refuse_unled(wish.bundle, trades)
        return await _looked_at(wish, venue, clock, len(held))
    except (ConfigError, NotProvenError, VenueRefused) as error:
        if not held:
            raise
        left = f"{', '.join(held)} was left open: its stop stays at the venue, and its time is not kept by anybody"
        raise type(error)(f"{error}; {left}") from None


def _refuse_unled(bundle: TradedBundle | RankBundle, trades: Sequence[Trade]) -> None:
    """A position of target weights has no time of its own: without a next choice it would be held for ever."""
    weighed = sorted(trade.symbol for trade in trades if trade.origin == "target")
    if weighed and not isinstance(bundle, RankBundle):
        raise ConfigError(
            f"this is not traded: target weights hold {', '.join(weighed)} on this account, and the bundle has none, "
            "so that nothing would ever leave them; trade the bundle of ranks again and flatten, or use another account"
        )


async def _looked_at(wish: BotWish, venue: Venue, clock: Clock, n_open: int) -> tuple[dict[str, MarketRules], Cleared]:
    deployment, settings = wish.bundle.deployment, wish.settings
    takes_fewer = n_open > 0 or isinstance(wish.bundle, RankBundle)
    rules = await _rules(venue, deployment.symbols, takes_fewer=takes_fewer)
    is_there = {symbol for symbol, one in rules.items() if one.is_trading}
    traded = [symbol for symbol in deployment.symbols if not takes_fewer or symbol in is_there]
    mode = await venue.mode(traded)
    checked = (deployment, mode, rules, settings, clock.now_ms())
    cleared = preflight(
        *checked,
        wanted=wish.asked_for,
        takes_unproven=wish.takes_unproven,
        n_open=n_open,
        most_held=wish.bundle.ranks.most_held if isinstance(wish.bundle, RankBundle) else 0,
    )
    try:
        await set_and_read_back(venue, traded, settings.leverage, settings.margin_type)
    except (ConfigError, VenueRefused) as error:
        if not n_open:
            raise
        cleared = cleared.reduced([str(error)], n_open)  # such as a margin type, which stays while a position is open
    return rules, cleared


async def _rules(venue: Venue, symbols: Collection[str], *, takes_fewer: bool) -> dict[str, MarketRules]:
    """The rules of the markets; of those that the venue has, where that is enough."""
    try:
        return dict(await venue.markets(symbols))
    except VenueRefused:
        if not takes_fewer:
            raise
    found: dict[str, MarketRules] = {}
    for symbol in symbols:
        with suppress(VenueRefused):
            found.update(await venue.markets([symbol]))
    return found


def _bot(
    wish: BotWish,
    folder: AccountFolder,
    venue: Venue,
    executor: OrderExecutor,
    risk: Risk,
    control: Control,
    about: Mapping[str, Any],
    late: LateTelling,
) -> Bot:
    bundle, clock, tell = wish.bundle, executor.clock, late.tell
    deployment = bundle.deployment
    outside = outside_sources(deployment, venue, tell=tell, is_played=folder.money == "tape")
    decider: Decider | Weigher
    if isinstance(bundle, RankBundle):
        decider = Weigher(bundle.ranks, deployment, bundle.bundle_hash, tell=tell)
    else:
        decider = Decider(bundle.predictor, deployment, bundle.bundle_hash, tell=tell, outside=outside)
    feed = BarFeed(
        venue,
        deployment.symbols,
        deployment.interval_ms,
        clock,
        tell=tell,
        wait_s=wish.settings.bar_wait_s,
        on_hint=lambda hint: bot.hint(hint),
        on_bar=decider.ahead if isinstance(decider, Decider) else None,
        preparations=(outside.refresh,),
    )

    async def reload() -> Mapping[str, Any]:
        return _reloaded(wish, risk)

    parts = BotParts(
        deployment=deployment,
        venue=venue,
        feed=feed,
        decider=decider,
        outside=outside,
        executor=executor,
        risk=risk,
        folder=folder,
        control=control,
        clock=clock,
        rules=executor.markets,
        about=about,
        reload=reload,
        told_late=late.catch_up,
    )
    bot = TargetBot(parts, decider, wish.settings.weights_stop) if isinstance(decider, Weigher) else Bot(parts)
    return bot


def _about(bundle: TradedBundle | RankBundle, cleared: Cleared, folder: AccountFolder, venue: Venue) -> dict[str, Any]:
    """What every status begins with: what is traded, with whose money, on whose word, and what to know of it."""
    one = bundle.deployment
    return {
        "account": folder.name,
        "money": folder.money,
        "unproven": cleared.unproven,
        "notes": list(cleared.notes),
        "broken_audit": folder.broken_audit,
        "venue": venue.name,
        "market": "spot" if one.is_spot else "perpetual",
        "symbols": list(one.symbols),
        "interval": format_interval(timedelta(milliseconds=one.interval_ms)),
        "profile": one.profile,
        "verdict": one.verdict.verdict,
        "bundle_hash": bundle.bundle_hash,
        "expires_ms": one.expires_ms,
    }


def _reloaded(wish: BotWish, risk: Risk) -> dict[str, Any]:
    """Take the limits of the settings as they are now; of what else has changed it is told that it takes a start."""
    now, before = wish.reread(), risk.limits
    risk.limits = limits_of(now)
    names = {one.name for one in fields(RiskLimits)}
    changed = sorted(name for name in names if getattr(before, name) != getattr(risk.limits, name))
    others = sorted(
        SECTION + name
        for name in TradeSettings.model_fields.keys() - names
        if getattr(now, name) != getattr(wish.settings, name)
    )
    said = f"limits that changed: {', '.join(changed) or 'none'}"
    if others:
        said += f"; {', '.join(others)} changed too, which the next start takes"
    return {"changed": changed, "takes_start": others, "said": said}
