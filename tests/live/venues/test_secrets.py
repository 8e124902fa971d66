"""Keys and secrets appear in nothing that a venue says of itself, of its errors, or to a log."""

import base64
import logging
import traceback
from urllib.parse import quote

import pytest
from tests.live.venues.recorded import KEY, LOST, ORDER, SECRET, Recorded, refused
from tests.live.virtual_time import run_virtual

from tradsys.live.venue import OrderRequest
from tradsys.live.venues.binance import BinanceFutures
from tradsys.live.venues.ccxt_venue import Keys

S, ID = "BTC/USDT", "acct-btcusdt-1700000000-e1"
FORMS = [
    form
    for secret in (KEY, SECRET)
    for form in (secret, secret[4:20], quote(secret, safe=""), base64.b64encode(secret.encode()).decode(), repr(secret))
]
ANSWERS = [
    LOST,
    (503, f"<html>{KEY} {SECRET}</html>"),
    refused(-2015, f"Invalid API-key {KEY}, signature {quote(SECRET, safe='')}"),
    refused(-1000, f"{SECRET}"),
    refused(-1021, f"{SECRET}"),
    (429, {"code": -1003, "msg": KEY}),
    (200, {"orderId": KEY, "symbol": SECRET}),
    (200, f'"{SECRET}'),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
def test_no_error_shows_a_secret_however_it_is_printed(answer, caplog):
    caplog.set_level(logging.DEBUG)
    paths = ("fapi__v1__order", "fapi__v1__openOrders", "fapi__v1__openAlgoOrders", "fapi__v1__userTrades")
    venue = BinanceFutures(keys=Keys(KEY, SECRET), transport=Recorded(**dict.fromkeys(paths, answer)))
    asks = (
        lambda: venue.place(OrderRequest(ID, S, 1, "market", 0.01)),
        lambda: venue.order(S, ID, "market"),
        lambda: venue.cancel(S, ID, "market"),
        lambda: venue.open_orders(),
        lambda: venue.fills(S, 0),
    )
    told = [repr(venue), repr(venue.api), repr(Keys(KEY, SECRET)), str(vars(venue)), repr(vars(venue.api)["_keys"])]

    async def main(clock):
        for question in asks:
            venue.api.restraint.silent_until = 0.0
            try:
                await question()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is printed
                told.append("".join(traceback.format_exception(error)))
                told.append(repr(error))
                told.append(repr((error.__cause__, error.__context__)))

    run_virtual(main)
    assert len(told) > 5
    shown = "\n".join([*told, caplog.text])
    assert not [form for form in FORMS if form in shown]


def test_a_right_answer_leaves_no_trace_in_a_debug_log(caplog):
    caplog.set_level(logging.DEBUG)
    transport = Recorded(fapi__v1__order=ORDER)
    venue = BinanceFutures(keys=Keys(KEY, SECRET), transport=transport)
    run_virtual(lambda clock: venue.place(OrderRequest(ID, S, 1, "market", 0.01)))
    assert transport.asked[-1][3]["X-MBX-APIKEY"] == KEY
    assert "signature" in transport.asked[-1][2]
    assert KEY not in caplog.text and transport.asked[-1][2]["signature"] not in caplog.text
