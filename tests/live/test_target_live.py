"""A bot of target weights with an account at the exchange's model: live, on virtual time, while a tenth goes wrong."""

import asyncio
from pathlib import Path

import pytest
from tests.exchange.building import random_exchange
from tests.exchange.faults import FaultRates, FaultSchedule, rough
from tests.exchange.in_process import InProcessVenue
from tests.live.target_session import RULE, rank_bundle
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.core.time import HOUR_MS
from tradsys.live.account.folder import AccountFolder
from tradsys.live.compose import BotWish, composed
from tradsys.live.control import Command
from tradsys.settings.trade import TradeSettings

SYMBOLS = ("AUSDT", "BUSDT", "CUSDT", "DUSDT", "EUSDT")
N_HOURS = 20
START_MS = 1_700_006_400_000 - HOUR_MS // 2
SETTINGS = TradeSettings(max_errors=10_000, orders_per_minute=10_000, daily_loss=1.0, max_drawdown=1.0)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_it_holds_what_it_chose_with_a_stop_whatever_goes_wrong(rate: float, tmp_path: Path) -> None:
    async def main(clock: LoopClock) -> None:
        exchange = random_exchange(
            clock, SYMBOLS, seed=4, faults=FaultSchedule(4, rough(rate) if rate else FaultRates()),
            interval_ms=HOUR_MS, history=170, volatility=2e-3,
        )  # fmt: skip
        venue, bundle = InProcessVenue(exchange, seed=4), rank_bundle(SYMBOLS, venue=InProcessVenue(exchange).name)
        account = AccountFolder(tmp_path / "live", clock, money="live", venue=venue.name, pace=20.0)
        told: list[str] = []
        with account:
            account.listen(lambda kind, fields: told.append(kind))
            wish = BotWish(bundle, SETTINGS, lambda: SETTINGS, takes_unproven=True, pace=20.0)
            exchange.turn(True)
            async with composed(wish, account, venue, clock) as (bot, control):
                running = asyncio.create_task(bot.run())
                await asyncio.wait([running], timeout=N_HOURS * 3_600)
                exchange.faults.rates = FaultRates()
                await asyncio.wait([running], timeout=300)
                aims = bot._parts.executor.journal.aims()
                rows = bot._parts.executor.trades(is_open=True)
                control.push(Command("stop"))
                await running
        held = {row["symbol"]: row["side"] * row["open_base"] for row in rows}
        assert sum(abs(aim.weight) for aim in aims.values()) == pytest.approx(1.0)
        for symbol in SYMBOLS:
            state = exchange.state(symbol)
            assert state.holding.size == pytest.approx(held.get(symbol, 0.0))
            stops = sum(order.left for order in exchange.open_orders(symbol, is_algo=True))
            assert stops == pytest.approx(abs(state.holding.size))
            assert abs(state.holding.size) <= abs(aims[symbol].size_base) + 1e-9
        if not rate:
            assert held == {name: aim.size_base for name, aim in aims.items() if aim.size_base}
        report = exchange.report()
        assert (report["duplicates"], report["orphans"]) == ([], [])
        assert max(report["unprotected_ms"].values()) <= 5_000
        assert told.count("aim") >= (N_HOURS // RULE.horizon) * len(SYMBOLS)

    run_virtual(main, epoch_ms=START_MS)
