"""A predictor whose sizes follow forecast volatility."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tradsys.core.errors import ConfigError
from tradsys.labels.pace import ATR_MEMORY
from tradsys.predictor import Predictor


def test_sizes_follow_the_volatility_that_comes(bars: pl.DataFrame, predictor: Predictor) -> None:
    decided = predictor.decide_many(bars).with_row_index()
    entered = decided.filter((pl.col("action") != 0) & (pl.col("index") < 2990))
    moved = np.array([np.log(bars["high"][t + 1] / bars["low"][t + 1]) for t in entered["index"]])
    size = entered["size"].to_numpy()
    assert len(entered) > 2000
    assert 0 < size.min() < 0.5
    assert size.max() == 1.0
    assert moved[size < np.quantile(size, 0.25)].mean() > 1.5 * moved[size >= np.quantile(size, 0.75)].mean()


def test_the_volatility_forecast_knows_more_than_the_average_range(bars: pl.DataFrame, predictor: Predictor) -> None:
    said = predictor.forecast(bars)
    rows = np.flatnonzero(said.is_ready)[: -predictor.barriers.horizon]
    ranges = np.log(bars["high"].to_numpy() / bars["low"].to_numpy()) ** 2
    came = 0.5 * np.log([ranges[t + 1 : t + 1 + predictor.barriers.horizon].mean() for t in rows])
    pace = np.log(said.atr / bars["close"].to_numpy())[rows]
    assert said.volatility is not None
    told = np.log(said.volatility)[rows]
    assert np.corrcoef(told - pace, came - pace)[0, 1] > 0.5
    assert (came - told).std() < 0.9 * (came - pace).std()


def test_the_last_bar_gets_the_same_size_from_the_history_it_needs(bars: pl.DataFrame, predictor: Predictor) -> None:
    tail = bars.tail(max(predictor.lookback, ATR_MEMORY * 14))
    assert predictor.decide(tail).size == pytest.approx(predictor.decide_many(bars)["size"][-1], rel=1e-6)


def test_a_bundle_keeps_the_forecast_of_volatility(bars: pl.DataFrame, predictor: Predictor, tmp_path: Path) -> None:
    predictor.save(tmp_path / "bundle")
    again = Predictor.load(tmp_path / "bundle")
    ours, theirs = (one.decide_many(bars).drop("bundle_hash") for one in (again, predictor))
    assert ours.equals(theirs)
    assert again.profile == predictor.profile


def test_a_predictor_without_it_cannot_size_by_it(bars: pl.DataFrame, predictor: Predictor, tmp_path: Path) -> None:
    plain = replace(predictor, volatility=None)
    with pytest.raises(ConfigError, match="this predictor forecasts none"):
        plain.decide_many(bars)
    plain.save(tmp_path / "plain")
    assert not list((tmp_path / "plain").glob("volatility.*"))
    assert Predictor.load(tmp_path / "plain").volatility is None
