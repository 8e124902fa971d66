"""One life of the bot, in a process of its own that was forked from a warm parent: the whole of what `trade` runs."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr
from tests.fire.shared_time import BOT, SharedTime, enter
from tests.fire.story import BAR_MS, Market, ScriptedPredictor, deployment_of_story

from tradsys.core.errors import HaltError
from tradsys.live import control
from tradsys.live.account import AccountFolder
from tradsys.live.account import folder as account_folder
from tradsys.live.clock import SystemClock
from tradsys.live.compose import BotWish, composed
from tradsys.live.places import exchange
from tradsys.predictor.traded import TradedBundle
from tradsys.settings.trade import TradeSettings

ACCOUNT: Final = "fire"

DEATHS_A_BAR: Final = 5
"""At marked steps: a bot that dies of everything at once would come too late for the bar."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a life ends: at the first of `points` that it passes. `deaths` counts, by bar, those at marked steps."""

    points: frozenset[str] = frozenset()
    deaths: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bot lives: its account's folder, its exchange, the time that goes there, and what is traded."""

    folder: Path
    url: str
    time: SharedTime
    market: Market

    @property
    def notes(self) -> Path:
        """What lives say of themselves: a line of JSON each, written before anything follows from it."""
        return self.folder / "lives.jsonl"

    @property
    def up(self) -> Path:
        """There from when the exchange knows that the bot is up; no time goes on until then."""
        return self.folder / "up"

    def wait_until_seen(self) -> None:
        while not self.up.exists():
            time.sleep(0.001)


def settings_of(place: Place) -> TradeSettings:
    """Limits so wide that faults alone halt nothing: what is proved here is the executor under a whole bot."""
    return TradeSettings(
        api_key=SecretStr("loopback-key"), api_secret=SecretStr("loopback-secret"), url=place.url, daily_loss=1.0,
        max_drawdown=1.0, orders_per_minute=10_000, max_errors=10_000, liquidation_distance=0.01, stale_data_s=300.0,
        bar_wait_s=25.0,
    )  # fmt: skip


def live(place: Place, fate: Fate) -> None:
    """Trade until told to stop, or until the fate's point; a halted account is an orderly end too."""
    loops = enter(place.time, BOT)
    control.POLL_S, account_folder.SYNC_EVERY_S = 0.5, 1.0  # seldom, for there is nothing in it
    notes = os.open(place.notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        asyncio.run(_trade(place, partial(_step, place, fate, notes), notes), loop_factory=loops)
    except HaltError:
        _note(notes, place, halted=True)


async def _trade(place: Place, step: Any, notes: int) -> None:
    clock, deployment, settings = SystemClock(), deployment_of_story(place.market), settings_of(place)
    bundle = TradedBundle(ScriptedPredictor(place.market), deployment, "f" * 64)
    wish = BotWish(bundle, settings, lambda: settings, takes_unproven=True)
    account = AccountFolder(place.folder / ACCOUNT, clock, money="live", venue=deployment.venue)
    with account as folder:
        venue = exchange(deployment, settings, clock)
        async with composed(wish, folder, venue, clock, step=step) as (bot, _):
            _note(notes, place, started=True, worked_ms=time.process_time_ns() // 1_000_000)
            place.wait_until_seen()
            await bot.run()


def _step(place: Place, fate: Fate, notes: int, point: str) -> None:
    bar = place.time.now_ms() // BAR_MS
    if point in fate.points and fate.deaths.get(bar, 0) < DEATHS_A_BAR:
        _note(notes, place, died_at=point)
        os.kill(os.getpid(), signal.SIGKILL)
    _note(notes, place, passed=point)


def _note(notes: int, place: Place, **what: Any) -> None:
    os.write(notes, json.dumps({"at_ms": place.time.now_ms(), **what}).encode() + b"\n")
