"""Closes are handed out once the venue has confirmed them, complete, and whatever is missing has its reason."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator

import pytest
from tests.live.bars.feeding import FIRST_MS, START_MS, Fed, fed
from tests.live.bars.scripted_market import MINUTE_MS, ScriptedMarket, bar_at
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.core.errors import ConfigError
from tradsys.core.time import ts_ms
from tradsys.live.bars.close import Close
from tradsys.live.bars.feed import BarFeed
from tradsys.live.clock import SystemClock
from tradsys.live.venue import Hint, VenueRefused

LAST_MS = FIRST_MS - MINUTE_MS
"""Open of the bar of the first close."""


def closing(n: int) -> int:
    """The n-th close, from 0."""
    return FIRST_MS + n * MINUTE_MS


def is_whole(close: Close, *symbols: str) -> bool:
    """Whether the bars of exactly these symbols came, as they are for ever."""
    ts = close.close_ms - MINUTE_MS
    return dict(close.bars) == {symbol: bar_at(symbol, ts) for symbol in symbols}


def test_a_history_is_the_last_closed_bars_of_each_symbol() -> None:
    frames = fed(1, n_bars=50).histories
    for symbol in ("A", "B"):
        assert ts_ms(frames[symbol]).tolist() == [LAST_MS - k * MINUTE_MS for k in range(50, 0, -1)]
        assert frames[symbol]["close"][-1] == bar_at(symbol, LAST_MS - MINUTE_MS).close
        assert frames[symbol]["symbol"].unique().to_list() == [symbol]


def test_a_long_history_is_read_page_by_page() -> None:
    got = fed(1, n_bars=2_500)
    assert len(got.histories["A"]) == 2_500
    assert got.market.n_asked >= 6


def test_without_a_stream_every_close_comes_by_the_clock() -> None:
    got = fed(3)
    assert [close.close_ms for close in got.closes] == [closing(0), closing(1), closing(2)]
    assert all(is_whole(close, "A", "B") and close.no_entry is None for close in got.closes)
    assert all(0 < at - close.close_ms < 200 for at, close in zip(got.at_ms, got.closes, strict=True))


def early(market: ScriptedMarket) -> None:
    """The stream says five seconds too early that bars have closed."""

    async def stream(market: ScriptedMarket) -> AsyncIterator[Hint]:
        for n in range(9):
            await asyncio.sleep((closing(n) - 5_000 - market.clock.now_ms()) / 1_000)
            yield Hint("bar", "A", LAST_MS + n * MINUTE_MS)

    market.stream = stream


def test_a_bar_that_the_stream_closes_early_is_decided_on_after_its_end_as_it_is_then() -> None:
    got = fed(2, early)
    assert all(is_whole(close, "A", "B") for close in got.closes)
    assert all(at > close.close_ms for at, close in zip(got.at_ms, got.closes, strict=True))
    assert got.market.n_asked <= 2 + 2 * 3 + 2  # one question more for each early hint


def test_each_bar_is_handed_on_when_it_is_confirmed_though_the_close_waits_for_another() -> None:
    def slow(market: ScriptedMarket) -> None:
        markets.append(market)
        market.is_down = lambda symbol, now_ms: symbol == "B" and FIRST_MS <= now_ms < FIRST_MS + 3_000

    markets, came = list[ScriptedMarket](), list[tuple[str, int, int]]()
    got = fed(1, slow, on_bar=lambda symbol, bar: came.append((symbol, bar.ts, markets[0].clock.now_ms())))
    assert [(symbol, ts) for symbol, ts, _ in came] == [("A", LAST_MS), ("B", LAST_MS)]
    assert came[0][2] < FIRST_MS + 500 < came[1][2] == got.at_ms[0]


def test_a_hint_brings_a_close_before_the_clock_would() -> None:
    def prompt(market: ScriptedMarket) -> None:
        async def stream(market: ScriptedMarket) -> AsyncIterator[Hint]:
            await asyncio.sleep((FIRST_MS + 1 - market.clock.now_ms()) / 1_000)
            yield Hint("bar", "A", LAST_MS)
            yield Hint("bar", "B", LAST_MS)

        market.stream = stream

    assert fed(1, prompt).at_ms[0] - FIRST_MS < 30
    assert fed(1).at_ms[0] - FIRST_MS > 50


def test_rest_that_lags_is_asked_until_it_has_passed_the_close() -> None:
    def late(market: ScriptedMarket) -> None:
        market.rest_lag_ms = 3_000

    got = fed(2, late)
    assert all(is_whole(close, "A", "B") and close.no_entry is None for close in got.closes)
    assert 3_000 < got.at_ms[0] - FIRST_MS < 6_000


def test_a_bar_without_a_successor_counts_once_two_answers_agree() -> None:
    def quiet(market: ScriptedMarket) -> None:
        market.illiquid_ms = 30_000

    got = fed(2, quiet)
    assert all(is_whole(close, "A", "B") for close in got.closes)
    assert 1_000 < got.at_ms[0] - FIRST_MS < 3_000


def test_a_bar_told_wrong_twice_is_found_out_at_the_next_close_and_stops_its_symbol() -> None:
    def stuck(market: ScriptedMarket) -> None:
        market.illiquid_ms = 30_000
        market.frozen["B", LAST_MS] = FIRST_MS + 40_000

    got = fed(3, stuck)
    assert got.closes[0].bars["B"] == bar_at("B", LAST_MS, 0.5)
    assert is_whole(got.closes[1], "A")
    assert "the venue revised the bar" in got.closes[1].missing["B"]
    assert is_whole(got.closes[2], "A", "B")
    assert got.closes[2].histories["B"]["close"][-2] == bar_at("B", LAST_MS).close


def test_a_symbol_that_does_not_come_is_missing_after_the_wait_and_is_filled_in_at_the_next_close() -> None:
    def lost(market: ScriptedMarket) -> None:
        market.is_down = lambda symbol, now_ms: symbol == "B" and FIRST_MS <= now_ms < FIRST_MS + 20_000

    got = fed(3, lost)
    first, late, second = got.closes
    assert is_whole(first, "A")
    assert first.missing == {"B": "the venue gave no answer: connection reset"}
    assert 8_000 <= got.at_ms[0] - FIRST_MS < 8_100
    assert (late.close_ms, is_whole(late, "B"), late.missing) == (FIRST_MS, True, {})
    assert "came one close later or more" in (late.no_entry or "")
    assert is_whole(second, "A", "B")
    assert second.no_entry is None


def test_a_request_that_never_returns_is_asked_again() -> None:
    def hung(market: ScriptedMarket) -> None:
        market.n_hangs = 0

    async def hang(got: Fed, close: Close) -> None:
        got.market.n_hangs = 1

    got = fed(2, hung, after=hang)
    assert is_whole(got.closes[1], "A", "B")
    assert 2_000 < got.at_ms[1] - closing(1) < 5_000


def test_a_symbol_that_is_refused_for_good_does_not_keep_the_others_waiting() -> None:
    async def delist(got: Fed, close: Close) -> None:
        got.market.refused.add("B")

    got = fed(2, after=delist)
    assert got.closes[1].missing == {"B": "the venue refused: B was delisted"}
    assert got.at_ms[1] - closing(1) < 200


def test_a_revised_bar_stops_its_symbol_until_its_history_was_read_anew() -> None:
    def revising(market: ScriptedMarket) -> None:
        market.revised["A", LAST_MS - MINUTE_MS] = (FIRST_MS + 30_000, 123.0)

    got = fed(4, revising)
    assert is_whole(got.closes[0], "A", "B")
    assert "close" in got.closes[1].missing["A"]
    assert got.closes[1].missing["A"].endswith("is now 123.0")
    assert is_whole(got.closes[1], "B")
    again = got.closes[2].histories["A"]
    assert again["close"][-3] == 123.0
    assert ts_ms(again)[-1] == closing(1) - MINUTE_MS
    assert is_whole(got.closes[2], "A", "B")
    assert not got.closes[3].histories


def test_a_hole_in_the_venues_bars_stops_its_symbol_until_its_history_was_read_with_the_hole() -> None:
    def holed(market: ScriptedMarket) -> None:
        market.absent.add(("A", LAST_MS))

    got = fed(3, holed)
    assert got.closes[0].missing == {"A": "the venue has no bar of 2023-11-14 22:13"}
    assert 5_000 < got.at_ms[0] - FIRST_MS < 8_000
    assert ts_ms(got.closes[1].histories["A"])[-1] == LAST_MS - MINUTE_MS
    assert "the venue has no bar of 2023-11-14 22:13" in got.closes[1].missing["A"]
    assert ts_ms(got.closes[2].histories["A"])[-2:].tolist() == [LAST_MS - MINUTE_MS, LAST_MS + MINUTE_MS]
    assert is_whole(got.closes[2], "A", "B")


def test_gaps_of_a_history_stay_and_are_told() -> None:
    def holed(market: ScriptedMarket) -> None:
        market.absent |= {("B", LAST_MS - k * MINUTE_MS) for k in range(8, 17)}

    got = fed(1, holed)
    assert len(got.histories["B"]) == 50, "however many are missing"
    told = {fields["symbol"]: fields for kind, fields in got.told if fields.get("what") == "history"}
    assert (told["A"]["n_missing"], told["B"]["n_missing"]) == (0, 9)
    assert "9 bars missing from 2023-11-14 21:57 to 2023-11-14 22:05" in told["B"]["gaps"]


def test_after_an_outage_all_that_was_missed_comes_in_order_and_only_the_last_may_be_entered() -> None:
    def down(market: ScriptedMarket) -> None:
        market.is_down = lambda symbol, now_ms: closing(1) <= now_ms < closing(3) + 20_000

    got = fed(8, down)
    assert [close.close_ms for close in got.closes[:4]] == [closing(n) for n in range(4)]
    assert [set(close.missing) for close in got.closes[:4]] == [set(), {"A", "B"}, {"A", "B"}, {"A", "B"}]
    assert [close.close_ms for close in got.closes[4:]] == [closing(n) for n in range(1, 5)]
    assert all(is_whole(close, "A", "B") for close in got.closes[4:])
    assert [close.no_entry is None for close in got.closes[4:]] == [False, False, False, True]


def test_a_bot_that_slept_through_closes_gets_them_late_and_enters_nothing_on_them() -> None:
    async def oversleep(got: Fed, close: Close) -> None:
        if len(got.closes) == 1:
            await asyncio.sleep(215)

    got = fed(5, after=oversleep)
    assert [close.close_ms for close in got.closes] == [closing(n) for n in range(5)]
    assert all(is_whole(close, "A", "B") for close in got.closes)
    assert [close.no_entry is None for close in got.closes] == [True, False, False, False, True]
    assert "was looked at too late" in (got.closes[3].no_entry or "")


def test_who_is_started_again_just_after_a_close_decides_on_it_and_later_no_more() -> None:
    soon, later = (fed(2, start_ms=FIRST_MS + after_ms) for after_ms in (9_000, 31_000))
    assert ts_ms(soon.histories["A"])[-1] == LAST_MS - MINUTE_MS
    assert [(close.close_ms, close.no_entry) for close in soon.closes] == [(closing(0), None), (closing(1), None)]
    assert is_whole(soon.closes[0], "A", "B")
    assert soon.at_ms[0] - FIRST_MS < 10_000
    assert ts_ms(later.histories["A"])[-1] == LAST_MS
    assert [close.close_ms for close in later.closes] == [closing(1), closing(2)]


def test_a_close_that_is_looked_at_in_time_may_be_entered_though_others_were_missed() -> None:
    async def oversleep(got: Fed, close: Close) -> None:
        if len(got.closes) == 1:
            await asyncio.sleep(200)

    assert [close.no_entry is None for close in fed(5, after=oversleep).closes] == [True, False, False, True, True]


def test_a_stream_that_breaks_is_opened_again_ever_more_slowly_and_costs_no_close() -> None:
    def breaking(market: ScriptedMarket) -> None:
        async def stream(market: ScriptedMarket) -> AsyncIterator[Hint]:
            for hint in ():
                yield hint

        market.stream = stream

    got = fed(10, breaking)
    assert all(is_whole(close, "A", "B") and close.no_entry is None for close in got.closes)
    assert 10 < got.market.n_opened < 20  # 2, 4, 8, 16, 32, and every minute


def test_a_stream_that_falls_silent_is_opened_again_and_costs_no_close() -> None:
    got = fed(10)
    assert all(is_whole(close, "A", "B") and close.no_entry is None for close in got.closes)
    assert 3 <= got.market.n_opened <= 5
    assert "it was silent for 180 s" in got.errors("stream")


def test_a_stream_that_is_refused_is_left_and_costs_no_close() -> None:
    def refusing(market: ScriptedMarket) -> None:
        async def stream(market: ScriptedMarket) -> AsyncIterator[Hint]:
            raise VenueRefused("no streams here")
            yield Hint("bar", "A")

        market.stream = stream

    got = fed(5, refusing)
    assert all(is_whole(close, "A", "B") for close in got.closes)
    assert got.market.n_opened == 1


class WrongClock(SystemClock):
    """A machine's clock that is off the true time, by what `off_ms` says now."""

    def __init__(self, true: LoopClock, off_ms: int) -> None:
        super().__init__()
        self.true, self.off_ms = true, off_ms

    def now_ms(self) -> int:
        return self.true.now_ms() + self.off_ms + self.ahead_ms


