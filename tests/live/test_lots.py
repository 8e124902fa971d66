"""First in, first out: against a hand calculation, and nothing of fees, funding or result gained or lost on the way."""

import csv
import io
import random

import pytest

from tradsys.live.lots import first_in_first_out, lots_csv
from tradsys.live.venue import Fill, FundingPayment


def fill(number, side, size, price, fee=0.0, symbol="BTC"):
    return Fill(str(number), f"id-{number}", symbol, side, size, price, fee, 0.0, False, number * 1_000)


def payment(number, paid, symbol="BTC"):
    return FundingPayment(str(number), symbol, paid, number * 1_000)


def test_by_hand():
    """Buy 2 at 100 and 1 at 110, sell 2.5 at 120, and 1.5 more, which turns it."""
    fills = [fill(1, 1, 2, 100, 2), fill(2, 1, 1, 110, 1), fill(4, -1, 2.5, 120, 5), fill(5, -1, 1.5, 130, 3)]
    lots = first_in_first_out(fills, [payment(3, 6.0)])
    found = [(lot.side, lot.size_base, lot.opened_by, lot.closed_by, lot.fees_quote, lot.funding_quote) for lot in lots]
    assert found == [
        ("long", 2, "1", "4", 2 + 4, 4.0),
        ("long", 0.5, "2", "4", 0.5 + 1, 1.0),
        ("long", 0.5, "2", "5", 0.5 + 1, 1.0),
        ("short", 1, "5", None, 2, 0.0),
    ]
    assert [lot.gross_quote for lot in lots] == [40, 5, 10, 0]
    assert [lot.net_quote for lot in lots] == [30, 2.5, 7.5, -2]


def test_a_short_earns_what_the_price_falls():
    (lot,) = first_in_first_out([fill(1, -1, 2, 100), fill(2, 1, 2, 90)])
    assert (lot.side, lot.gross_quote) == ("short", 20)


def test_symbols_are_kept_apart_and_open_lots_come_last():
    lots = first_in_first_out([fill(1, 1, 1, 10), fill(2, -1, 1, 20, symbol="ETH"), fill(3, 1, 1, 15, symbol="ETH")])
    assert [(lot.symbol, lot.closed_by) for lot in lots] == [("ETH", "3"), ("BTC", None)]


def test_funding_at_the_moment_of_a_fill_concerns_who_held_before():
    lots = first_in_first_out([fill(1, 1, 1, 10), fill(2, -1, 1, 10)], [payment(1, 5.0), payment(2, 3.0)])
    assert [lot.funding_quote for lot in lots] == [3.0]


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_gained_or_lost_on_the_way(seed):
    draw = random.Random(seed)
    fills = [
        fill(n, draw.choice([-1, 1]), draw.randint(1, 9) / 8, draw.uniform(90, 110), draw.random())
        for n in range(1, 60)
    ]
    payments = [payment(n + 0.5, draw.uniform(-1, 1)) for n in range(1, 59)]
    lots = first_in_first_out(fills, payments)
    still = sum(one.side * one.size_base for one in fills)
    cash = -sum(one.side * one.size_base * one.price for one in fills)
    held = [lot for lot in lots if lot.closed_by is None]
    signs = {"long": 1, "short": -1}
    assert sum(signs[lot.side] * lot.size_base for lot in held) == pytest.approx(still)
    assert sum(lot.gross_quote for lot in lots) == pytest.approx(
        cash + sum(signs[lot.side] * lot.size_base * lot.opened_price for lot in held)
    )
    assert sum(lot.fees_quote for lot in lots) == pytest.approx(sum(one.fee_quote for one in fills))


def test_the_file_has_a_line_a_lot():
    rows = list(csv.DictReader(io.StringIO(lots_csv(first_in_first_out([fill(1, 1, 2, 100, 2), fill(2, -1, 1, 120)])))))
    assert [row["net_quote"] for row in rows] == ["19.0", "-1.0"]
    assert [row["closed"] for row in rows] == ["1970-01-01 00:00:02", ""]


def test_a_fee_taken_in_coins_was_never_held_and_is_paid_by_who_bought():
    """Buy 2 less a fee of 0.1, sell 1.5 of the 1.9: what is left has paid its part."""
    bought = Fill("1", "id-1", "BTC", 1, 2.0, 100.0, 10.0, None, False, 1_000, 0.1)
    sold = Fill("2", "id-2", "BTC", -1, 1.5, 120.0, 3.0, None, False, 2_000)
    closed, left = first_in_first_out([bought, sold])
    assert (closed.size_base, closed.gross_quote) == (1.5, pytest.approx(30.0))
    assert closed.fees_quote == pytest.approx(10 * 1.5 / 1.9 + 3)
    assert (left.size_base, left.fees_quote) == (pytest.approx(0.4), pytest.approx(10 * 0.4 / 1.9))
