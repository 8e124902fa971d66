"""Equity and drawdown packed for the equity chart."""

import base64
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from tests.labels.hand_made import HOUR_MS, random_bars

from tradsys.backtest.metrics import measure
from tradsys.backtest.simulate import buy_and_hold
from tradsys.core.costs import Costs
from tradsys.report import charts
from tradsys.report.charts import pack_curves


def equity_frame(values, profile="EDGE"):
    ts = pl.datetime_range(
        datetime(2024, 1, 1, tzinfo=UTC), interval="1h", eager=True, end=datetime(2024, 1, 9, tzinfo=UTC)
    )
    return pl.DataFrame({"profile": profile, "ts": ts[: len(values)].cast(pl.Datetime("ms", "UTC")), "equity": values})


def unpack(packed):
    return np.frombuffer(base64.b64decode(packed["base64"]), "<f4")


def test_change_and_drawdown_by_hand():
    (curve,) = pack_curves(equity_frame([100.0, 120.0, 90.0, 150.0]), ["EDGE"])["curves"]
    assert unpack(curve["change"]) == pytest.approx([0, 0.2, -0.1, 0.5])
    assert unpack(curve["drawdown"]) == pytest.approx([0, 0, -0.25, 0])


def test_an_account_starts_with_its_cash_and_not_after_the_first_bars_costs():
    """What the chart says of buy and hold in the end is what its `profit_total` says."""
    bars = random_bars(500, 3)
    held = buy_and_hold({"A": bars}, 0, 500 * HOUR_MS, costs=Costs(taker_bps=50))
    equity = held.equity.select(pl.lit("BUY_AND_HOLD").alias("profile"), "ts", "equity")
    (curve,) = pack_curves(equity, [], cash_quote=held.cash_quote)["curves"]
    measured = measure(held, seed=0)
    assert unpack(curve["change"])[-1] == pytest.approx(measured["profit_total"].value, abs=1e-6)
    assert unpack(curve["drawdown"]).min() == pytest.approx(-measured["max_drawdown_account"].value, abs=1e-6)
    assert unpack(pack_curves(equity, [])["curves"][0]["change"])[0] == 0.0


def test_joined_points_keep_the_deepest_drawdown_and_the_last_change(monkeypatch):
    monkeypatch.setattr(charts, "MOST_POINTS", 2)
    equity = equity_frame([100.0] * 5 + [50.0] + [100.0] * 20)
    (curve,) = pack_curves(equity, ["EDGE"])["curves"]
    assert unpack(curve["drawdown"]) == pytest.approx([-0.5, 0])
    assert unpack(curve["change"]) == pytest.approx([0, 0])


def test_buy_and_hold_comes_last_and_is_marked():
    equity = pl.concat([equity_frame([1.0, 2.0], "BUY_AND_HOLD"), equity_frame([1.0, 1.0])])
    packed = pack_curves(equity, ["EDGE"])["curves"]
    assert [(one["name"], one["is_benchmark"]) for one in packed] == [("EDGE", False), ("BUY_AND_HOLD", True)]


def test_no_equity_is_no_curve():
    assert pack_curves(equity_frame([1.0]).clear(), ["EDGE"])["curves"] == []
