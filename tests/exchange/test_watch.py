"""The exchange catches a bad client: one that resends what has filled, leaves a position bare, or an order over."""

import pytest
from tests.exchange.building import quiet_exchange
from tests.exchange.timers import HandClock
from tests.exchange.wishes import OrderWish


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def exchange(clock):
    return quiet_exchange(clock)


def market(side: int, size: float, client_id: str = "", *, reduce_only: bool = False) -> OrderWish:
    return OrderWish("BTCUSDT", side, "MARKET", size, None, reduce_only, client_id)


def stop(
    size: float, client_id: str, *, side: int = -1, level: float = 59_000.0, reduce_only: bool = True
) -> OrderWish:
    return OrderWish("BTCUSDT", side, "STOP_MARKET", size, level, reduce_only, client_id)


def bare_ms(exchange) -> int:
    return exchange.report()["unprotected_ms"].get("BTCUSDT", 0)


def test_a_filled_id_that_is_sent_again_is_a_duplicate(exchange):
    for _ in range(2):
        exchange.place(market(1, 0.1, "entry-1"))
    assert exchange.report()["duplicates"] == ["entry-1"]


def test_orders_of_their_own_ids_are_no_duplicates_nor_is_a_stop_that_becomes_an_order(exchange):
    exchange.place(market(1, 0.1, "entry-1"))
    exchange.place(stop(0.1, "stop-1"))
    exchange.move("BTCUSDT", 58_000.0)
    assert exchange.report()["duplicates"] == []


def test_a_bare_position_is_measured_while_it_lasts_and_afterwards(exchange, clock):
    exchange.place(market(1, 0.1))
    clock.ms += 1_500
    assert bare_ms(exchange) == 1_500
    exchange.place(stop(0.1, "stop-1"))
    clock.ms += 60_000
    assert bare_ms(exchange) == 1_500


@pytest.mark.parametrize(
    "wrong",
    [
        stop(0.05, "too-small"),
        stop(0.1, "may-open", reduce_only=False),
        stop(0.1, "wrong-side", side=1, level=61_000.0),
        OrderWish("BTCUSDT", -1, "LIMIT", 0.1, 61_000.0, True, "a-target-is-no-stop"),
    ],
    ids=lambda wish: wish.client_id,
)
def test_what_does_not_close_the_whole_position_is_no_protection(exchange, clock, wrong):
    exchange.place(market(1, 0.1))
    exchange.place(wrong)
    clock.ms += 4_000
    assert bare_ms(exchange) == 4_000


def test_two_stops_protect_together(exchange, clock):
    exchange.place(market(1, 0.1))
    for name in ("one", "two"):
        exchange.place(stop(0.05, name))
    clock.ms += 4_000
    assert bare_ms(exchange) == 0


def test_a_fill_that_outgrows_its_stop_bares_the_position_anew(exchange, clock):
    exchange.place(market(1, 0.1))
    exchange.place(stop(0.1, "stop-1"))
    exchange.place(market(1, 0.1))
    clock.ms += 700
    assert bare_ms(exchange) == 700


def test_a_cancelled_stop_bares_the_position_anew(exchange, clock):
    exchange.place(market(1, 0.1))
    exchange.place(stop(0.1, "stop-1"))
    exchange.cancel("BTCUSDT", client_id="stop-1", is_algo=True)
    clock.ms += 900
    assert bare_ms(exchange) == 900


def test_an_exit_under_way_is_protection(exchange, clock):
    """A triggered stop that fills in parts does not leave the rest bare."""
    exchange.place(market(1, 0.1))
    exchange.place(stop(0.1, "stop-1"))
    exchange.faults.once["partial"] = 1
    exchange.move("BTCUSDT", 58_000.0)
    clock.ms += 50
    assert exchange.report()["positions"] and bare_ms(exchange) == 0


def test_only_time_while_the_bot_is_up_counts(exchange, clock):
    exchange.place(market(1, 0.1))
    clock.ms += 1_000
    exchange.turn(False)
    clock.ms += 3_600_000
    assert bare_ms(exchange) == 1_000
    exchange.turn(True)
    clock.ms += 2_000
    assert bare_ms(exchange) == 2_000


def test_an_order_left_over_is_an_orphan_after_a_grace(exchange, clock):
    exchange.place(market(1, 0.1))
    exchange.place(stop(0.1, "stop-1"))
    exchange.place(market(-1, 0.1, reduce_only=True))
    clock.ms += 5_000
    assert exchange.report()["orphans"] == []
    clock.ms += 1
    assert exchange.report()["orphans"] == ["stop-1"]


def test_an_orphan_stays_on_record_after_it_was_cancelled(exchange, clock):
    exchange.place(stop(0.1, "stop-1"))
    clock.ms += 6_000
    exchange.cancel("BTCUSDT", client_id="stop-1", is_algo=True)
    clock.ms += 6_000
    assert exchange.report()["orphans"] == ["stop-1"]


def test_one_that_was_cancelled_in_time_is_none(exchange, clock):
    exchange.place(stop(0.1, "stop-1"))
    clock.ms += 4_000
    exchange.cancel("BTCUSDT", client_id="stop-1", is_algo=True)
    clock.ms += 60_000
    assert exchange.report()["orphans"] == []


def test_an_order_left_over_while_the_bot_was_down_has_its_grace_from_when_it_is_up(exchange, clock):
    exchange.place(market(1, 0.1))
    exchange.place(stop(0.1, "stop-1"))
    exchange.place(OrderWish("BTCUSDT", -1, "LIMIT", 0.1, 61_000.0, True, "target-1"))
    exchange.turn(False)
    exchange.move("BTCUSDT", 58_000.0)
    clock.ms += 3_600_000
    exchange.turn(True)
    clock.ms += 4_000
    assert exchange.report()["orphans"] == []
    clock.ms += 2_000
    assert exchange.report()["orphans"] == ["target-1"]
