"""A predictor whose sizes follow forecast volatility, assembled from small parts."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tradsys.auditor.auditor import Auditor
from tradsys.core.costs import Costs
from tradsys.core.errors import ConfigError
from tradsys.data import load_bars
from tradsys.features import FeatureSet
from tradsys.features.volatility import VolatilityRatios
from tradsys.labels import BarrierSpec, volatility_expansion
from tradsys.models.calibration import Calibration
from tradsys.models.linear.baselines import BaseRate
from tradsys.models.linear.logistic import RidgeLogistic
from tradsys.models.linear.volatility_agent import VolatilityAgent
from tradsys.models.pooling.combination import SingleForecaster
from tradsys.predictor import Predictor
from tradsys.predictor.economics import TimeExit
from tradsys.predictor.predictor import ATR_MEMORY
from tradsys.predictor.valuation import ConfidenceRanks, Valuation, audit_inputs
from tradsys.profiles import ConfidenceAbove, Profile, VolatilityTarget
from tradsys.regimes.markov import RegimeSpec
from tradsys.research.walk.dataset import Dataset

BARRIERS = BarrierSpec(horizon=6)
TAMED = Profile("TAMED", "every bar", ConfidenceAbove(0.0, "probability"), sizing=VolatilityTarget(40.0))


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return load_bars("simulated:sv-martingale", seed=1).head(3000)


@pytest.fixture(scope="module")
def predictor(bars: pl.DataFrame) -> Predictor:
    data = Dataset.build(bars, timedelta(hours=1), BARRIERS, Costs())
    ((symbol, labels),) = data.labels.items()
    frame = data.frames[symbol]
    features, panel = data.panel(FeatureSet((VolatilityRatios(),)), (labels.is_labelled,), seed=0)
    expansion, end = volatility_expansion(frame, horizon=BARRIERS.horizon)
    panel = replace(panel, expansion=(expansion,), expansion_end=(end,))
    rows = panel.usable()
    forecaster, timeout = (model.fit(panel, rows, seed=0) for model in (RidgeLogistic(), BaseRate()))
    humble = Calibration(np.zeros(2), np.ones(2))
    valuation = Valuation(humble, humble, TimeExit(), BARRIERS.upper, BARRIERS.lower, Costs())
    regimes = RegimeSpec(n_starts=1).fit([frame], seed=0)
    X, regime = panel.X[0][rows[0]], regimes.filter(frame)[rows[0]]
    judged = valuation.value(forecaster.logits(X), timeout.logits(X), labels.atr_over_price[rows[0]])
    auditor = Auditor().fit(
        audit_inputs(X, forecaster.logits(X), judged, regime),
        panel.y[0][rows[0], 0],
        panel.weight[0][rows[0], 0],
        panel.start[0][rows[0]],
        panel.end[0][rows[0], 0],
        seed=0,
    )
    ranks = ConfidenceRanks.fit(judged.confidence)
    volatility = VolatilityAgent().fit(panel, rows, seed=0)
    parts = (
        features,
        {"logistic": forecaster},
        SingleForecaster("logistic"),
        timeout,
        valuation,
        ranks,
        regimes,
        auditor,
        BARRIERS,
        TAMED,
        volatility,
    )
    return Predictor(timedelta(hours=1), *parts)


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
    rows = np.flatnonzero(said.is_ready)[: -BARRIERS.horizon]
    ranges = np.log(bars["high"].to_numpy() / bars["low"].to_numpy()) ** 2
    came = 0.5 * np.log([ranges[t + 1 : t + 1 + BARRIERS.horizon].mean() for t in rows])
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
    assert again.decide_many(bars).equals(predictor.decide_many(bars))
    assert again.profile == TAMED


def test_a_predictor_without_it_cannot_size_by_it(bars: pl.DataFrame, predictor: Predictor, tmp_path: Path) -> None:
    plain = replace(predictor, volatility=None)
    with pytest.raises(ConfigError, match="this predictor forecasts none"):
        plain.decide_many(bars)
    plain.save(tmp_path / "plain")
    assert not list((tmp_path / "plain").glob("volatility.*"))
    assert Predictor.load(tmp_path / "plain").volatility is None
