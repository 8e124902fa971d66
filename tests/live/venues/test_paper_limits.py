"""Limits that open on a paper account: filled by the rule of limit entries, and what their bar did after that."""

import asyncio

import pytest
from tests.labels.hand_made import HOUR_MS
from tests.live.venues.test_paper import COSTS, bar, flat, in_paper, order, paper
from tests.live.venues.told_data import Told

from tradsys.live.venue import OrderRefused
from tradsys.live.venues.paper_rules import PaperRules
from tradsys.live.venues.paper_spot import PaperSpot


def entry(side: int = 1, price: float = 98.0, size: float = 1.0):
    return order("e", side, "limit", size, price)


def test_it_rests_at_a_touch_and_is_filled_by_a_trade_through_at_its_price_as_a_maker():
    async def story(venue, data):
        assert (await venue.place(entry())).status == "open"
        data.bars["A"][10] = bar(10, 100, 101, 98, 99)
        data.now += 600
        assert (await venue.order("A", "e", "limit")).status == "open"
        data.now += 600
        data.bars["A"][10] = bar(10, 100, 101, 97.5, 99)
        (fill,) = await venue.fills("A", 0)
        assert (fill.price, fill.is_maker, fill.fee_quote) == (98.0, True, pytest.approx(98 * 0.0002))

    in_paper(story)


def test_what_the_bar_did_before_it_was_sent_fills_nothing():
    async def story(venue, data):
        data.bars["A"][10] = bar(10, 100, 103, 95, 100)
        await venue.place(entry())
        data.now = 11 * HOUR_MS
        assert await venue.fills("A", 0) == []

    in_paper(story)


def test_at_the_price_at_hand_it_rests_and_beyond_it_takes_and_costs_no_more_than_its_own_price():
    async def story(venue, data):
        assert (await venue.place(order("at", 1, "limit", 1.0, 100.0))).status == "open"
        assert (await venue.place(order("b", 1, "limit", 1.0, 100.5, symbol="B"))).status == "filled"
        await venue.place(order("c", 1, "limit", 1.0, 100.5, symbol="B"))
        fill = (await venue.fills("B", 0))[0]
        assert (fill.price, fill.is_maker) == (100.0, False)
        assert venue.book.slippage_of(fill.trade_id) == pytest.approx(100 * COSTS.slippage_bps / 1e4)

    in_paper(story)


def test_slippage_ends_at_the_limits_price():
    async def main():
        data = Told({"A": [flat(hour) for hour in range(11)]}, now=10 * HOUR_MS + 5)
        venue = paper(data, slippage=lambda symbol, ms: 0.02)
        await venue.place(order("e", 1, "limit", 1.0, 100.5))
        (fill,) = await venue.fills("A", 0)
        assert venue.book.slippage_of(fill.trade_id) == pytest.approx(0.5)
        await venue.close()

    asyncio.run(main())


AFTER = {
    "stop": (bar(10, 100, 101, 94, 97), "stop", 95.0),
    "target": (bar(10, 100, 106, 97, 105), "target", 104.0),
    "what came before is no target": (bar(10, 100, 106, 97, 103), None, None),
    "both are the stop": (bar(10, 100, 106, 94, 105), "stop", 95.0),
}


@pytest.mark.parametrize(("lived", "reason", "price"), AFTER.values(), ids=AFTER)
def test_legs_of_a_fill_that_was_told_with_the_close_are_met_by_what_came_after_it(lived, reason, price):
    async def story(venue, data):
        await venue.place(entry())
        data.bars["A"] = [*data.bars["A"][:10], lived, flat(11, lived.close)]
        data.now = 11 * HOUR_MS
        (position,) = (await venue.account()).positions
        assert position.mark_price == 98.0, "where it was entered, until somebody could protect it"
        stop = await venue.place(order("s", -1, "stop", 1.0, 95.0, reduce=True))
        if reason == "stop":
            assert (stop.status, stop.average_price) == ("filled", price)
            with pytest.raises(OrderRefused, match="there is no position"):
                await venue.place(order("t", -1, "limit", 1.0, 104.0, reduce=True))
            return
        target = await venue.place(order("t", -1, "limit", 1.0, 104.0, reduce=True))
        assert (target.status, target.average_price) == (("filled", price) if reason else ("open", None))

    in_paper(story)