@pytest.mark.parametrize("off_ms", [-400_000, -700, 700, 400_000])
def test_a_clock_that_is_wrong_is_set_right_before_anything_is_decided(off_ms: int) -> None:
    got = fed(2, clock_of=lambda true: WrongClock(true, off_ms))
    assert [close.close_ms for close in got.closes] == [closing(0), closing(1)]
    assert all(is_whole(close, "A", "B") and close.no_entry is None for close in got.closes)
    assert all(0 < at - close.close_ms < 300 for at, close in zip(got.at_ms, got.closes, strict=True))
    moved = [fields["moved_ms"] for kind, fields in got.told if kind == "state"]
    assert moved[0] == pytest.approx(-off_ms, abs=20)


def test_a_clock_that_jumps_costs_the_entries_of_one_close() -> None:
    clocks: list[WrongClock] = []

    def wrong(true: LoopClock) -> WrongClock:
        clocks.append(WrongClock(true, 0))
        return clocks[0]

    async def jump(got: Fed, close: Close) -> None:
        if len(got.closes) == 1:
            clocks[0].off_ms = 6_000

    got = fed(3, clock_of=wrong, after=jump)
    assert [close.close_ms for close in got.closes] == [closing(0), closing(1), closing(2)]
    assert [close.no_entry for close in got.closes] == [None, "this machine's clock is +6000 ms off the venue's", None]
    assert all(is_whole(close, "A", "B") for close in got.closes)


