"""What a trade's fills add up to, by hand."""

import pytest
from tests.live.execution.test_intents import Noon, begun
from tests.live.execution.world import RULES

from tradsys.live.execution.intent import Intent
from tradsys.live.execution.ledger import TradeSums, sum_fills
from tradsys.live.execution.opening import found
from tradsys.live.venue import Fill, Position

TRADE, ENTRY = begun()


def leg(name: str, why: str = "") -> Intent:
    return Intent(
        f"id-{name}", TRADE.key, "BTCUSDT", name, -1, "market", 0.01, None, True, why, "filled", 0.01, 0, 0, 1, ""
    )


def fill(client_id: str, side: int, size: float, price: float, *, fee: float = 0.1, realised: float = 0.0) -> Fill:
    fill.n += 1
    return Fill(str(fill.n), client_id, "BTCUSDT", side, size, price, fee, realised, False, fill.n)


fill.n = 0


def summed(*fills: Fill, legs: tuple[Intent, ...] = ()) -> TradeSums:
    known = {intent.client_id: intent for intent in (ENTRY, *legs)}
    return sum_fills(TRADE, fills, known, RULES.liquidation_prefixes)


def test_entries_in_parts_have_their_average_and_what_is_open():
    sums = summed(fill(ENTRY.client_id, 1, 0.004, 60_000), fill(ENTRY.client_id, 1, 0.006, 60_100))
    assert sums.entry_price == pytest.approx(60_060) and sums.open_base == pytest.approx(0.01)
    assert sums.exit_reason is None and sums.fees_quote == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        (leg("stop"), "stop"),
        (leg("target"), "target"),
        (leg("exit", "time"), "time"),
        (leg("exit", "stop"), "stop"),
        (leg("exit", "forceexit"), "forced"),
        (leg("exit", "unprotected"), "forced"),
    ],
)
def test_the_reason_is_the_leg_of_the_fill_that_closed(last, reason):
    first = fill("id-target", -1, 0.004, 60_500, realised=2.0)
    sums = summed(
        fill(ENTRY.client_id, 1, 0.01, 60_000), first, fill(last.client_id, -1, 0.006, 59_000, realised=-6.0),
        legs=(leg("target"), last),
    )  # fmt: skip
    assert (sums.exit_reason, sums.open_base) == (reason, 0.0)
    assert sums.realised_quote == pytest.approx(-4.0) and sums.exit_price == pytest.approx(59_600)


@pytest.mark.parametrize(("name", "reason"), [("autoclose-17", "liquidated"), ("web_abc", "unknown")])
def test_an_order_that_is_not_ours_closes_as_far_as_it_goes(name, reason):
    other = fill(name, -1, 0.04, 59_000, fee=0.4, realised=-8.0)
    sums = summed(fill(ENTRY.client_id, 1, 0.01, 60_000), other)
    assert (sums.exit_reason, sums.open_base, sums.closed_base) == (reason, 0.0, 0.01)
    assert sums.fees_quote == pytest.approx(0.1 + 0.1) and sums.realised_quote == pytest.approx(-2.0)


def test_an_order_that_is_not_ours_and_adds_is_not_the_trades():
    sums = summed(fill(ENTRY.client_id, 1, 0.01, 60_000), fill("web_abc", 1, 0.04, 59_000))
    assert sums.open_base == pytest.approx(0.01) and sums.entry_price == 60_000


def test_a_position_that_was_found_begins_with_its_size():
    trade = found(Position("BTCUSDT", -0.02, 61_000, 60_000, 20.0), RULES, Noon().now_ms(), lambda _: None)
    sums = sum_fills(trade, [fill("web", 1, 0.02, 60_500)], {}, ())
    assert (trade.side, trade.stop_distance) == (-1, pytest.approx(1_220))
    assert (sums.opened_base, sums.entry_price, sums.open_base, sums.exit_reason) == (0.02, 61_000, 0.0, "unknown")
