"""Symbols of data found among a venue's markets, and numbers in their steps."""

from decimal import Decimal

import pytest

from tradsys.live.venue import OrderRefused, VenueRefused
from tradsys.live.venues.listing import ListedMarket, ListedMarkets, steps_text


def one(market_id, symbol, *, is_trading=True):
    return ListedMarket(market_id, symbol, Decimal("0.1"), Decimal("0.001"), 0.001, 120.0, 5.0, 0.05, is_trading)


def as_it_is(row):
    return row["market"] if isinstance(row, dict) else row


@pytest.fixture
def listings():
    found = ListedMarkets("somewhere")
    found.learn([one("BTCUSDT", "BTC/USDT:USDT"), one("ETHUSDC", "ETH/USDC:USDC"), one("X1", "X/USDT:USDT")], as_it_is)
    return found


def test_a_symbol_of_spot_bars_is_the_linear_perpetual_of_the_same_pair_and_keeps_its_name(listings):
    assert listings.find("BTC/USDT").market_id == "BTCUSDT"
    assert listings.find("BTC/USDT").market("BTC/USDT").symbol == "BTC/USDT"
    assert listings.name("BTCUSDT") == "BTC/USDT"
    assert listings.name("ETHUSDC") == "ETH/USDC:USDC"
    assert listings.name("GONEUSDT") == "GONEUSDT"


def test_the_exact_name_comes_first():
    found = ListedMarkets("somewhere")
    found.learn([one("BTCUSDT", "BTC/USDT:USDT"), one("BTCUSDT-SPOT", "BTC/USDT")], as_it_is)
    assert found.find("BTC/USDT").market_id == "BTCUSDT-SPOT"


def test_a_symbol_that_is_not_there_is_refused_by_name(listings):
    with pytest.raises(VenueRefused, match="somewhere has no market BTC/USDC; did you mean"):
        listings.find("BTC/USDC")


def test_two_markets_of_one_name_are_ambiguous_unless_one_alone_trades():
    found = ListedMarkets("somewhere")
    found.learn([one("A", "A/USDT:USDT"), one("A2", "A/USDT:USDT")], as_it_is)
    with pytest.raises(VenueRefused, match="A/USDT is ambiguous on somewhere: A, A2"):
        found.find("A/USDT")
    found.learn([one("A", "A/USDT:USDT", is_trading=False), one("A2", "A/USDT:USDT")], as_it_is)
    assert found.find("A/USDT").market_id == "A2"


def test_a_market_that_cannot_be_read_is_named_and_keeps_no_other_away():
    found = ListedMarkets("somewhere")
    found.learn([one("BTCUSDT", "BTC/USDT:USDT"), {"symbol": "ODDUSDT"}], as_it_is)
    assert found.find("BTC/USDT").market_id == "BTCUSDT"
    for name in ("ODD/USDT", "ODD/USDT:USDT", "ODDUSDT"):
        with pytest.raises(VenueRefused, match="writes the rules of ODDUSDT in a form that is not known here"):
            found.find(name)
    with pytest.raises(VenueRefused, match="no market whose rules can be read, and 1 others"):
        found.learn([{"symbol": "ODDUSDT"}], as_it_is)


def test_two_names_of_one_market_are_refused(listings):
    listings.find("BTC/USDT")
    with pytest.raises(VenueRefused, match="BTC/USDT and BTC/USDT:USDT are the same market"):
        listings.find("BTC/USDT:USDT")


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [
        (0.1 + 0.2, "0.1", "0.3"),
        (60_000.1, "0.1", "60000.1"),
        (1e-7 * 3, "0.0000001", "0.0000003"),
        (12_000.0, "1E+1", "12000"),
        (123456.789, "0.001", "123456.789"),
    ],
)
def test_numbers_are_written_in_the_venues_own_precision(value, step, text):
    assert steps_text(value, Decimal(step), "a price") == text


@pytest.mark.parametrize("value", [0.0, -0.1, 0.15, float("nan"), float("inf")])
def test_what_is_no_whole_number_of_steps_is_never_rounded(value):
    with pytest.raises(OrderRefused, match=r"a price is a positive whole number of steps of 0\.1"):
        steps_text(value, Decimal("0.1"), "a price")
