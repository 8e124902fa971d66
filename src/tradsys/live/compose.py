"""A bot made ready: bundle, account, venue and limits checked against each other, and all that trades built of them."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tradsys.bundle.deployment import Deployment
from tradsys.core.time import format_interval
from tradsys.live.account.folder import AccountFolder
from tradsys.live.account_mode import set_and_read_back
from tradsys.live.clock import Clock
from tradsys.live.control import Control
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.executor import OrderExecutor
from tradsys.live.intents import IntentJournal
from tradsys.live.preflight import AskedFor, Cleared, preflight
from tradsys.live.risk.limits import limits_of
from tradsys.live.risk.risk import Risk
from tradsys.live.venue import MarketRules, Venue
from tradsys.predictor.traded import TradedBundle
from tradsys.settings.trade import SECTION, TradeSettings


@dataclass(frozen=True, slots=True)
class BotParts:
    """What a bot is made of; `markets` are the rules by symbol, to which found positions add theirs.

    `reread` gives the settings as they are now. `pace` is how many seconds of the clock pass in one real one: more than
    1 where a tape is played.
    """

    bundle: TradedBundle
    settings: TradeSettings
    cleared: Cleared
    folder: AccountFolder
    control: Control
    venue: Venue
    markets: dict[str, MarketRules]
    journal: IntentJournal
    risk: Risk
    executor: OrderExecutor
    clock: Clock
    reread: Callable[[], TradeSettings]
    pace: float = 1.0

    @property
    def deployment(self) -> Deployment:
        return self.bundle.deployment

    def about(self) -> dict[str, Any]:
        """What every status begins with: what is traded, with whose money, on whose word, and what is amiss."""
        one, folder = self.deployment, self.folder
        return {
            "account": folder.name,
            "money": folder.money,
            "unproven": self.cleared.unproven,
            "trouble": folder.trouble,
            "broken_audit": folder.broken_audit,
            "venue": self.venue.name,
            "symbols": list(one.symbols),
            "interval": format_interval(timedelta(milliseconds=one.interval_ms)),
            "profile": one.profile,
            "verdict": one.verdict.verdict,
            "bundle_hash": self.bundle.bundle_hash,
            "expires_ms": one.expires_ms,
            "notes": list(self.cleared.notes),
            "now_ms": self.clock.now_ms(),
        }

    async def reload(self) -> Mapping[str, Any]:
        """Take the limits of the settings as they are now; of what else has changed it is told that it takes a start."""
        now, limits = self.reread(), self.risk.limits
        self.risk.limits = limits_of(now)
        changed = [
            name for name in limits.__dataclass_fields__ if getattr(limits, name) != getattr(self.risk.limits, name)
        ]
        others = [
            SECTION + name
            for name in TradeSettings.model_fields
            if name not in limits.__dataclass_fields__ and getattr(now, name) != getattr(self.settings, name)
        ]
        said = f"limits that changed: {', '.join(changed) or 'none'}"
        return {"changed": changed, "takes_start": others, "said": said + _takes_start(others)}


@asynccontextmanager
async def composed(
    bundle: TradedBundle,
    settings: TradeSettings,
    folder: AccountFolder,
    venue: Venue,
    clock: Clock,
    *,
    asked_for: Collection[AskedFor] = (),
    takes_unproven: bool = False,
    reread: Callable[[], TradeSettings],
    pace: float = 1.0,
) -> AsyncIterator[BotParts]:
    """The parts of a bot for as long as the block lasts; whatever speaks against trading is raised before.

    The folder is held already. Nothing is changed at the venue before everything has been checked, and then only
    leverage and margin type.
    """
    try:
        symbols = bundle.deployment.symbols
        markets = dict(await venue.markets(symbols))
        mode = await venue.mode(symbols)
        checked = (bundle.deployment, mode, markets, settings, clock.now_ms())
        cleared = preflight(*checked, wanted=asked_for, takes_unproven=takes_unproven)
        await set_and_read_back(venue, symbols, settings.leverage, settings.margin_type)
        journal = IntentJournal(folder.journal)
        try:
            yield _parts(bundle, settings, cleared, folder, venue, markets, journal, clock, reread, pace)
        finally:
            journal.close()
    finally:
        await venue.close()


def _parts(
    bundle: TradedBundle,
    settings: TradeSettings,
    cleared: Cleared,
    folder: AccountFolder,
    venue: Venue,
    markets: dict[str, MarketRules],
    journal: IntentJournal,
    clock: Clock,
    reread: Callable[[], TradeSettings],
    pace: float,
) -> BotParts:
    risk = Risk(limits_of(settings), journal, clock, folder.tell, bands=bundle.deployment.bands)
    executor = OrderExecutor(
        venue,
        journal,
        clock,
        ExecutionRules(folder.name),
        markets=markets,
        tell=folder.tell,
        halt=risk.halt,
    )
    return BotParts(
        bundle=bundle,
        settings=settings,
        cleared=cleared,
        folder=folder,
        control=Control(folder.path, folder.tell, pace=pace),
        venue=venue,
        markets=markets,
        journal=journal,
        risk=risk,
        executor=executor,
        clock=clock,
        reread=reread,
        pace=pace,
    )


def _takes_start(others: Collection[str]) -> str:
    return f"; {', '.join(others)} changed too, which the next start takes" if others else ""