def test_while_the_venues_time_cannot_be_measured_nothing_is_entered() -> None:
    def timeless(market: ScriptedMarket) -> None:
        market.is_time_down = lambda now_ms: now_ms > FIRST_MS

    got = fed(2, timeless)
    assert got.closes[0].no_entry is None
    assert got.closes[1].no_entry == "the venue's clock could not be measured: no time today"
    assert is_whole(got.closes[1], "A", "B")


def test_closes_follow_a_history_and_are_waited_for_less_than_an_interval() -> None:
    async def main(clock: LoopClock) -> None:
        feed = BarFeed(ScriptedMarket(clock), ["A"], MINUTE_MS, clock, tell=lambda kind, fields: None)
        with pytest.raises(ConfigError, match=r"call history\(n_bars\) first"):
            await anext(feed.closes())
        with pytest.raises(ConfigError, match="less long than the interval of 1m, found 60 s"):
            BarFeed(ScriptedMarket(clock), ["A"], MINUTE_MS, clock, tell=lambda kind, fields: None, wait_s=60)

    run_virtual(main)


def test_a_day_of_minutes_takes_no_more_memory_than_its_first_hours() -> None:
    """With a venue that is down, lags, and revises now and then."""

    async def main(clock: LoopClock) -> tuple[int, list[int]]:
        market = ScriptedMarket(clock)
        market.is_down = lambda symbol, now_ms: symbol == "B" and now_ms // MINUTE_MS % 97 == 0
        market.stream = breaking
        feed = BarFeed(market, ["A", "B"], MINUTE_MS, clock, tell=lambda kind, fields: None)
        await feed.history(20)
        sizes, n_closes = [], 0
        async for close in feed.closes():
            n_closes += not close.no_entry
            hour = (close.close_ms - START_MS) // 3_600_000
            if not close.no_entry and hour > 2 * len(sizes):
                market.revised = {("A", close.close_ms - 2 * MINUTE_MS): (0, 99.0)}
                gc.collect()
                sizes.append(sys.getallocatedblocks())
            if hour == 24:
                return n_closes, sizes
        raise AssertionError

    async def breaking(market: ScriptedMarket) -> AsyncIterator[Hint]:
        for _ in range(40):
            await asyncio.sleep(7)
            yield Hint("bar", "A", market.clock.now_ms() // MINUTE_MS * MINUTE_MS)

    n_closes, sizes = run_virtual(main, epoch_ms=START_MS)
    assert n_closes > 1_430
    assert len(sizes) > 10
    assert sizes[-1] - sizes[2] < 300, "blocks of memory, a quarter of one a close"


def test_a_symbol_whose_bar_was_refused_is_read_anew_before_it_is_handed_out_again() -> None:
    def troubled(market: ScriptedMarket) -> None:
        market.is_down = lambda symbol, now_ms: symbol == "A" and FIRST_MS + 30_000 < now_ms < closing(1) + 30_000

    async def refuse(got: Fed, close: Close) -> None:
        if len(got.closes) == 1:
            got.feed.read_anew("A", "its bar was refused")

    got = fed(3, after=refuse)
    assert ts_ms(got.closes[1].histories["A"])[-1] == LAST_MS
    assert is_whole(got.closes[1], "A", "B")
    got = fed(3, troubled, after=refuse)
    assert got.closes[1].missing == {"A": "its bar was refused"}
    assert ts_ms(got.closes[2].histories["A"])[-1] == closing(1) - MINUTE_MS
    assert is_whole(got.closes[2], "A", "B")


def test_a_symbol_without_a_history_does_not_keep_the_others_from_beginning() -> None:
    def listed_late(market: ScriptedMarket) -> None:
        market.is_down = lambda symbol, now_ms: symbol == "B" and now_ms < closing(1)

    got = fed(4, listed_late)
    assert set(got.histories) == {"A"}
    assert is_whole(got.closes[0], "A")
    assert got.closes[0].missing == {"B": "its history could not be read: connection reset"}
    assert ts_ms(got.closes[2].histories["B"])[-1] == LAST_MS + MINUTE_MS
    assert is_whole(got.closes[2], "A", "B")


def test_where_no_symbol_has_a_history_its_error_is_raised() -> None:
    def refusing(market: ScriptedMarket) -> None:
        market.refused |= {"A", "B"}

    with pytest.raises(VenueRefused, match="A was delisted"):
        fed(1, refusing)


def test_a_market_that_was_listed_lately_has_the_history_that_there_is() -> None:
    def young(market: ScriptedMarket) -> None:
        market.listed_ms = LAST_MS - 5 * MINUTE_MS

    assert len(fed(1, young).histories["A"]) == 5
