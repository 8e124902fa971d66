"""Candles, regimes and trades packed for the price chart."""

import base64
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from tests.report.conftest import changed

from tradsys.report import charts as candles
from tradsys.report.charts import pack_symbols
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import ACTION_OF, BARS, TRADES

KINDS = {"Float32Array": "<f4", "Int32Array": "<i4", "Int8Array": "i1"}


def unpack(packed):
    return np.frombuffer(base64.b64decode(packed["base64"]), KINDS[packed["type"]])


def test_a_trade_lies_on_the_bars_of_its_fills(run):
    (packed,) = pack_symbols(run, ["AUDITED"])
    trades, bars = run.table(TRADES).filter(profile="AUDITED").sort("entry_ts"), run.table(BARS)
    entry, exit_ = (unpack(packed["trades"]["AUDITED"][name]) for name in ("entry", "exit"))
    assert bars["ts"].gather(entry).to_list() == trades["entry_ts"].to_list()
    assert (bars["ts"].gather(exit_) + timedelta(hours=1)).to_list() == trades["exit_ts"].to_list()
    assert np.all(trades["exit_price"].to_numpy() <= bars["high"].gather(exit_).to_numpy())


def test_each_symbol_carries_its_own_trades(make_run):
    run = StoredRun(make_run(800, ("AAA", "BBB")))
    packed = {one["name"]: unpack(one["trades"]["EDGE"]["entry"]) for one in pack_symbols(run, ["EDGE"])}
    counts = dict(run.table(TRADES).filter(profile="EDGE").group_by("symbol").len().iter_rows())
    assert {name: len(entries) for name, entries in packed.items()} == counts


def test_a_bar_is_shaded_by_the_regime_known_when_it_opened(run):
    """A forecast made at the close of bar t shades bar t + 1; nothing is shaded before the first and after the last."""
    ts = run.table(BARS)["ts"]
    forecasts = pl.DataFrame({"symbol": "BTCUSDT", "start": ts.gather([10, 12]), "regime": [2, 0]})
    (packed,) = pack_symbols(changed(run, forecasts=forecasts), [])
    changes = dict(zip(unpack(packed["regime"]["from"]), unpack(packed["regime"]["state"]), strict=True))
    assert changes == {0: -1, 10: 2, 12: 0, 13: -1}


def test_more_bars_than_a_page_carries_are_joined_with_their_extremes(run, monkeypatch):
    monkeypatch.setattr(candles, "MOST_CANDLES", 700)
    (packed,) = pack_symbols(run, ["EDGE"])
    assert packed["merged"] == 3
    bars = run.table(BARS).head(3)
    first = [unpack(packed[name])[0] for name in ("open", "high", "low", "close")]
    assert first == pytest.approx([bars["open"][0], bars["high"].max(), bars["low"].min(), bars["close"][2]])
    n = len(unpack(packed["times"]["steps"]))
    assert n == -(-len(run.table(BARS)) // 3)
    assert unpack(packed["trades"]["EDGE"]["exit"]).max() < n


def test_folds_stand_where_their_test_begins(run):
    (packed,) = pack_symbols(run, [])
    assert [fold["label"] for fold in packed["folds"]] == [f"fold {k}" for k in range(1, 7)]
    assert packed["folds"][0]["index"] == pytest.approx(len(run.table(BARS)) * 0.2, abs=1)


@pytest.mark.parametrize(("scale", "digits"), [(9_000, 2), (1.2, 5), (0.00002, 8)])
def test_cheap_symbols_show_more_decimals(run, scale, digits):
    prices = pl.col("open", "high", "low", "close") / 9_000 * scale
    (packed,) = pack_symbols(changed(run, bars=run.table(BARS).head(5).with_columns(prices)), [])
    assert packed["digits"] == digits


def decided(run, profiles, **actions):
    """Times and sides of each profile's decisions, where three closes have these actions."""
    ts = run.table(BARS)["ts"]
    forecasts = pl.DataFrame({"symbol": "BTCUSDT", "start": ts.gather([10, 11, 12]), **actions})
    (packed,) = pack_symbols(changed(run, forecasts=forecasts), profiles)
    return {name: (list(unpack(one["at"])), list(unpack(one["side"]))) for name, one in packed["decisions"].items()}


def test_each_profile_shows_its_own_decisions_at_the_bars_whose_closes_made_them(run):
    own = {"action": [0, 1, 0], ACTION_OF + "EDGE": [0, 1, 0], ACTION_OF + "AUDITED": [-1, 0, 1]}
    assert decided(run, ["AUDITED", "EDGE"], **own) == {"AUDITED": ([9, 11], [-1, 1]), "EDGE": ([10], [1])}


def test_a_run_that_kept_the_deployed_profiles_decisions_shows_those(run):
    deployed = run.manifest.deployed_profile
    assert decided(run, ["AUDITED", "EDGE"], action=[0, 1, 0]) == {deployed: ([10], [1])}
