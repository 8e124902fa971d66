"""A running bot's funding columns are those that research joins, and say how old they are."""

import math

import polars as pl
import pytest
from tests.live.bars.scripted_market import ScriptedMarket
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.core.bars import TS
from tradsys.core.carry import COLUMNS, Settlements, settle
from tradsys.core.time import ts_ms
from tradsys.live.outside.funding import FundingProvider

HOUR_MS = 3_600_000
START_MS = 1_700_006_400_000  # midnight
RATES = [(START_MS + k * 8 * HOUR_MS + 3 * k, 1e-4 * (k + 1)) for k in range(-3, 30)]
"""Every eight hours, a few milliseconds late."""


def hours(first: int, n: int, missing: tuple[int, ...] = ()) -> pl.DataFrame:
    opens = [START_MS + k * HOUR_MS for k in range(first, first + n) if k not in missing]
    return pl.DataFrame({"ts": pl.Series(opens, dtype=pl.Int64).cast(TS)})


def provider(clock: LoopClock, told: list[str]) -> tuple[ScriptedMarket, FundingProvider]:
    market = ScriptedMarket(clock, funding={"A": RATES})
    return market, FundingProvider(
        market, ["A"], HOUR_MS, tell=lambda kind, fields: told.append(f"{kind} {fields['what']} {fields['reason']}")
    )


def test_a_history_gets_the_columns_of_research() -> None:
    async def main(clock: LoopClock) -> None:
        _, funding = provider(clock, [])
        await funding.begin(START_MS, clock.now_ms())
        bars = hours(0, 30, missing=(7, 8))
        joined = funding.join("A", bars)
        times, rates = zip(*((round(when / 60_000) * 60_000, rate) for when, rate in RATES), strict=True)
        wanted = settle(ts_ms(bars), HOUR_MS, Settlements.of(times, rates)).columns()  # type: ignore[arg-type]
        for name in COLUMNS:
            assert joined[name].to_list() == pytest.approx(wanted[name].tolist(), nan_ok=True), name
        assert joined["funding_rate"].is_finite().all()

    run_virtual(main, epoch_ms=START_MS + 40 * HOUR_MS)


def test_each_bar_that_closes_gets_the_row_that_a_history_would_have() -> None:
    async def main(clock: LoopClock) -> None:
        _, funding = provider(clock, [])
        await funding.begin(START_MS, clock.now_ms())
        bars = hours(0, 30, missing=(7, 8))
        rows, opens = funding.join("A", bars).to_dicts(), ts_ms(bars).tolist()
        for k in range(1, len(opens)):
            known = funding.known("A", opens[k], opens[k - 1])
            assert known.values == pytest.approx({name: rows[k][name] for name in COLUMNS}, nan_ok=True)
            assert known.age_s["funding_rate"] == pytest.approx(rows[k]["funding_age_h"] * 3_600)

    run_virtual(main, epoch_ms=START_MS + 40 * HOUR_MS)


def test_what_is_settled_is_read_as_it_comes_and_while_the_venue_is_down_it_ages() -> None:
    async def main(clock: LoopClock) -> None:
        told: list[str] = []
        market, funding = provider(clock, told)
        await funding.begin(START_MS, clock.now_ms())
        assert funding.known("A", START_MS + 9 * HOUR_MS, START_MS + 8 * HOUR_MS).values[
            "funding_rate"
        ] == pytest.approx(2e-4)
        market.clock = LoopClock(clock._loop, START_MS + 17 * HOUR_MS)
        await funding.refresh(START_MS + 17 * HOUR_MS)
        assert funding.known("A", START_MS + 16 * HOUR_MS, START_MS + 15 * HOUR_MS).values[
            "funding_rate"
        ] == pytest.approx(3e-4)
        market.is_down = lambda symbol, now_ms: True
        await funding.refresh(START_MS + 27 * HOUR_MS)
        assert told == ["error funding connection reset"]
        assert funding.known("A", START_MS + 26 * HOUR_MS, START_MS + 25 * HOUR_MS).age_s["funding_rate"] == 11 * 3_600

    run_virtual(main, epoch_ms=START_MS + 10 * HOUR_MS)


def test_a_symbol_that_never_settled_anything_knows_nothing() -> None:
    async def main(clock: LoopClock) -> None:
        market = ScriptedMarket(clock)
        funding = FundingProvider(market, ["A"], HOUR_MS, tell=lambda kind, fields: None)
        await funding.begin(START_MS, clock.now_ms())
        known = funding.known("A", START_MS + HOUR_MS, START_MS)
        assert math.isnan(known.values["funding_rate"])
        assert known.age_s["funding_rate"] == math.inf

    run_virtual(main, epoch_ms=START_MS)
