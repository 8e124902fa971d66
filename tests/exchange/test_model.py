"""The exchange's arithmetic, against calculations by hand."""

import pytest
from tests.exchange.building import quiet_exchange, taped_exchange
from tests.exchange.model import EIGHT_HOURS_MS
from tests.exchange.refusals import Refusal
from tests.exchange.rules import decimals, usual_rules
from tests.exchange.tape import TapeBar
from tests.exchange.timers import HandClock
from tests.exchange.wishes import OrderWish


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def exchange(clock):
    return quiet_exchange(clock)


def buy(size: float, client_id: str = "", **more: object) -> OrderWish:
    return OrderWish("BTCUSDT", 1, more.pop("type", "MARKET"), size, client_id=client_id, **more)


def sell(size: float, client_id: str = "", **more: object) -> OrderWish:
    return OrderWish("BTCUSDT", -1, more.pop("type", "MARKET"), size, client_id=client_id, **more)


class TestFills:
    def test_a_market_order_takes_the_price_and_pays_the_takers_fee(self, exchange):
        order = exchange.place(buy(0.1))
        assert (order.status, order.filled, order.average) == ("FILLED", 0.1, 60_000.0)
        assert exchange.books.wallet == pytest.approx(10_000 - 0.1 * 60_000 * 0.0005)

    def test_a_round_trip_earns_the_difference_less_two_fees(self, exchange):
        exchange.place(buy(0.1))
        exchange.move("BTCUSDT", 61_000.0)
        exchange.place(sell(0.1, reduce_only=True))
        assert exchange.books.wallet == pytest.approx(10_000 + 100 - 3.0 - 3.05)
        assert exchange.report()["positions"] == {}

    def test_a_short_that_is_turned_realises_what_was_held_and_enters_anew(self, exchange):
        exchange.place(sell(0.1))
        exchange.move("BTCUSDT", 59_000.0)
        exchange.place(buy(0.3))
        held = exchange.symbols["BTCUSDT"].holding
        assert (held.size, held.entry) == (0.2, 59_000.0)
        assert [e.realised for e in exchange.executions("BTCUSDT")] == [0.0, pytest.approx(100.0)]

    def test_a_limit_waits_and_fills_at_its_own_price_as_maker(self, exchange):
        order = exchange.place(buy(0.1, type="LIMIT", level=59_500.0))
        assert order.status == "NEW"
        exchange.move("BTCUSDT", 59_400.0)
        (done,) = exchange.executions("BTCUSDT")
        assert (done.price, done.is_maker, done.fee) == (59_500.0, True, pytest.approx(59_500 * 0.1 * 0.0002))

    @pytest.mark.parametrize("reduces", [True, False])
    def test_a_touch_fills_what_only_reduces_and_not_what_opens(self, exchange, reduces):
        exchange.place(sell(0.2))
        order = exchange.place(buy(0.1, type="LIMIT", level=59_500.0, reduce_only=reduces))
        exchange.move("BTCUSDT", 59_500.0)
        assert order.status == ("FILLED" if reduces else "NEW")
        exchange.move("BTCUSDT", 59_499.9)
        assert (order.status, order.average) == ("FILLED", 59_500.0)

    def test_a_limit_beyond_the_price_fills_at_once_as_taker(self, exchange):
        exchange.place(buy(0.1, type="LIMIT", level=60_100.0))
        (done,) = exchange.executions("BTCUSDT")
        assert (done.price, done.is_maker) == (60_000.0, False)

    def test_a_limit_that_must_not_take_expires(self, exchange):
        order = exchange.place(buy(0.1, type="LIMIT", level=60_100.0, time_in_force="GTX"))
        assert order.status == "EXPIRED"

    def test_a_stop_fills_at_its_trigger_on_the_way_and_at_the_open_after_a_gap(self, exchange):
        for is_gap, price in ((False, 59_700.0), (True, 59_000.0)):
            exchange.move("BTCUSDT", 60_000.0)
            exchange.place(buy(0.1))
            exchange.place(sell(0.1, "stop-1", type="STOP_MARKET", level=59_700.0, reduce_only=True))
            exchange.move("BTCUSDT", 59_000.0, is_gap=is_gap)
            assert exchange.executions("BTCUSDT")[-1].price == price
            assert exchange.report()["positions"] == {}

    def test_what_lies_on_the_way_is_reached_in_order(self, exchange):
        exchange.place(buy(0.1))
        exchange.place(sell(0.1, "far", type="STOP_MARKET", level=58_000.0, reduce_only=True))
        exchange.place(sell(0.1, "near", type="STOP_MARKET", level=59_000.0, reduce_only=True))
        exchange.move("BTCUSDT", 57_000.0)
        assert exchange.find("BTCUSDT", client_id="near", is_algo=True).child.status == "FILLED"
        assert exchange.find("BTCUSDT", client_id="far", is_algo=True).child.status == "EXPIRED"
        assert exchange.executions("BTCUSDT")[-1].price == 59_000.0

    def test_a_reducing_order_never_turns_the_position(self, exchange):
        exchange.place(buy(0.1))
        order = exchange.place(sell(0.3, reduce_only=True))
        assert (order.status, order.filled) == ("EXPIRED", 0.1)
        assert exchange.report()["positions"] == {}

    def test_parts_come_some_tenths_of_a_second_apart(self, exchange, clock):
        exchange.faults.once["partial"] = 1
        order = exchange.place(buy(1.0))
        assert order.status == "PARTIALLY_FILLED"
        clock.ms += 700
        exchange.advance()
        times = [e.ts_ms for e in exchange.executions("BTCUSDT")]
        assert order.status == "FILLED" and len(times) == 2 and 100 <= times[1] - times[0] <= 600

    def test_a_limit_that_filled_in_part_keeps_the_rest_when_the_price_has_gone(self, exchange, clock):
        order = exchange.place(buy(1.0, type="LIMIT", level=59_500.0))
        exchange.faults.once["partial"] = 1
        exchange.move("BTCUSDT", 59_499.0)
        exchange.move("BTCUSDT", 60_000.0)
        clock.ms += 10_000
        exchange.advance()
        assert order.status == "PARTIALLY_FILLED"
        exchange.move("BTCUSDT", 59_000.0)
        assert order.status == "FILLED"


