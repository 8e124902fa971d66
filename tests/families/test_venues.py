"""What every venue must keep to. A new one joins by one line in `VENUES`: its name, and how its world is made.

A world has a venue with an account that holds no position, and can move the price of its one symbol by hand. It lives
in one event loop, on virtual time where nothing in it waits for a real socket.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
from tests.exchange.building import quiet_exchange
from tests.exchange.in_process import InProcessVenue
from tests.exchange.model import Exchange
from tests.exchange.serving import served
from tests.exchange.spot.in_process import InProcessSpot
from tests.exchange.spot.model import quiet_spot
from tests.live.venues.told_data import Told
from tests.live.virtual_time import LoopClock, run_virtual

from tradsys.core.costs import Costs
from tradsys.core.time import HOUR_MS
from tradsys.live.clock import SystemClock
from tradsys.live.venue import (
    Fill,
    Kline,
    MarketRules,
    OrderKind,
    OrderRefused,
    OrderRequest,
    PlacesPairs,
    Venue,
    VenueOrder,
    VenueRefused,
)
from tradsys.live.venues.catalogue import venue_named
from tradsys.live.venues.paper import PaperVenue
from tradsys.live.venues.paper_rules import PaperRules
from tradsys.live.venues.paper_spot import PaperSpot

SYMBOL, PRICE = "BTCUSDT", 60_000.0
SPOT_COSTS = Costs(taker_bps=10.0, maker_bps=10.0, slippage_bps=0.0)


@dataclass(frozen=True, slots=True)
class VenueWorld:
    """A venue and the hand that moves its price; on a spot market what is held is a balance, and nothing is short."""

    venue: Venue
    move: Callable[[float], Awaitable[None]]
    is_spot: bool = False

    async def held(self) -> float:
        """What is held of the symbol, with its sign."""
        state = await self.venue.account()
        if state.spot is not None:
            return sum(coin.size_base for coin in state.spot.coins)
        return sum(position.size_base for position in state.positions)


type Checked = Callable[[VenueWorld], Awaitable[None]]
type RunWorld = Callable[[Checked], None]
"""Makes a world, runs a test's coroutine on it, and closes it."""


def in_process(check: Checked) -> None:
    async def main(clock: LoopClock) -> None:
        exchange = quiet_exchange(clock, price=PRICE)
        venue = InProcessVenue(exchange)

        async def move(price: float) -> None:
            exchange.move(SYMBOL, price)

        await check(VenueWorld(venue, move))
        await venue.close()

    run_virtual(main)


def on_paper(check: Checked, *, is_spot: bool = False) -> None:
    async def main(clock: LoopClock) -> None:
        opened = clock.now_ms() // HOUR_MS * HOUR_MS
        bars = [Kline(opened - n * HOUR_MS, PRICE, PRICE, PRICE, PRICE, 1.0, {}) for n in (1, 0)]
        rules = MarketRules(SYMBOL, 0.1, 1e-5 if is_spot else 0.001, 1e-5, 1_000.0, 5.0, 0.5, True, True)
        data = Told({SYMBOL: bars}, rules=rules, clock=clock)
        paper = PaperRules(SPOT_COSTS if is_spot else Costs(slippage_bps=1.0))
        venue = (PaperSpot if is_spot else PaperVenue)(data, paper, HOUR_MS)

        async def move(price: float) -> None:
            data.move(SYMBOL, price)
            await asyncio.sleep(1)

        await check(VenueWorld(venue, move, is_spot=is_spot))
        await venue.close()

    run_virtual(main)


def binance(check: Checked) -> None:
    on_sockets("binanceusdm", quiet_exchange(SystemClock(), price=PRICE), check)


def on_sockets(name: str, exchange: Exchange, check: Checked, *, is_spot: bool = False) -> None:
    """Through ccxt and real sockets, on the loopback exchange."""

    async def main() -> None:
        async with served(exchange) as (url, loopback):
            venue = venue_named(name, api_key="loopback-key", api_secret="loopback-secret", url=url)

            async def move(price: float) -> None:
                loopback.control({"price": {SYMBOL: price}})
                loopback.driver.arm()

            try:
                await check(VenueWorld(venue, move, is_spot=is_spot))
            finally:
                await venue.close()

    asyncio.run(main())


