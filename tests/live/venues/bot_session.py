"""The bot's own parts over a tape: decisions bar by bar, the allocator, the executor and the paper account."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.bundle.deployment import DeployedPortfolio
from tradsys.core.costs import Instrument
from tradsys.live.allocation import allocate
from tradsys.live.execution.holdings import own_holdings
from tradsys.live.execution.rules import ExecutionRules
from tradsys.live.executor import OrderExecutor
from tradsys.live.intents import IntentJournal
from tradsys.live.replay.lived import LivedTrade, lived_trades, unfilled_orders
from tradsys.live.replay.parity import ComparedTrade
from tradsys.live.shares import granted_shares, shares_held
from tradsys.live.venues.paper import PaperVenue
from tradsys.live.venues.paper_rules import PaperRules
from tradsys.live.venues.paper_spot import PaperSpot
from tradsys.live.venues.tape import BarTape
from tradsys.predictor.predictor import Decision

type DecideAt = Callable[[int], Sequence[Decision]]
"""The decisions at one close, in ms."""


class TapedSession(NamedTuple):
    """The executor's trades, those that are over, and the symbol, close and reason of what was not entered.

    `unfilled` are limit orders that nobody filled.
    """

    trades: list[dict[str, Any]]
    lived: list[LivedTrade]
    not_entered: list[tuple[str, int, str]]
    unfilled: list[ComparedTrade]


def session(
    market: Mapping[str, pl.DataFrame],
    decide: DecideAt,
    closes: Sequence[int],
    *,
    interval_ms: int,
    rules: PaperRules,
    portfolio: DeployedPortfolio,
    instruments: Instrument | Mapping[str, Instrument] = Instrument(),
    is_spot: bool = False,
) -> TapedSession:
    """What a bot lived through, of perpetuals or of a spot market.

    At each close what the bar did is booked and what is over is left first; then decisions are sized and sent.
    """

    async def main(clock: LoopClock):
        tape = BarTape(market, clock, instruments=instruments)
        venue = (PaperSpot if is_spot else PaperVenue)(tape, rules, interval_ms)
        journal = IntentJournal(":memory:")
        seen = own_holdings(venue, journal) if is_spot else venue
        markets = dict(await venue.markets(list(market)))
        executor = OrderExecutor(
            seen,
            journal,
            clock,
            ExecutionRules("tape"),
            markets=markets,
            tell=lambda kind, fields: None,
        )
        not_entered = []
        for close in closes:
            await tape._until(close)
            await settled(executor, venue)
            account = await seen.account()
            shares = granted_shares(executor.journal.trades(is_open=True))
            prices = {symbol: await venue.mark_price(symbol) for symbol in market}
            found = allocate(
                decide(close),
                account,
                shares_held(shares, account),
                markets,
                portfolio,
                prices=prices,
                interval_ms=interval_ms,
            )
            not_entered += [(one.decision.symbol, close, one.reason) for one in found.denied]
            outcomes = await executor.enter(found.entries)
            not_entered += [(name, close, what) for name, what in outcomes.items() if what.startswith("denied")]
        await tape.over()
        await settled(executor, venue)
        trades = executor.trades()
        lived = lived_trades(
            executor.journal, now_ms=clock.now_ms(), charged=lambda fill: venue.book.slippage_of(fill.trade_id)
        )
        unfilled = unfilled_orders(executor.journal, now_ms=clock.now_ms())
        await venue.close()
        return TapedSession(trades, lived, not_entered, unfilled)

    return run_virtual(main, epoch_ms=closes[0] - 1)


async def settled(executor: OrderExecutor, venue: PaperVenue) -> None:
    """Cycle until nothing is left to do, or all that is left waits for somebody to trade."""
    for _ in range(5):
        if await executor.reconcile_all():
            return
    waiting = [order.kind for order in await venue.open_orders()]
    assert "market" in waiting, f"the executor does not come to rest, with {waiting} open"


def decisions_at(rows: pl.DataFrame) -> DecideAt:
    """From a frame of decisions as `decide_many` writes it."""
    by_close: dict[int, list[Decision]] = {}
    for close, row in zip(rows["start"].dt.epoch("ms").to_list(), rows.iter_rows(named=True), strict=True):
        if row["action"]:
            by_close.setdefault(close, []).append(Decision(**row | {"regime": tuple(row["regime"])}))
    return lambda close: by_close.get(close, [])


def same_size(trade: dict[str, Any], size_base: float) -> float:
    """What the trade would have netted at another size."""
    return trade["result_quote"] / trade["size_base"] * size_base
