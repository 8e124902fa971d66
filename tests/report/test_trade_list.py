"""tests `report/trade_list.py`"""

import base64

import numpy as np
import polars as pl
import pytest
from tests.report.conftest import PROFILES, changed

from tradsys.report.trade_list import pack_trades
from tradsys.runs.tables import TRADES

KINDS = {"Float32Array": "<f4", "Float64Array": "<f8", "Int32Array": "<i4", "Int8Array": "<i1"}


def unpack(packed):
    return np.frombuffer(base64.b64decode(packed["base64"]), KINDS[packed["type"]])


def test_trades_come_back_as_they_were(run):
    packed = pack_trades(run, PROFILES)
    trades = run.table(TRADES).sort("entry_ts", maintain_order=True)
    assert packed["n"] == len(trades)
    assert [PROFILES[k] for k in unpack(packed["profile"])] == trades["profile"].to_list()
    assert [packed["reasons"][k] for k in unpack(packed["reason"])] == trades["reason"].to_list()
    assert unpack(packed["entry_price"]).tolist() == trades["entry_price"].to_list()
    assert unpack(packed["exit_ts"]).tolist() == trades["exit_ts"].dt.epoch("s").to_list()
    assert unpack(packed["net_return"]) == pytest.approx(trades["net_return"].to_numpy(), rel=1e-6)


def test_what_is_the_same_for_all_is_given_once_and_what_is_not_known_is_nothing(run):
    trades = run.table(TRADES).with_columns(funding_quote=pl.lit(0.0), borrow_quote=pl.lit(None))
    packed = pack_trades(changed(run, trades=trades), PROFILES)
    assert packed["funding_quote"] == {"constant": 0.0}
    assert np.isnan(unpack(packed["borrow_quote"])).all()


def test_sixteen_thousand_trades_take_little_of_the_page(run):
    trades = run.table(TRADES)
    many = pl.concat([trades] * (16_000 // len(trades) + 1)).head(16_000)
    packed = pack_trades(changed(run, trades=many), PROFILES)
    assert sum(len(one["base64"]) for one in packed.values() if isinstance(one, dict) and "base64" in one) < 1.2e6