def in_process_spot(check: Checked) -> None:
    async def main(clock: LoopClock) -> None:
        exchange = quiet_spot(clock, price=PRICE)
        venue = InProcessSpot(exchange)

        async def move(price: float) -> None:
            exchange.move(SYMBOL, price)

        await check(VenueWorld(venue, move, is_spot=True))
        await venue.close()

    run_virtual(main)


def on_paper_spot(check: Checked) -> None:
    on_paper(check, is_spot=True)


def binance_spot(check: Checked) -> None:
    on_sockets("binance-spot", quiet_spot(SystemClock(), price=PRICE), check, is_spot=True)


VENUES: dict[str, RunWorld] = {
    "in_process": in_process,
    "paper": on_paper,
    "binanceusdm": binance,
    "in_process_spot": in_process_spot,
    "paper_spot": on_paper_spot,
    "binance-spot": binance_spot,
}


@pytest.fixture(params=VENUES)
def on_venue(request: pytest.FixtureRequest) -> RunWorld:
    return VENUES[request.param]


def an_order(kind: OrderKind, client_id: str = "tradsys-test-order-000000000001", side: int = 1) -> OrderRequest:
    """An order of each kind that waits or fills: a limit below the price, a stop beyond it."""
    price = {"market": None, "limit": PRICE - 500 * side, "stop": PRICE + 500 * side}[kind]
    return OrderRequest(client_id, SYMBOL, side, kind, 0.01, price, is_reduce_only=False)


async def found(venue: Venue, request: OrderRequest) -> VenueOrder:
    order = await venue.order(request.symbol, request.client_id, request.kind)
    assert order is not None
    return order


async def settled(venue: Venue, request: OrderRequest, status: str) -> VenueOrder:
    """The order once it has a status; a venue may take a moment."""
    for _ in range(200):
        order = await found(venue, request)
        if order.status == status:
            return order
        await asyncio.sleep(0.02)
    raise AssertionError(f"{request.client_id} is {order.status}, and was to be {status}")


@pytest.mark.parametrize("kind", ["market", "limit", "stop"])
def test_a_placed_order_is_found_by_its_id_as_it_was_asked_for(on_venue, kind):
    async def check(world: VenueWorld) -> None:
        request = an_order(kind)
        placed = await world.venue.place(request)
        for order in (placed, await found(world.venue, request)):
            asked = (order.client_id, order.symbol, order.side, order.kind, order.size_base, order.price)
            assert asked == (request.client_id, SYMBOL, 1, kind, 0.01, request.price)

    on_venue(check)


@pytest.mark.parametrize("kind", ["market", "limit", "stop"])
def test_an_unknown_id_is_none(on_venue, kind):
    async def check(world: VenueWorld) -> None:
        assert await world.venue.order(SYMBOL, "tradsys-test-order-never-placed", kind) is None

    on_venue(check)


def test_a_market_order_fills_and_makes_the_position(on_venue):
    async def check(world: VenueWorld) -> None:
        request = an_order("market")
        await world.venue.place(request)
        order = await settled(world.venue, request, "filled")
        assert (order.filled_base, order.average_price) == (0.01, pytest.approx(PRICE, rel=1e-3))
        (fill,) = await world.venue.fills(SYMBOL, 0)
        assert await world.held() == pytest.approx(0.01 - fill.fee_base)
        if not world.is_spot:
            (position,) = (await world.venue.account()).positions
            assert (position.symbol, position.size_base) == (SYMBOL, 0.01)
            assert position.entry_price == pytest.approx(order.average_price)

    on_venue(check)


def test_a_sold_position_is_negative_and_a_spot_market_refuses_to_sell_what_is_not_there(on_venue):
    async def check(world: VenueWorld) -> None:
        request = an_order("market", side=-1)
        if world.is_spot:
            with pytest.raises(OrderRefused):
                await world.venue.place(request)
            assert await world.held() == 0.0
            return
        await world.venue.place(request)
        await settled(world.venue, request, "filled")
        (position,) = (await world.venue.account()).positions
        assert position.size_base == -0.01

    on_venue(check)


