"""The paper venue is an exchange in all that an order can meet: refusals, restarts, open bars, margin, funding."""

import asyncio
import math
import sqlite3

import pytest
from tests.labels.hand_made import HOUR_MS
from tests.live.venues.told_data import Told

from tradsys.backtest.margin_spec import MarginSpec
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError
from tradsys.live.venue import Kline, MarketRules, OrderRefused, OrderRequest, VenueUnknown
from tradsys.live.venues.paper import PaperVenue
from tradsys.live.venues.paper_rules import PaperRules, known_slippage

COSTS = Costs(taker_bps=10.0, maker_bps=2.0, slippage_bps=5.0)


def bar(hour: int, open_: float, high: float, low: float, close: float, volume: float = 1.0) -> Kline:
    return Kline(hour * HOUR_MS, open_, high, low, close, volume, {})


def flat(hour: int, price: float = 100.0) -> Kline:
    return bar(hour, price, price, price, price)


def order(client_id, side, kind, size, price=None, *, reduce=False, symbol="A") -> OrderRequest:
    return OrderRequest(client_id, symbol, side, kind, size, price, reduce)


def paper(data: Told, path=":memory:", **changes) -> PaperVenue:
    return PaperVenue(data, PaperRules(**{"costs": COSTS} | changes), HOUR_MS, path=path)


def in_paper(story):
    """Run a story over a venue at 100 in hour 10."""

    async def main() -> None:
        data = Told({symbol: [flat(hour) for hour in range(11)] for symbol in "AB"}, now=10 * HOUR_MS + 5)
        venue = paper(data)
        await story(venue, data)
        await venue.close()

    asyncio.run(main())


def test_an_entry_fills_at_the_price_at_hand_and_pays_fee_and_slippage():
    async def story(venue, data):
        done = await venue.place(order("e", 1, "market", 2.0))
        assert (done.status, done.filled_base, done.average_price) == ("filled", 2.0, 100.0)
        account = await venue.account()
        assert account.wallet_quote == pytest.approx(10_000 - 200 * (0.0010 + 0.0005))
        (position,) = account.positions
        assert (position.size_base, position.entry_price, position.unrealised_quote) == (2.0, 100.0, 0.0)
        (fill,) = await venue.fills("A", 0)
        assert venue.book.slippage_of(fill.trade_id) == pytest.approx(0.1)
        assert fill.fee_quote == pytest.approx(0.3)

    in_paper(story)


def test_a_target_pays_the_makers_fee_and_a_stop_the_takers_with_slippage():
    async def story(venue, data):
        for symbol in "AB":
            await venue.place(order("e", 1, "market", 1.0, symbol=symbol))
            await venue.place(order("t", -1, "limit", 1.0, 104.0, reduce=True, symbol=symbol))
            await venue.place(order("s", -1, "stop", 1.0, 95.0, reduce=True, symbol=symbol))
        data.bars["A"][10] = bar(10, 100, 104, 99, 101)
        data.bars["B"][10] = bar(10, 100, 101, 95, 101)
        data.now = 11 * HOUR_MS
        assert (await venue.account()).positions == ()
        target, stop = (await venue.fills("A", 0))[-1], (await venue.fills("B", 0))[-1]
        assert (target.price, target.is_maker, target.fee_quote) == (104.0, True, pytest.approx(104 * 0.0002))
        assert (stop.price, stop.is_maker, stop.fee_quote) == (95.0, False, pytest.approx(95 * 0.0015))
        assert [one.client_id for one in await venue.open_orders()] == ["s", "t"]  # orphans are left to their owner

    in_paper(story)


def test_both_in_one_bar_is_the_stop_and_only_a_part_that_it_covers():
    async def story(venue, data):
        await venue.place(order("e", -1, "market", 1.0))
        await venue.place(order("s", 1, "stop", 0.4, 105.0, reduce=True))
        await venue.place(order("t", 1, "limit", 1.0, 96.0, reduce=True))
        data.bars["A"][10] = bar(10, 100, 106, 95, 101)
        data.now = 11 * HOUR_MS
        fills = await venue.fills("A", 0)
        assert [(one.client_id, one.size_base, one.price) for one in fills[1:]] == [
            ("s", 0.4, 105.0),
            ("t", pytest.approx(0.6), 96.0),
        ]
        assert (await venue.order("A", "t", "limit")).status == "expired"
        assert (await venue.order("A", "t", "stop")) is None

    in_paper(story)


