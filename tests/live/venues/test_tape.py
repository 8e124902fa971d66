"""A tape tells what a venue would have told, and never a moment of the future."""

import asyncio

import numpy as np
import polars as pl
import pytest
from tests.labels.hand_made import HOUR_MS, random_bars
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.core.carry import Settlements
from tradsys.core.costs import Instrument
from tradsys.live.tape_time import TapeClock, play
from tradsys.live.venue import VenueRefused
from tradsys.live.venues.tape import BarTape

BARS = random_bars(40, 3)
OTHER = random_bars(40, 4).filter(pl.int_range(40) != 12)


class SetClock:
    def __init__(self, ms: int) -> None:
        self.ms = ms

    def now_ms(self) -> int:
        return self.ms


def told(bars: pl.DataFrame, ms: int) -> str:
    """Everything that the tape says at that moment."""

    async def ask() -> str:
        clock = SetClock(ms)
        settled = Settlements.of(np.arange(1, 6) * 8 * HOUR_MS, np.linspace(0.1, 0.5, 5))
        tape = BarTape({"A": bars}, clock, settlements={"A": settled})
        return repr(
            [
                await tape.klines("A", HOUR_MS, 0),
                await tape.mark_price("A"),
                await tape.funding_rates("A", 0),
                await tape.server_time_ms(),
            ]
        )

    return asyncio.run(ask())


@pytest.mark.parametrize("into_ms", [0, 1, HOUR_MS // 2, HOUR_MS - 1])
def test_another_future_changes_nothing_that_is_told(into_ms):
    rng = np.random.default_rng(7)
    for row in range(2, 39, 4):
        later, not_closed = pl.int_range(pl.len()) > row, pl.int_range(pl.len()) >= row

        def otherwise(name: str, where: pl.Expr, value: float) -> pl.Expr:
            return pl.when(where).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)

        other = BARS.with_columns(
            otherwise("open", later, rng.uniform(50, 60)),
            otherwise("high", not_closed, 900.0),
            otherwise("low", not_closed, 1.0),
            otherwise("close", not_closed, rng.uniform(50, 60)),
            otherwise("volume", not_closed, 77.0),
        )
        assert told(other, row * HOUR_MS + into_ms) == told(BARS, row * HOUR_MS + into_ms)
        assert told(other, (row + 1) * HOUR_MS) != told(BARS, (row + 1) * HOUR_MS)


def test_the_open_bar_is_told_by_its_open_and_a_closed_one_whole():
    async def main() -> None:
        tape = BarTape({"A": BARS}, SetClock(5 * HOUR_MS))
        closed, opened = (await tape.klines("A", HOUR_MS, 4 * HOUR_MS))[-2:]
        row = BARS.row(4, named=True)
        assert [closed.open, closed.high, closed.low, closed.close, closed.volume] == [
            row[name] for name in ("open", "high", "low", "close", "volume")
        ]
        assert {opened.open, opened.high, opened.low, opened.close} == {BARS["open"][5]}
        assert opened.volume > 0
        assert len(await tape.klines("A", HOUR_MS, 0, limit=3)) == 3

    asyncio.run(main())


def test_a_bar_in_which_nobody_trades_is_told_without_volume_from_its_open_on():
    bars = BARS.with_columns(volume=pl.when(pl.int_range(pl.len()) == 5).then(0.0).otherwise(2.0))

    async def main() -> None:
        tape = BarTape({"A": bars}, SetClock(5 * HOUR_MS))
        assert (await tape.klines("A", HOUR_MS, 5 * HOUR_MS))[-1].volume == 0.0

    asyncio.run(main())


def test_hints_come_at_the_closes_of_the_symbols_that_have_them_and_then_never_again():
    async def main(clock: LoopClock) -> None:
        tape = BarTape({"A": BARS, "B": OTHER}, clock)
        assert tape.end_ms == 40 * HOUR_MS
        heard = []

        async def listen() -> None:
            async for hint in tape.hints(["A", "B"], HOUR_MS):
                assert clock.now_ms() == hint.bar_ms + HOUR_MS
                heard.append((hint.symbol, hint.bar_ms // HOUR_MS))

        task = asyncio.create_task(listen())
        await tape.over()
        await asyncio.sleep(10 * 3600)
        assert not task.done()
        assert heard == [(s, row) for row in range(10, 40) for s in "AB" if (s, row) != ("B", 12)]

    run_virtual(main, epoch_ms=10 * HOUR_MS + 1)


def test_what_the_tape_does_not_have_is_refused_by_name():
    async def main() -> None:
        tape = BarTape({"A": BARS}, SetClock(-1), instruments={"A": Instrument(tick=0.25)})
        with pytest.raises(VenueRefused, match="the tape has no B; it has A"):
            await tape.markets(["B"])
        with pytest.raises(VenueRefused, match="asked for 15m"):
            await tape.klines("A", HOUR_MS // 4, 0)
        with pytest.raises(VenueRefused, match="not traded before 1970-01-01 00:00"):
            await tape.mark_price("A")
        assert (await tape.markets(["A"]))["A"].tick == 0.25

    asyncio.run(main())


def test_a_played_hour_takes_no_time_at_infinite_speed_and_its_part_at_any_other():
    async def main(clock: TapeClock) -> list[int]:
        times = [clock.now_ms()]
        for seconds in (3600, 0.5):
            await asyncio.sleep(seconds)
            times.append(clock.now_ms())
        return times

    assert play(main, start_ms=1_000) == [1_000, 3_601_000, 3_601_500]
    start, hour, last = play(main, start_ms=1_000, speed=360_000.0)
    assert start >= 1_000 and hour >= 3_601_000 + start - 1_000
    assert last >= hour + 500
