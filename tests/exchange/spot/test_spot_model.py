"""The spot exchange's own rules: coins, locks, pairs, fees, and what it holds against a bot."""

import pytest
from tests.exchange.refusals import Refusal
from tests.exchange.spot.books import locked_base
from tests.exchange.spot.model import SpotExchange, quiet_spot
from tests.exchange.timers import HandClock
from tests.exchange.wishes import OrderWish

S, PRICE = "BTCUSDT", 60_000.0


def wish(kind: str, side: int, size: float, level: float | None = None, name: str = "") -> OrderWish:
    return OrderWish(S, side, kind, size, level, side < 0, name)


@pytest.fixture
def exchange() -> SpotExchange:
    return quiet_spot(HandClock(1_000_000))


def paired(exchange: SpotExchange, size: float = 0.00999) -> None:
    exchange.place(wish("MARKET", 1, 0.01, name="entry"))
    exchange.place_pair(
        wish("STOP_LOSS", -1, size, PRICE - 500, "stop"), wish("LIMIT_MAKER", -1, size, PRICE + 500, "target")
    )


def test_a_buyer_pays_his_fee_in_coins_and_a_seller_in_money(exchange):
    exchange.place(wish("MARKET", 1, 0.01))
    assert exchange.state(S).holding.size == pytest.approx(0.00999)
    assert exchange.books.wallet == pytest.approx(10_000 - 600)
    exchange.place(wish("MARKET", -1, 0.00999))
    assert exchange.books.wallet == pytest.approx(9_400 + 0.999 * 0.00999 * PRICE)


def test_the_two_of_a_pair_lock_the_same_coins_and_nobody_sells_them_twice(exchange):
    paired(exchange)
    assert locked_base(exchange.state(S)) == pytest.approx(0.00999)
    with pytest.raises(Refusal, match="insufficient balance"):
        exchange.place(wish("MARKET", -1, 0.001))


@pytest.mark.parametrize(("to", "ended"), [(PRICE + 600, "stop"), (PRICE - 600, "target")])
def test_whatever_fills_one_of_a_pair_ends_the_other(exchange, to, ended):
    paired(exchange)
    exchange.move(S, to)
    statuses = {name: exchange.find(S, client_id=name).status for name in ("stop", "target")}
    assert statuses.pop(ended) == "EXPIRED" and list(statuses.values()) == ["FILLED"]
    assert exchange.state(S).holding.size == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (wish("MARKET", -1, 0.01), "insufficient balance"),
        (wish("MARKET", 1, 1.0), "insufficient balance"),
        (wish("MARKET", 1, 0.00005), "NOTIONAL"),
        (wish("MARKET", 1, 0.010005), "LOT_SIZE"),
        (wish("LIMIT_MAKER", 1, 0.01, PRICE + 1), "immediately match"),
        (wish("STOP_LOSS", 1, 0.01, PRICE - 1), "trigger immediately"),
        (wish("STOP_MARKET", 1, 0.01, PRICE + 1), "type"),
    ],
)
def test_what_binance_refuses_is_refused_in_its_words(exchange, order, why):
    with pytest.raises(Refusal, match=why):
        exchange.place(order)


def test_an_order_of_the_bot_that_sells_somebody_elses_coins_is_held_against_it(exchange):
    exchange.give(S, 1.0)
    exchange.place(wish("MARKET", 1, 0.01, name="ours-1"))
    exchange.place(wish("MARKET", -1, 0.02, name="hand-1"))
    assert exchange.report()["oversold"] == []
    exchange.place(wish("MARKET", -1, 0.02, name="ours-2"))
    assert exchange.report()["oversold"] == ["ours-2"]


def test_bought_coins_without_a_stop_are_bare_and_the_owners_are_not(exchange):
    exchange.give(S, 1.0)
    assert exchange.matching.guarded(exchange.state(S)).size == 0.0
    exchange.place(wish("MARKET", 1, 0.01, name="ours-1"))
    assert exchange.matching.guarded(exchange.state(S)).size == pytest.approx(0.00999)
    assert exchange.watch.bare[S].since_ms is not None
    exchange.place(wish("STOP_LOSS", -1, 0.00999, PRICE - 500, "ours-2"))
    assert exchange.watch.bare[S].since_ms is None