def test_an_open_bar_fills_what_it_has_shown_so_far_but_nothing_that_came_before_the_order():
    async def story(venue, data):
        data.bars["A"][10] = bar(10, 100, 103, 94, 100)
        await venue.place(order("e", 1, "market", 1.0))
        await venue.place(order("s", -1, "stop", 1.0, 95.0, reduce=True))
        await venue.place(order("t", -1, "limit", 1.0, 103.0, reduce=True))
        data.now += 10 * 60_000
        data.bars["A"][10] = bar(10, 100, 103, 94, 102)  # neither extreme is new
        assert len((await venue.account()).positions) == 1
        data.now += 60_000
        data.bars["A"][10] = bar(10, 100, 103.5, 94, 102)
        assert (await venue.account()).positions == ()
        (_, left) = await venue.fills("A", 0)
        assert (left.price, left.client_id, left.ts_ms) == (103.0, "t", data.now)

    in_paper(story)


@pytest.mark.parametrize(("opened", "leg", "price"), [(90.0, "s", 90.0), (109.0, "t", 109.0)])
def test_a_bar_that_opens_beyond_an_order_fills_it_at_the_open(opened, leg, price):
    async def story(venue, data):
        await venue.place(order("e", 1, "market", 1.0))
        await venue.place(order("s", -1, "stop", 1.0, 95.0, reduce=True))
        await venue.place(order("t", -1, "limit", 1.0, 104.0, reduce=True))
        data.bars["A"].append(bar(11, opened, 110, 80, 100))
        data.now = 12 * HOUR_MS
        assert (await venue.account()).positions == ()
        left = (await venue.fills("A", 0))[-1]
        assert (left.client_id, left.price) == (leg, price)

    in_paper(story)


def test_nobody_leaves_by_the_market_what_a_stop_had_already_closed():
    async def story(venue, data):
        await venue.place(order("e", 1, "market", 1.0))
        await venue.place(order("s", -1, "stop", 1.0, 95.0, reduce=True))
        data.bars["A"].append(flat(11, 90.0))
        data.now = 11 * HOUR_MS + 1
        with pytest.raises(OrderRefused, match="there is no position"):
            await venue.place(order("x", -1, "market", 1.0, reduce=True))
        assert (await venue.fills("A", 0))[-1].price == 90.0
        await venue.cancel("A", "s", "stop")  # no error: it is not open any more
        assert (await venue.order("A", "s", "stop")).status == "filled"

    in_paper(story)


REFUSED = [
    (order("", 1, "market", 1.0), "1 to 36 characters"),
    (order("x" * 37, 1, "market", 1.0), "found 37"),
    (order("a", 1, "market", 0.25), "whole lots of 0.1"),
    (order("a", 1, "market", 0.0), "positive size"),
    (order("a", 1, "market", math.nan), "positive size"),
    (order("a", 0, "market", 1.0), "side 1 or -1"),
    (order("a", 1, "market", 50.5), "at most 50"),
    (order("a", 1, "limit", 1.0, 90.3), "steps of 0.5"),
    (order("a", 1, "limit", 1.0, 40.0), "further from the price 100 than the 50.0%"),
    (order("a", 1, "limit", 1.0), "others have one"),
    (order("a", 1, "limit", 0.1, 90.0), "worth 9, wanted at least 10"),
    (order("a", 1, "stop", 1.0, 100.0), "trigger at once"),
    (order("a", -1, "stop", 1.0, 101.0), "trigger at once"),
    (order("a", -1, "market", 1.0, reduce=True), "no position that it would"),
    (order("open", 1, "limit", 1.0, 90.0), "has this client id already"),
]


@pytest.mark.parametrize(("wrong", "why"), REFUSED)
def test_what_an_exchange_refuses_is_refused_and_leaves_nothing_behind(wrong, why):
    async def story(venue, data):
        await venue.place(order("open", 1, "limit", 1.0, 90.0))
        before = await venue.open_orders()
        with pytest.raises(OrderRefused, match=why):
            await venue.place(wrong)
        assert await venue.open_orders() == before
        assert (await venue.account()).wallet_quote == 10_000

    in_paper(story)