def test_waiting_orders_of_both_kinds_are_open(on_venue):
    async def check(world: VenueWorld) -> None:
        requests = [
            an_order("limit", "tradsys-test-order-limit-0001"),
            an_order("stop", "tradsys-test-order-stop-00001"),
        ]
        for request in requests:
            await world.venue.place(request)
        orders = {order.client_id: order for order in await world.venue.open_orders()}
        assert {name: order.kind for name, order in orders.items()} == {r.client_id: r.kind for r in requests}
        assert {order.status for order in orders.values()} == {"open"}

    on_venue(check)


def test_a_limit_fills_when_the_price_comes(on_venue):
    async def check(world: VenueWorld) -> None:
        request = an_order("limit")
        await world.venue.place(request)
        await world.move(PRICE - 600)
        order = await settled(world.venue, request, "filled")
        assert order.average_price == pytest.approx(PRICE - 500)
        assert await world.venue.open_orders() == []

    on_venue(check)


def test_a_limit_that_opens_is_not_filled_by_a_touch_and_its_fill_is_hinted_at(on_venue):
    async def check(world: VenueWorld) -> None:
        request = an_order("limit")
        await world.venue.place(request)
        await world.move(PRICE - 500)
        await asyncio.sleep(0.3)
        assert (await found(world.venue, request)).status == "open"
        hints = world.venue.hints([SYMBOL], 60_000)
        first = asyncio.ensure_future(anext(hints))
        await asyncio.sleep(0.5)
        await world.move(PRICE - 501)
        await settled(world.venue, request, "filled")
        hint = await asyncio.wait_for(first, 5)
        assert (hint.about, hint.symbol) == ("account", SYMBOL)
        await hints.aclose()
        (fill,) = await world.venue.fills(SYMBOL, 0)
        assert (fill.is_maker, fill.price) == (True, PRICE - 500)

    on_venue(check)


def test_a_stop_that_was_triggered_is_filled_under_its_own_id(on_venue):
    async def check(world: VenueWorld) -> None:
        request = an_order("stop")
        await world.venue.place(request)
        await world.move(PRICE + 600)
        order = await settled(world.venue, request, "filled")
        assert (order.kind, order.filled_base) == ("stop", 0.01)
        (fill,) = await world.venue.fills(SYMBOL, 0)
        assert fill.client_id == request.client_id

    on_venue(check)


def test_a_protected_position_ends_at_its_stop(on_venue):
    async def check(world: VenueWorld) -> None:
        entry = an_order("market")
        await world.venue.place(entry)
        await settled(world.venue, entry, "filled")
        size = 0.00999 if world.is_spot else 0.01  # after a fee of a thousandth
        stop = OrderRequest("tradsys-test-order-stop-00001", SYMBOL, -1, "stop", size, PRICE - 500, True)
        placed = await world.venue.place(stop)
        assert placed.is_reduce_only and placed.status == "open"
        await world.move(PRICE - 600)
        await settled(world.venue, stop, "filled")
        assert await world.held() == pytest.approx(0.0, abs=1e-9)

    on_venue(check)


@pytest.mark.parametrize("kind", ["limit", "stop"])
def test_a_cancelled_order_is_cancelled_and_open_no_more(on_venue, kind):
    async def check(world: VenueWorld) -> None:
        request = an_order(kind)
        await world.venue.place(request)
        await world.venue.cancel(SYMBOL, request.client_id, kind)
        assert (await settled(world.venue, request, "cancelled")).filled_base == 0.0
        assert await world.venue.open_orders() == []

    on_venue(check)


def test_cancelling_what_is_not_open_any_more_is_no_error(on_venue):
    async def check(world: VenueWorld) -> None:
        limit, market = an_order("limit", "tradsys-test-order-limit-0001"), an_order("market")
        await world.venue.place(limit)
        await world.venue.place(market)
        await settled(world.venue, market, "filled")
        for request in (limit, limit, market):
            await world.venue.cancel(SYMBOL, request.client_id, request.kind)
        await world.venue.cancel(SYMBOL, "tradsys-test-order-never-placed", "stop")

    on_venue(check)


