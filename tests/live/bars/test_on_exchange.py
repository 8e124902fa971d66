"""On an exchange with faults, what was handed out of each symbol is in the end what the exchange has."""

import polars as pl
import pytest
from tests.exchange.building import random_exchange
from tests.exchange.faults import FaultRates, FaultSchedule
from tests.exchange.in_process import InProcessVenue
from tests.exchange.model import Exchange
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.core.time import ts_ms
from tradsys.live.bars.close import Close
from tradsys.live.bars.feed import BarFeed
from tradsys.live.clock import SystemClock

MINUTE_MS = 60_000
START_MS = 1_700_000_040_000
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
ROUGH = FaultRates(
    lose_answer=0.05, lose_request=0.05, busy=0.05, late_event=0.3, duplicate_event=0.3, lost_event=0.3,
    drop_stream=0.01, silence=0.005, early_close=0.2, revised_bar=0.1, missing_bar=0.1, skew_ms=1_700.0,
)  # fmt: skip


class SlowClock(SystemClock):
    """A machine's clock on virtual time, behind the exchange's by its skew."""

    def __init__(self, true: LoopClock) -> None:
        super().__init__()
        self.true = true

    def now_ms(self) -> int:
        return self.true.now_ms() + self.ahead_ms


class Followed:
    """One symbol as a decider has it: its history, and each bar that was handed out behind it."""

    def __init__(self, history: pl.DataFrame) -> None:
        self.closes = self._closes_of(history)

    @staticmethod
    def _closes_of(history: pl.DataFrame) -> dict[int, float]:
        return dict(zip(ts_ms(history).tolist(), history["close"], strict=True))

    def follow(self, symbol: str, close: Close) -> None:
        if symbol in close.histories:
            self.closes = self._closes_of(close.histories[symbol])
        if bar := close.bars.get(symbol):
            assert bar.ts == max(self.closes) + MINUTE_MS, "bars come in order, each once"
            assert bar.ts + MINUTE_MS == close.close_ms
            self.closes[bar.ts] = bar.close


def differing(followed: Followed, exchange: Exchange, symbol: str) -> list[int]:
    """Opens of bars that are not as the exchange's tape has them."""
    truth = {bar.ts_ms: bar.close for bar in exchange.state(symbol).bars.closed}
    return [ts for ts, close in followed.closes.items() if close != truth[ts]]


@pytest.mark.parametrize("seed", range(3))
def test_no_wrong_bar_outlives_the_next_close_and_the_symbols_go_on(seed: int) -> None:
    async def main(clock: LoopClock) -> None:
        faults = FaultSchedule(seed, ROUGH)
        exchange = random_exchange(clock, SYMBOLS, seed=seed, faults=faults, history=60)
        venue = InProcessVenue(exchange, seed=seed)
        reasons: dict[str, int] = {}
        feed = BarFeed(venue, SYMBOLS, MINUTE_MS, SlowClock(clock), tell=lambda kind, fields: None)
        followed = {symbol: Followed(frame) for symbol, frame in (await feed.history(40)).items()}
        n_whole = n_closes = 0
        closes = feed.closes()
        async for close in closes:
            assert exchange.agenda.time_ms >= close.close_ms
            for symbol in SYMBOLS:
                followed[symbol].follow(symbol, close)
                reason = close.missing.get(symbol, "").partition(" of ")[0]
                reasons[reason] = reasons.get(reason, 0) + 1
                if not close.missing.get(symbol) and not close.no_entry:
                    n_whole += 1
                    wrong = differing(followed[symbol], exchange, symbol)
                    assert wrong in ([], [close.close_ms - MINUTE_MS]), "only the newest bar may still be revised"
            n_closes += 1
            if n_closes == 120:
                break
        await closes.aclose()
        assert {"early_close", "revised_bar", "missing_bar", "lost_event"} <= {*faults.happened}
        assert "the venue revised the bar" in reasons
        assert n_whole > 0.6 * n_closes * len(SYMBOLS)

    run_virtual(main, epoch_ms=START_MS)