def test_a_bar_that_opens_beyond_its_price_fills_it_there_and_is_lived_through_whole():
    async def story(venue, data):
        await venue.place(entry())
        data.now = 11 * HOUR_MS
        data.bars["A"] += [flat(11, 97)]
        await venue.account()
        data.bars["A"] = [*data.bars["A"][:11], bar(11, 97, 106, 96, 100), flat(12)]
        data.now = 12 * HOUR_MS
        (fill,) = await venue.fills("A", 0)
        assert fill.price == 98.0
        target = await venue.place(order("t", -1, "limit", 1.0, 104.0, reduce=True))
        assert (target.status, target.average_price) == ("filled", 104.0)

    in_paper(story)


def test_a_leg_that_comes_when_the_next_bar_has_moved_meets_that_bar_alone():
    async def story(venue, data):
        await venue.place(entry())
        data.bars["A"] = [*data.bars["A"][:10], bar(10, 100, 101, 94, 97), bar(11, 97, 99, 96.5, 98)]
        data.now = 11 * HOUR_MS + 60_000
        assert (await venue.account()).positions[0].mark_price == 98.0
        assert (await venue.place(order("s", -1, "stop", 1.0, 95.0, reduce=True))).status == "open"

    in_paper(story)


def test_what_was_filled_while_nobody_was_there_was_bare_until_somebody_came(tmp_path):
    async def main():
        data = Told({"A": [flat(hour) for hour in range(11)]}, now=10 * HOUR_MS + 5)
        venue = paper(data, tmp_path / "paper.sqlite")
        await venue.place(entry())
        await venue.close()
        data.bars["A"] = [*data.bars["A"][:10], bar(10, 100, 101, 94, 97), flat(11, 97)]
        data.now = 11 * HOUR_MS
        later = paper(data, tmp_path / "paper.sqlite")
        (position,) = (await later.account()).positions
        assert position.mark_price == 97.0
        assert (await later.place(order("s", -1, "stop", 1.0, 95.0, reduce=True))).status == "open"
        await later.close()

    asyncio.run(main())


def test_an_entry_the_other_way_is_no_leg_of_a_fill_that_was_told_late():
    async def story(venue, data):
        await venue.place(entry())
        data.bars["A"] = [*data.bars["A"][:10], bar(10, 100, 101, 94, 97), flat(11, 97)]
        data.now = 11 * HOUR_MS
        await venue.account()
        await venue.place(order("s", -1, "stop", 1.0, 95.0, reduce=True))
        assert (await venue.place(order("next", -1, "limit", 1.0, 97.0))).status == "open"

    in_paper(story)


def test_a_bar_that_has_only_opened_fills_nothing_that_is_taken_back_at_its_open():
    async def story(venue, data):
        await venue.place(entry())
        data.bars["A"] += [flat(11, 97)]
        data.now = 11 * HOUR_MS
        await venue.cancel("A", "e", "limit")
        assert (await venue.order("A", "e", "limit")).status == "cancelled" and await venue.fills("A", 0) == []

    in_paper(story)


def test_orders_that_rest_bind_margin():
    async def story(venue, data):
        await venue.place(order("a", 1, "limit", 1_200.0, 98.0))
        with pytest.raises(OrderRefused, match="margin is insufficient"):
            await venue.place(order("b", 1, "limit", 900.0, 98.0, symbol="B"))
        await venue.cancel("A", "a", "limit")
        assert (await venue.place(order("b", 1, "limit", 900.0, 98.0, symbol="B"))).status == "open"

    in_paper(story)


def test_coins_that_were_bought_late_are_sold_by_the_pair_at_what_came_after():
    async def main():
        data = Told({"A": [flat(hour) for hour in range(11)]}, now=10 * HOUR_MS + 5)
        venue = PaperSpot(data, PaperRules(COSTS), HOUR_MS)
        assert (await venue.place(entry(size=2.0))).status == "open"
        account = await venue.account()
        assert account.available_quote == pytest.approx(10_000 - 2 * 98.0), "what it would pay is bound"
        data.bars["A"] = [*data.bars["A"][:10], bar(10, 100, 101, 94, 97), flat(11, 97)]
        data.now = 11 * HOUR_MS
        await venue.account()
        stop, target = await venue.place_pair(
            order("s", -1, "stop", 1.9, 95.0, reduce=True), order("t", -1, "limit", 1.9, 104.0, reduce=True)
        )
        assert (stop.status, stop.average_price, target.status) == ("filled", 95.0, "expired")
        await venue.close()

    asyncio.run(main())
