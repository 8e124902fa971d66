"""The same random sequences with entries that rest in the book: filled, in parts or not at all, and taken back."""

import asyncio
import random
from dataclasses import replace
from typing import Any

from tests.exchange.faults import FaultSchedule
from tests.live.execution.lives import Life
from tests.live.execution.simulation import Sequence
from tests.live.execution.spot_simulation import SpotSequence

from tradsys.live.entry import Entry
from tradsys.live.execution.intent import MISSED, WITHDRAWN
from tradsys.live.execution.sizes import at_tick
from tradsys.live.execution.wishes import STOP_ENTRY


class LimitEntries(Sequence):
    """Most entries are limit orders; now and then nothing may be entered for a while."""

    def __init__(self, seed: int, *of: Any, **how: Any) -> None:
        super().__init__(seed, *of, **how)
        self.whims = random.Random(f"limits:{seed}")

    def _entry(self, symbol: str) -> Entry:
        entry, whims = super()._entry(symbol), self.whims
        if whims.random() < 0.25:
            return entry
        inside = whims.choice((-5e-4, 0.0, 3e-4, 1e-3))  # less than 0 is on the far side of the price
        price = at_tick(entry.reference_price * (1 - entry.side * inside), self.markets[symbol].tick)
        until_ms = min(entry.close_ms + whims.choice((1_500, 4_000, 12_000)), entry.deadline_ms)
        return replace(entry, reference_price=price, rests_until_ms=until_ms)

    async def _ask_things(self, life: Life) -> None:
        self.journal.set_flag(STOP_ENTRY, None)  # the life before may have ended with it
        life.do(self._stop_now_and_then())
        await super()._ask_things(life)

    async def _stop_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self.whims.uniform(1.0, 12.0))
            self.journal.set_flag(STOP_ENTRY, "stopentry by a person")
            await asyncio.sleep(self.whims.uniform(0.3, 3.0))
            self.journal.set_flag(STOP_ENTRY, None)

    async def _check_left(self, life: Life) -> None:
        await super()._check_left(life)
        resting = [trade for trade in self.journal.trades() if trade.rests_until_ms is not None]
        for trade in resting:
            filled = sum(fill.size_base for fill in self.journal.fills(trade.key) if fill.side == trade.side)
            if trade.ended in (MISSED, WITHDRAWN):
                self._none(f"{trade.ended} with fills", filled)
                self.figures.reasons[trade.ended] += 1
            elif 0 < filled < trade.size_base * (1 - 1e-9):
                self.figures.reasons["filled in part"] += 1
            self.figures.reasons["by a limit"] += filled > 0


class LimitSequence(LimitEntries):
    """On perpetuals, where every second order is filled in parts."""

    def _list(self, symbols: tuple[str, ...], faults: FaultSchedule) -> None:
        faults.rates = replace(faults.rates, partial=0.5)
        super()._list(symbols, faults)


class SpotLimitSequence(LimitEntries, SpotSequence):
    """On a spot market."""
