"""Fees paid in another asset than the account counts in: what they are counted at, and that no fill is lost."""

import pytest
from tests.live.venues.recorded import KEY, LOST, ORDER, SECRET, TRADE, Recorded, refused
from tests.live.virtual_time import run_virtual

from tradsys.live.venue import VenueUnknown
from tradsys.live.venues.binance import BinanceFutures
from tradsys.live.venues.ccxt_venue import Keys

S, NOTIONAL = "BTC/USDT", 60_001.5 * 0.01
RATES = {"symbol": "BTCUSDT", "makerCommissionRate": "0.0002", "takerCommissionRate": "0.0004"}
NO_SYMBOL = refused(-1121, "Invalid symbol.")
PAID = TRADE | {"commission": "0.30", "commissionAsset": "XYZ"}


def read(*trades, age_ms=60_000, **replies):
    """Fees of those executions read twice, what was told, and what was sent."""
    told = []
    transport = Recorded(
        fapi__v1__userTrades=list(trades),
        fapi__v1__allAlgoOrders=[],
        fapi__v1__order=ORDER,
        fapi__v1__time={"serverTime": TRADE["time"] + age_ms},
        **{"fapi__v1__commissionRate": RATES, "fapi__v1__klines": NO_SYMBOL} | replies,
    )
    venue = BinanceFutures(keys=Keys(KEY, SECRET), transport=transport, tell=lambda *event: told.append(event))

    async def main(clock):
        first = await venue.fills(S, TRADE["time"])
        assert await venue.fills(S, TRADE["time"]) == first
        return [fill.fee_quote for fill in first]

    return run_virtual(main), told, transport


def test_a_fee_in_an_asset_without_a_price_is_the_accounts_own_rate_and_told_once():
    fees, told, transport = read(PAID, PAID | {"id": 2, "maker": True})
    assert fees == [pytest.approx(NOTIONAL * 0.0004), pytest.approx(NOTIONAL * 0.0002)]
    assert [(kind, fields["what"]) for kind, fields in told] == [("error", f"fees of {S} paid in XYZ")]
    assert "0.04% of what was taken, 0.02% of what was made" in told[0][1]["reason"]
    assert transport.sent("fapi/v1/klines")[0]["symbol"] == "XYZUSDT"
    assert (len(transport.sent("fapi/v1/klines")), len(transport.sent("fapi/v1/commissionRate"))) == (1, 1)


@pytest.mark.parametrize("asset", ["USDC", "BFUSD", "FDUSD"])
def test_a_dollar_without_a_market_counts_as_a_dollar_and_that_is_told_once(asset):
    fees, told, transport = read(PAID | {"commissionAsset": asset})
    assert fees == [0.30]
    assert [fields["what"] for _, fields in told] == [f"fees paid in {asset}"]
    assert "one for one" in told[0][1]["reason"]
    assert not transport.sent("fapi/v1/commissionRate")


def test_a_dollar_with_a_market_counts_at_its_price():
    minute = TRADE["time"] // 60_000 * 60_000
    fees, told, _ = read(
        PAID | {"commissionAsset": "USDC"}, fapi__v1__klines=[[minute, "1", "1", "1", "0.99", "1", minute + 59_999]]
    )
    assert (fees, told) == ([pytest.approx(0.297)], [])


@pytest.mark.parametrize("bars", [[], [[TRADE["time"] + 600_000, "1", "1", "1", "1", "1", 0]]], ids=["none", "later"])
def test_a_price_that_is_not_there_yet_is_waited_for_and_after_minutes_no_more(bars):
    with pytest.raises(VenueUnknown, match="no price of XYZ yet"):
        read(PAID, age_ms=30_000, fapi__v1__klines=bars)
    assert read(PAID, age_ms=300_000, fapi__v1__klines=bars)[0] == [pytest.approx(NOTIONAL * 0.0004)]


def test_a_question_for_the_price_that_was_not_answered_is_unknown():
    with pytest.raises(VenueUnknown, match="connection failed"):
        read(PAID, fapi__v1__klines=LOST)


def test_a_rate_that_is_refused_is_the_one_that_everybody_pays_at_first():
    fees, told, _ = read(PAID, fapi__v1__commissionRate=refused(-2015))
    assert fees == [pytest.approx(NOTIONAL * 0.0005)]
    assert "0.05%" in told[0][1]["reason"]


def test_a_fee_of_nothing_needs_no_price():
    fees, told, transport = read(PAID | {"commission": "0"})
    assert (fees, told, transport.sent("fapi/v1/klines")) == ([0.0], [], [])