class TestMoney:
    def test_a_long_position_pays_a_positive_rate_at_the_settlement(self, exchange, clock):
        exchange.place(buy(0.1))
        before = exchange.books.wallet
        clock.ms = (clock.ms // EIGHT_HOURS_MS + 1) * EIGHT_HOURS_MS
        assert exchange.account()["wallet"] == pytest.approx(before - 0.1 * 60_000 * 0.0001)
        assert [i.ts_ms for i in exchange.income(0, "FUNDING_FEE")] == [clock.ms]

    def test_a_short_position_receives_it(self, exchange, clock):
        exchange.place(sell(0.1))
        clock.ms += 3 * EIGHT_HOURS_MS
        assert sum(i.amount for i in exchange.income(0, "FUNDING_FEE")) == pytest.approx(3 * 0.6)

    def test_the_wallet_is_what_it_began_with_and_the_sum_of_the_income(self, exchange, clock):
        for price in (60_500.0, 59_900.0, 61_000.0):
            exchange.place(buy(0.05))
            exchange.move("BTCUSDT", price)
            exchange.place(sell(0.08))
            clock.ms += EIGHT_HOURS_MS
        assert exchange.account()["wallet"] == pytest.approx(10_000 + sum(i.amount for i in exchange.income()))

    def test_available_is_equity_less_initial_margin(self, exchange):
        exchange.place(buy(0.1))
        exchange.move("BTCUSDT", 61_000.0)
        money = exchange.account()
        assert money["unrealised"] == pytest.approx(100.0)
        assert money["available"] == pytest.approx(10_000 - 3.0 + 100 - 6_100 / 20)

    def test_an_isolated_long_is_liquidated_where_its_margin_meets_the_maintenance(self, exchange):
        """Entry 60000 at leverage 20: margin 3000 a coin; 57000 / (1 - 0.004) is where it is gone."""
        exchange.set_mode("BTCUSDT", margin_type="isolated")
        exchange.place(buy(0.1))
        state = exchange.symbols["BTCUSDT"]
        assert exchange.books.liquidation_price(state, [state]) == pytest.approx(57_000 / 0.996)
        exchange.move("BTCUSDT", 57_000.0)
        assert exchange.report()["positions"] == {}
        done = exchange.executions("BTCUSDT")[-1]
        assert done.client_id.startswith("autoclose-")
        assert done.price == pytest.approx(57_000 / 0.996)

    def test_a_cross_short_has_the_whole_wallet_behind_it(self, exchange):
        exchange.place(sell(1.0))
        state = exchange.symbols["BTCUSDT"]
        assert exchange.books.liquidation_price(state, [state]) == pytest.approx((60_000 + 10_000 - 30) / 1.004)

    def test_a_wallet_never_falls_below_zero(self, exchange):
        exchange.place(buy(3.0))
        exchange.move("BTCUSDT", 40_000.0, is_gap=True)
        assert exchange.account()["wallet"] == pytest.approx(0.0, abs=1e-9)


REFUSED = {
    -1121: OrderWish("NOPE", 1, "MARKET", 0.1),
    -1111: buy(0.0015),
    -4003: buy(0.0),
    -4005: buy(121.0),
    -4014: buy(0.1, type="LIMIT", level=60_000.05),
    -4164: buy(0.001, type="LIMIT", level=4_000.0),
    -4016: buy(0.1, type="LIMIT", level=63_000.1),
    -4024: sell(0.1, type="LIMIT", level=56_999.9),
    -2022: sell(0.1, reduce_only=True),
    -2021: sell(0.1, type="STOP_MARKET", level=60_000.0, reduce_only=True),
    -2019: buy(4.0),
    -4015: buy(0.1, "an id with spaces"),
    -1102: buy(0.1, type="ICEBERG"),
}


class TestRefusals:
    @pytest.mark.parametrize("code", REFUSED)
    def test_each_filter_says_no_with_its_code_and_changes_nothing(self, exchange, code):
        with pytest.raises(Refusal) as refused:
            exchange.place(REFUSED[code])
        assert refused.value.code == code
        assert exchange.report()["open"] == [] and exchange.executions("BTCUSDT") == []

    def test_an_id_is_refused_while_it_is_open_and_taken_again_when_it_has_filled(self, exchange):
        wish = buy(0.1, "same", type="LIMIT", level=59_500.0)
        exchange.place(wish)
        with pytest.raises(Refusal, match="-4116"):
            exchange.place(wish)
        exchange.move("BTCUSDT", 59_000.0)
        exchange.place(wish)
        assert exchange.report()["duplicates"] == ["same"]

    def test_open_orders_have_a_limit_and_stops_one_of_their_own(self, exchange):
        for number in range(10):
            exchange.place(sell(0.1, f"stop-{number}", type="STOP_MARKET", level=59_000.0, reduce_only=True))
        with pytest.raises(Refusal, match="-4045"):
            exchange.place(sell(0.1, "stop-11", type="STOP_MARKET", level=59_000.0, reduce_only=True))
        for number in range(200):
            exchange.place(buy(0.001, f"limit-{number}", type="LIMIT", level=58_000.0))
        with pytest.raises(Refusal, match="-2025"):
            exchange.place(buy(0.001, "limit-200", type="LIMIT", level=58_000.0))

    def test_too_many_orders_a_minute_are_limited_until_a_minute_has_passed(self, exchange, clock):
        exchange.max_orders_a_minute = 2
        exchange.place(buy(0.1))
        exchange.place(buy(0.1))
        with pytest.raises(Refusal, match="-1015"):
            exchange.place(buy(0.1))
        clock.ms += 60_000
        exchange.place(buy(0.1))

    def test_cancelling_is_refused_once_the_order_is_not_open(self, exchange):
        exchange.place(buy(0.1, "one", type="LIMIT", level=59_500.0))
        assert exchange.cancel("BTCUSDT", client_id="one").status == "CANCELED"
        for name in ("one", "never-placed"):
            with pytest.raises(Refusal, match="-2011"):
                exchange.cancel("BTCUSDT", client_id=name)

    def test_an_unknown_id_is_a_refusal_of_its_own(self, exchange):
        with pytest.raises(Refusal, match="-2013"):
            exchange.find("BTCUSDT", client_id="never-placed")

    def test_what_never_filled_is_forgotten_after_three_days(self, exchange, clock):
        exchange.place(buy(0.1, "filled"))
        exchange.place(buy(0.1, "not", type="LIMIT", level=59_500.0))
        exchange.cancel("BTCUSDT", client_id="not")
        clock.ms += 4 * 24 * 3_600_000
        assert exchange.find("BTCUSDT", client_id="filled").status == "FILLED"
        with pytest.raises(Refusal, match="-2013"):
            exchange.find("BTCUSDT", client_id="not")

    def test_margin_type_stays_while_something_is_open(self, exchange):
        exchange.place(buy(0.1))
        with pytest.raises(Refusal, match="-4047"):
            exchange.set_mode("BTCUSDT", margin_type="isolated")

    def test_a_delisted_symbol_settles_what_is_held_and_takes_no_order(self, exchange):
        exchange.place(buy(0.1))
        exchange.place(sell(0.1, "stop-1", type="STOP_MARKET", level=59_000.0, reduce_only=True))
        exchange.delist("BTCUSDT")
        assert exchange.report()["open"] == [] and exchange.report()["positions"] == {}
        with pytest.raises(Refusal, match="-4108"):
            exchange.place(buy(0.1))


def test_steps_have_as_many_decimals_as_they_show():
    assert [decimals(step) for step in (1.0, 0.1, 0.001, 0.00001, 0.05)] == [0, 1, 3, 5, 2]


@pytest.mark.parametrize("price", [60_000.0, 1_800.0, 12.5, 0.07])
def test_usual_rules_let_a_modest_order_pass(price):
    rules = usual_rules("XUSDT", price)
    size = rules.to_size(round(100 / price / rules.lot) * rules.lot)
    rules.check_size(size, is_market=True)
    rules.check_price(rules.to_price(price))
    assert size * price > rules.min_notional


def test_a_tape_is_rounded_to_a_tick_of_its_sixth_digit(clock):
    bars = [TapeBar(clock.ms - 60_000 * k, 43_443.0625, 43_500.26, 43_400.0, 43_499.99, 1.0) for k in (2, 1)]
    exchange = taped_exchange(clock, {"BTCUSDT": bars}, interval_ms=60_000)
    assert exchange.symbols["BTCUSDT"].rules.tick == pytest.approx(0.1)
    (first, _) = exchange.klines("BTCUSDT")
    assert first[1:5] == (43_443.1, 43_500.3, 43_400.0, 43_500.0)
