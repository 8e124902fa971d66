"""A bot of thirty lines over a venue: enters what is decided, protects it, leaves in time; for parity with batches."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.core.carry import Settlements
from tradsys.core.costs import Costs, Instrument
from tradsys.core.orders import to_tick
from tradsys.live.venue import Fill, OrderRefused, OrderRequest
from tradsys.live.venues.paper import PaperVenue
from tradsys.live.venues.paper_rules import PaperRules, slippage_of_bars
from tradsys.live.venues.tape import BarTape


@dataclass
class Held:
    number: int
    side: int
    decided: int
    deadline: int


class TapedBot:
    """Trades one unit of each symbol by decisions that were made before, each at its own close."""

    def __init__(self, venue: PaperVenue, decisions: pl.DataFrame, interval_ms: int, tick: float) -> None:
        self.venue, self.interval_ms, self.tick = venue, interval_ms, tick
        at = decisions["start"].dt.epoch("ms").to_list()
        acted = [row for row in zip(at, decisions.to_dicts(), strict=True) if row[1]["action"]]
        self.decisions = {(when, row["symbol"]): row for when, row in acted}
        self.held: dict[str, Held] = {}
        self.trades: list[dict] = []
        self.n = 0

    async def close(self, symbol: str, now: int) -> None:
        """What happens at a close: what the bar did, then what is left in time, then what is entered."""
        if symbol in self.held:
            await self.look(symbol)
        held = self.held.get(symbol)
        if held and now >= held.deadline:
            await self.order(symbol, f"time-{held.number}", -held.side, "market", None, reduce=True)
            await self.look(symbol)
        if symbol not in self.held and (row := self.decisions.get((now, symbol))):
            await self.enter(symbol, now, row)

    async def enter(self, symbol: str, now: int, row: dict) -> None:
        self.n += 1
        side = row["action"]
        entry = await self.order(symbol, f"entry-{self.n}", side, "market", None)
        if entry is None or entry.status == "expired":
            return
        self.held[symbol] = Held(self.n, side, now, now + row["horizon"] * self.interval_ms)
        if entry.status != "filled":
            return
        for kind, distance in (("stop", -row["stop_distance"]), ("limit", row["target_distance"])):
            price = float(to_tick(np.array(entry.average_price + side * distance), np.array(self.tick)))
            await self.order(symbol, f"{kind}-{self.n}", -side, kind, price, reduce=True)

    async def order(self, symbol, client_id, side, kind, price, *, reduce=False):
        try:
            return await self.venue.place(OrderRequest(client_id, symbol, side, kind, 1.0, price, reduce))
        except OrderRefused:
            return None

    async def look(self, symbol: str) -> None:
        """Whether the position is gone: then book the trade and take the other leg away."""
        if any(one.symbol == symbol for one in (await self.venue.account()).positions):
            return
        held = self.held.pop(symbol)
        fills = [one for one in await self.venue.fills(symbol, 0) if one.client_id.endswith(f"-{held.number}")]
        for kind in ("stop", "limit"):
            await self.venue.cancel(symbol, f"{kind}-{held.number}", kind)
        if fills:
            self.trades.append(told_trade(symbol, held, fills))


REASONS = {"stop": "stop", "limit": "target", "time": "time", "liquidation": "liquidation"}


def told_trade(symbol: str, held: Held, fills: list[Fill]) -> dict:
    entry, leave = fills[0], fills[-1]
    return {
        "symbol": symbol,
        "decided": held.decided,
        "side": held.side,
        "entry_price": entry.price,
        "exit_price": leave.price,
        "reason": REASONS[leave.client_id.split("-")[0]],
        "pnl_quote": sum(one.realised_quote - one.fee_quote for one in fills),
        "entry_ms": entry.ts_ms,
        "exit_ms": leave.ts_ms,
    }


def taped_trades(
    market: Mapping[str, pl.DataFrame],
    decisions: pl.DataFrame,
    *,
    costs: Costs,
    interval_ms: int,
    start: int,
    tick: float = 0.0,
    settlements: Mapping[str, Settlements] | None = None,
    path=":memory:",
) -> tuple[list[dict], list]:
    """The trades of the bot on a tape of these bars, and the funding that it paid."""
    slippage = slippage_of_bars(market, costs, dict.fromkeys(market, tick))

    async def main(clock: LoopClock):
        tape = BarTape(market, clock, instruments=Instrument(tick=tick), settlements=settlements)
        rules = PaperRules(costs=costs, cash_quote=1e9, slippage=slippage)
        venue = PaperVenue(tape, rules, interval_ms, path=path)
        bot = TapedBot(venue, decisions, interval_ms, tick)

        async def follow() -> None:
            async for hint in tape.hints(list(market), interval_ms):
                await bot.close(hint.symbol, hint.bar_ms + interval_ms)

        task = asyncio.create_task(follow())
        await tape.over()
        await asyncio.sleep(1)
        task.cancel()
        paid = await venue.funding(0)
        await venue.close()
        return bot.trades, paid

    return run_virtual(main, epoch_ms=start)
