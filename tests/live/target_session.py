"""A bot of target weights over a tape, with everything that `tradsys trade` joins: feed, limits, executor, paper."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from tradsys.bundle.deployment import DeployedPool, DeployedPortfolio, DeployedVerdict, Deployment
from tradsys.core.costs import Costs
from tradsys.core.time import HOUR_MS, ts_ms
from tradsys.data.universe import UniverseSpec
from tradsys.live.account.folder import AccountFolder
from tradsys.live.bot import Bot
from tradsys.live.clock import Clock
from tradsys.live.compose import BotWish, composed
from tradsys.live.control import Command, Control
from tradsys.live.places import on_paper, tape
from tradsys.live.tape_time import play
from tradsys.live.venues.tape import BarTape
from tradsys.predictor.rank_decider import RankDecider
from tradsys.predictor.rank_rule import RankRule
from tradsys.predictor.traded import RankBundle
from tradsys.settings.trade import TradeSettings

UNIVERSE = UniverseSpec(size=6, min_listed_days=3, volume_days=3, rebalance_days=1)
RULE = RankRule(lookback=24, horizon=6)
HASH = "a" * 64

type During = Callable[["TapedBot"], Awaitable[None]]


def rank_bundle(symbols: tuple[str, ...], *, rule: RankRule = RULE, **changes: Any) -> RankBundle:
    """A rule on the hours of these symbols, as a deployed run of ranks has it."""
    ranks = RankDecider(rule, UNIVERSE, 1.0, symbols, timedelta(hours=1), bundle_hash=HASH)
    one = Deployment(
        venue="binance", symbols=symbols, interval_ms=HOUR_MS, trained_from_ms=0, trained_to_ms=1, created_ms=1,
        expires_ms=4_000_000_000_000, profile="RANK", costs=Costs(slippage_bps=1.0),
        portfolio=DeployedPortfolio(1.0, 1.0, 10_000.0, ("long", "short")), outside=(),
        verdict=DeployedVerdict("RANK", "not proven", "too little history", "0" * 64, "run"), bands={},
        pool=DeployedPool(UNIVERSE, (rule.lookback,), {}, False),
    )  # fmt: skip
    return RankBundle(ranks, replace(one, **changes), HASH)


@dataclass
class TapedBot:
    """A session: what was told, and its parts while it runs."""

    bundle: RankBundle
    folder: Path
    bot: Bot = field(init=False)
    control: Control = field(init=False)
    tape: BarTape = field(init=False)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)

    def fields(self, kind: str) -> list[dict[str, Any]]:
        return [fields for told, fields in self.told if told == kind]


async def _nothing(_: TapedBot) -> None:
    """Nothing is done to it."""


def session(
    folder: Path,
    market: Mapping[str, pl.DataFrame],
    start_ms: int,
    *,
    bundle: RankBundle | None = None,
    during: During = _nothing,
    settings: TradeSettings = TradeSettings(),
    **changes: Any,
) -> TapedBot:
    """The bot from a moment of the tape to its end."""
    one = TapedBot(bundle or rank_bundle(tuple(market), **changes), folder)

    async def main(clock: Clock) -> None:
        pace = HOUR_MS / 4_000
        account = AccountFolder(folder, clock, money="tape", venue=one.bundle.deployment.venue, pace=pace)
        with account:
            account.listen(lambda kind, fields: one.told.append((kind, dict(fields))))
            one.tape = tape(market, clock, one.bundle.deployment)
            venue = on_paper(one.tape, one.bundle, settings, account)
            wish = BotWish(one.bundle, settings, lambda: settings, takes_unproven=True, pace=pace)
            async with composed(wish, account, venue, clock) as (one.bot, one.control):
                other = asyncio.create_task(during(one))
                end = asyncio.create_task(_stop_at_the_end(one))
                try:
                    await one.bot.run()
                finally:
                    end.cancel()
                    one.status = one.bot.status.values()
                    one.trades = one.bot._parts.executor.trades()
                await other

    play(main, start_ms=start_ms)
    return one


async def _stop_at_the_end(one: TapedBot) -> None:
    await one.tape.over()
    one.control.push(Command("stop", by="the tape's end"))


def opens_of(market: Mapping[str, pl.DataFrame]) -> list[int]:
    """The opens of all bars, in order."""
    return sorted({int(ms) for frame in market.values() for ms in ts_ms(frame)})