def test_what_the_account_cannot_carry_or_the_market_not_sell_is_refused():
    async def story(venue, data):
        await venue.set_leverage("A", 2.0, "isolated")
        mode = await venue.mode(["A", "B"])
        assert (mode.leverage, mode.margin_type) == ({"A": 2.0, "B": 20.0}, {"A": "isolated", "B": "cross"})
        assert (mode.can_withdraw, mode.taker_bps, mode.maker_bps) == (False, 10.0, 2.0)
        data.rules = MarketRules("A", 0.5, 0.1, 0.1, math.inf, 10.0, 0.5, True, False)
        await venue.place(order("a", 1, "market", 150.0))
        with pytest.raises(OrderRefused, match="margin is insufficient, 10050"):
            await venue.place(order("b", 1, "market", 51.0))
        with pytest.raises(OrderRefused, match="sold short"):
            await venue.place(order("c", -1, "market", 151.0))
        data.rules = MarketRules("A", 0.5, 0.1, 0.1, math.inf, 10.0, 0.5, False, True)
        with pytest.raises(OrderRefused, match="not traded now"):
            await venue.place(order("d", -1, "market", 10.0, reduce=True))

    in_paper(story)


def test_a_filled_client_id_may_be_used_again_and_is_a_second_order():
    """As on Binance: ids are unique among open orders alone."""

    async def story(venue, data):
        await venue.place(order("e", 1, "market", 1.0))
        await venue.place(order("e", 1, "market", 1.0))
        assert (await venue.account()).positions[0].size_base == 2.0

    in_paper(story)


def test_where_the_data_give_no_answer_nothing_is_known_and_nothing_has_happened():
    async def story(venue, data):
        await venue.place(order("e", 1, "market", 1.0))
        data.now += HOUR_MS
        data.is_down = True
        for question in (venue.account(), venue.open_orders(), venue.fills("A", 0), venue.funding(0)):
            with pytest.raises(VenueUnknown):
                await question
        with pytest.raises(VenueUnknown):
            await venue.place(order("lost", 1, "market", 1.0))
        data.is_down = False
        assert await venue.order("A", "lost", "market") is None
        assert (await venue.account()).positions[0].size_base == 1.0

    in_paper(story)


def test_a_restart_finds_the_account_and_what_happened_while_nobody_asked(tmp_path):
    async def main() -> None:
        data = Told({"A": [flat(hour) for hour in range(11)]}, now=10 * HOUR_MS + 5)
        first = paper(data, tmp_path / "paper.sqlite")
        await first.place(order("e", 1, "market", 1.0))
        await first.place(order("s", -1, "stop", 1.0, 95.0, reduce=True))
        await first.place(order("t", -1, "limit", 1.0, 120.0, reduce=True))
        # killed: nothing is closed, and another process opens the file
        data.bars["A"] += [flat(11), bar(12, 100, 101, 94, 99), bar(13, 99, 130, 99, 120)]
        data.now, data.rates = 14 * HOUR_MS, [(11 * HOUR_MS, 0.001), (13 * HOUR_MS, 0.001)]
        second = paper(data, tmp_path / "paper.sqlite", cash_quote=5.0)
        assert (await second.account()).positions == ()
        entry, stop = await second.fills("A", 0)
        assert (entry.client_id, stop.client_id, stop.price) == ("e", "s", 95.0)
        assert stop.ts_ms == 13 * HOUR_MS - 1
        assert [one.client_id for one in await second.open_orders()] == []  # the target met nothing to reduce
        (paid,) = await second.funding(0)
        assert (paid.ts_ms, paid.paid_quote) == (11 * HOUR_MS, pytest.approx(0.1))
        wallet = (await second.account()).wallet_quote
        assert wallet == pytest.approx(10_000 - 5 - 0.15 - 95 * 0.0015 - 0.1)
        await second.close()
        await first.close()

    asyncio.run(main())


def test_an_order_waits_for_somebody_to_trade_and_an_entry_lapses_with_its_bar():
    async def story(venue, data):
        data.bars["A"] = [flat(hour) for hour in range(10)] + [bar(10, 100, 100, 100, 100, 0.0)]
        assert (await venue.place(order("e", 1, "market", 1.0))).status == "open"
        data.now = 11 * HOUR_MS
        assert (await venue.order("A", "e", "market")).status == "expired"
        data.bars["A"].append(bar(11, 99, 99, 99, 99, 0.0))
        assert (await venue.place(order("f", 1, "market", 1.0))).status == "open"
        data.bars["A"][11] = bar(11, 99.5, 99.5, 99.5, 99.5, 0.1)
        data.now += 1_000
        assert (await venue.order("A", "f", "market")).average_price == 99.5
        data.bars["A"].append(bar(12, 99, 99, 99, 99, 0.0))
        data.now = 12 * HOUR_MS
        assert (await venue.place(order("x", -1, "market", 1.0, reduce=True))).status == "open"
        data.bars["A"].append(bar(13, 98, 98, 98, 98, 1.0))
        data.now = 14 * HOUR_MS
        assert (await venue.order("A", "x", "market")).average_price == 98.0

    in_paper(story)