REFUSED: dict[str, OrderRequest] = {
    "half a lot": OrderRequest("tradsys-test-order-refused-1", SYMBOL, 1, "market", 0.000105),
    "below the notional": OrderRequest("tradsys-test-order-refused-1", SYMBOL, 1, "limit", 0.001, 4_000.0),
    "more than there is money for": OrderRequest("tradsys-test-order-refused-1", SYMBOL, 1, "market", 100.0),
    "nothing to reduce": OrderRequest("tradsys-test-order-refused-1", SYMBOL, -1, "market", 0.01, None, True),
    "a stop on the wrong side": OrderRequest("tradsys-test-order-refused-1", SYMBOL, -1, "stop", 0.01, 60_500.0, True),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_a_venue_will_not_have_is_refused_and_leaves_nothing(on_venue, why):
    async def check(world: VenueWorld) -> None:
        request = REFUSED[why]
        with pytest.raises(OrderRefused):
            await world.venue.place(request)
        assert await world.venue.order(SYMBOL, request.client_id, request.kind) is None
        assert await world.venue.open_orders() == []
        assert await world.held() == 0.0

    on_venue(check)


def test_an_id_that_is_open_never_makes_a_second_order(on_venue):
    """It is refused, or answered with the order that has it."""

    async def check(world: VenueWorld) -> None:
        await world.venue.place(an_order("limit"))
        with contextlib.suppress(OrderRefused):
            assert (await world.venue.place(an_order("limit"))).status == "open"
        assert len(await world.venue.open_orders()) == 1

    on_venue(check)


def test_fills_are_complete_and_in_order_over_pages(on_venue):
    """Twelve round trips; a world may have its venue answer in pages of fewer."""

    async def check(world: VenueWorld) -> None:
        for number in range(12):
            for leg, side in (("in", 1), ("out", -1)):
                request = an_order("market", f"tradsys-test-order-{leg}-{number:06d}", side)
                if world.is_spot and side < 0:
                    request = replace(request, size_base=0.00999)
                await world.venue.place(request)
                await settled(world.venue, request, "filled")
        fills = await world.venue.fills(SYMBOL, 0)
        assert len({fill.trade_id for fill in fills}) == len(fills) == 24
        assert [fill.side for fill in fills] == [1, -1] * 12
        assert sorted(fill.ts_ms for fill in fills) == [fill.ts_ms for fill in fills]
        later = await world.venue.fills(SYMBOL, fills[4].ts_ms)
        assert [fill.trade_id for fill in later] == [f.trade_id for f in fills if f.ts_ms >= fills[4].ts_ms]

    on_venue(check)


def test_money_adds_up(on_venue):
    """Equity is what there was, what was realised and is unrealised, less fees."""

    async def check(world: VenueWorld) -> None:
        before = await world.venue.account()
        request = an_order("market")
        await world.venue.place(request)
        await settled(world.venue, request, "filled")
        await world.move(PRICE + 100)
        fills: list[Fill] = list(await world.venue.fills(SYMBOL, 0))
        paid = sum(fill.fee_quote for fill in fills)
        bought = sum(fill.size_base * fill.price for fill in fills)
        state = await world.venue.account()
        assert paid > 0
        if state.spot is not None:
            assert state.spot.cash_quote == pytest.approx(before.wallet_quote - bought)
            assert paid == pytest.approx(sum(fill.fee_base * fill.price for fill in fills))
            (coin,) = state.spot.coins
            assert coin.size_base == pytest.approx(0.01 - sum(fill.fee_base for fill in fills))
            return
        assert state.wallet_quote == pytest.approx(before.wallet_quote - paid)
        (position,) = state.positions
        assert state.unrealised_quote == pytest.approx(0.01 * position.mark_price - bought)
        assert state.equity_quote == pytest.approx(before.equity_quote - paid + 0.01 * position.mark_price - bought)

    on_venue(check)


def test_rules_of_the_market_are_told_and_an_unknown_one_is_named(on_venue):
    async def check(world: VenueWorld) -> None:
        (market,) = (await world.venue.markets([SYMBOL])).values()
        assert market.symbol == SYMBOL and market.is_trading
        assert 0 < market.tick < 10 and 0 < market.lot < 1 and market.min_notional_quote > 0
        with pytest.raises(VenueRefused):
            await world.venue.markets([SYMBOL, "NOSUCHUSDT"])

    on_venue(check)


def test_mode_says_what_was_set(on_venue):
    async def check(world: VenueWorld) -> None:
        if not world.is_spot:
            await world.venue.set_leverage(SYMBOL, 3.0, "isolated")
        mode = await world.venue.mode([SYMBOL])
        wanted = (None, None) if world.is_spot else (3.0, "isolated")
        assert (mode.leverage[SYMBOL], mode.margin_type[SYMBOL]) == wanted
        assert mode.can_trade and not (mode.is_hedge_mode or mode.is_multi_asset)
        assert 0 <= mode.maker_bps <= mode.taker_bps < 50

    on_venue(check)


def test_a_change_of_the_account_is_hinted_at(on_venue):
    async def check(world: VenueWorld) -> None:
        hints = world.venue.hints([SYMBOL], 60_000)
        first = asyncio.ensure_future(anext(hints))
        await asyncio.sleep(0.5)
        await world.venue.place(an_order("market"))
        hint = await asyncio.wait_for(first, 5)
        assert (hint.about, hint.symbol) == ("account", SYMBOL)
        await hints.aclose()

    on_venue(check)


def a_pair(target: float = PRICE + 500, stop: float = PRICE - 500) -> tuple[OrderRequest, OrderRequest]:
    """A stop and a target of what an entry of 0.01 leaves after its fee."""
    return (
        OrderRequest("tradsys-test-order-stop-00001", SYMBOL, -1, "stop", 0.00999, stop, True),
        OrderRequest("tradsys-test-order-target-0001", SYMBOL, -1, "limit", 0.00999, target, True),
    )


async def paired(world: VenueWorld) -> tuple[OrderRequest, OrderRequest] | None:
    """A bought position with its pair; None on a venue whose orders do not lock what they would sell."""
    rules = (await world.venue.markets([SYMBOL]))[SYMBOL]
    assert rules.sells_lock == world.is_spot
    if not rules.can_pair:
        return None
    assert isinstance(world.venue, PlacesPairs)
    entry, pair = an_order("market"), a_pair()
    await world.venue.place(entry)
    await settled(world.venue, entry, "filled")
    placed = await world.venue.place_pair(*pair)
    assert [(order.client_id, order.kind, order.status) for order in placed] == [
        (pair[0].client_id, "stop", "open"),
        (pair[1].client_id, "limit", "open"),
    ]
    return pair


@pytest.mark.parametrize("way", [-600.0, 600.0])
def test_the_leg_of_a_pair_that_is_met_sells_and_ends_the_other(on_venue, way):
    async def check(world: VenueWorld) -> None:
        pair = await paired(world)
        if pair is None:
            return
        met, other = pair if way < 0 else pair[::-1]
        await world.move(PRICE + way)
        await settled(world.venue, met, "filled")
        await settled(world.venue, other, "expired")
        assert await world.held() == pytest.approx(0.0, abs=1e-9)

    on_venue(check)


def test_who_cancels_one_of_a_pair_cancels_both_and_gets_the_coins_back(on_venue):
    async def check(world: VenueWorld) -> None:
        pair = await paired(world)
        if pair is None:
            return
        exit_ = OrderRequest("tradsys-test-order-exit-00001", SYMBOL, -1, "market", 0.00999, None, True)
        with pytest.raises(OrderRefused):
            await world.venue.place(exit_)
        await world.venue.cancel(SYMBOL, pair[1].client_id, "limit")
        for request in pair:
            await settled(world.venue, request, "cancelled")
        await world.venue.place(replace(exit_, client_id="tradsys-test-order-exit-00002"))
        assert await world.held() == pytest.approx(0.0, abs=1e-9)

    on_venue(check)


@pytest.mark.parametrize(("target", "stop"), [(PRICE - 100, PRICE - 500), (PRICE + 500, PRICE + 100)])
def test_a_pair_that_does_not_lie_around_the_price_is_refused_whole(on_venue, target, stop):
    async def check(world: VenueWorld) -> None:
        pair = await paired(world)
        if pair is None:
            return
        assert isinstance(world.venue, PlacesPairs)
        await world.venue.cancel(SYMBOL, pair[0].client_id, "stop")
        with pytest.raises(OrderRefused):
            await world.venue.place_pair(*a_pair(target, stop))
        assert await world.venue.open_orders() == []

    on_venue(check)