def test_a_bar_at_whose_worst_the_margin_is_gone_liquidates_everything():
    async def story(venue, data):
        await venue.place(order("a", 1, "market", 900.0))
        await venue.place(order("b", 1, "market", 900.0, symbol="B"))
        await venue.place(order("s", -1, "stop", 900.0, 80.0, reduce=True))
        data.bars["A"][10], data.bars["B"][10] = bar(10, 100, 100, 97, 100), bar(10, 100, 100, 97.5, 100)
        data.now = 11 * HOUR_MS
        assert (await venue.account()).positions != ()
        data.bars["A"].append(bar(11, 100, 100, 94, 100))
        data.bars["B"].append(bar(11, 100, 100, 94.5, 100))
        data.now = 12 * HOUR_MS
        account = await venue.account()
        assert account.positions == () and await venue.open_orders() == []
        assert account.wallet_quote == 0.0
        fills = [*await venue.fills("A", 0), *await venue.fills("B", 0)]
        assert [one.client_id.split("-")[0] for one in fills] == ["a", "autoclose", "b", "autoclose"]
        lost = sum(one.realised_quote - one.fee_quote for one in fills)
        assert lost == pytest.approx(-10_000.0)

    async def main() -> None:
        data = Told({symbol: [flat(hour) for hour in range(11)] for symbol in "AB"}, now=10 * HOUR_MS + 5)
        data.rules = MarketRules("A", 0.5, 0.1, 0.1, math.inf, 10.0, 0.5, True, True)
        venue = paper(data, margin=MarginSpec(0.005, 0.0))
        await story(venue, data)
        await venue.close()

    asyncio.run(main())


def test_questions_close_together_are_answered_from_the_same_bars_until_one_closes():
    async def story(venue, data):
        await venue.place(order("e", 1, "market", 1.0))
        asked = data.n_asked
        data.now = 11 * HOUR_MS - 100
        await venue.account()
        looked = data.n_asked - asked
        await venue.account()
        assert data.n_asked - asked == looked + 1  # the time alone
        data.now = 11 * HOUR_MS
        data.bars["A"].append(flat(11, 101.0))
        assert (await venue.account()).positions[0].mark_price == 101.0

    in_paper(story)


def test_hints_say_that_the_account_may_have_changed_where_something_is_at_stake():
    async def story(venue, data):
        assert [one.about async for one in venue.hints(["A", "B"], HOUR_MS)] == ["bar", "bar"]
        await venue.place(order("e", 1, "market", 1.0, symbol="B"))
        heard = [(one.about, one.symbol) async for one in venue.hints(["A", "B"], HOUR_MS)]
        assert heard == [("bar", "A"), ("bar", "B"), ("account", "B")]

    in_paper(story)


def test_positions_are_added_to_reduced_and_turned():
    async def story(venue, data):
        await venue.place(order("a", 1, "market", 1.0))
        data.bars["A"][10] = bar(10, 100, 110, 100, 110)
        data.now += 1_000
        await venue.place(order("b", 1, "market", 1.0))
        assert (await venue.account()).positions[0].entry_price == 105.0
        await venue.place(order("c", -1, "market", 3.0))
        (position,) = (await venue.account()).positions
        assert (position.size_base, position.entry_price) == (-1.0, 110.0)
        assert (await venue.fills("A", 0))[-1].realised_quote == pytest.approx(10.0)

    in_paper(story)


def test_rules_without_numbers_for_slippage_are_refused():
    with pytest.raises(ConfigError, match="found 'estimated' and no estimate"):
        PaperRules()
    at = known_slippage({"A": 0.0001, "B": 0.0003})
    assert (at("A", 0), at("unknown", 0)) == (0.0001, 0.0003)


def test_a_disk_that_takes_nothing_is_a_venue_that_does_not_answer(tmp_path):
    async def main() -> None:
        venue = paper(Told({"A": [flat(hour) for hour in range(11)]}, now=10 * HOUR_MS + 5), tmp_path / "paper.sqlite")
        await venue.account()
        venue.book._db.execute("PRAGMA busy_timeout = 1")
        blocker = sqlite3.connect(tmp_path / "paper.sqlite", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(VenueUnknown, match=r"books cannot be written: .*nothing of it was kept"):
            await venue.place(order("e", 1, "market", 2.0))
        blocker.execute("ROLLBACK")
        blocker.close()
        assert await venue.order("A", "e", "market") is None
        assert (await venue.place(order("e", 1, "market", 2.0))).status == "filled"
        await venue.close()

    asyncio.run(main())
