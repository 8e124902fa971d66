"""A predictor assembled from small parts, whose sizes follow forecast volatility."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from tradsys.auditor.auditor import Auditor
from tradsys.core.costs import Costs
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
from tradsys.predictor.valuation import ConfidenceRanks, Valuation, audit_inputs
from tradsys.profiles import ConfidenceAbove, Profile, VolatilityTarget
from tradsys.regimes.markov import RegimeSpec
from tradsys.research.walk.dataset import Dataset

BARRIERS = BarrierSpec(horizon=6)
TAMED = Profile("TAMED", "every bar", ConfidenceAbove(0.0, "probability"), sizing=VolatilityTarget(40.0))


@pytest.fixture(scope="session")
def bars() -> pl.DataFrame:
    return load_bars("simulated:sv-martingale", seed=1).head(3000)


@pytest.fixture(scope="session")
def predictor(bars: pl.DataFrame) -> Predictor:
    return small_predictor(bars, FeatureSet((VolatilityRatios(),)))


def small_predictor(bars: pl.DataFrame, asked: FeatureSet) -> Predictor:
    """One that is fitted on one symbol's bars and reads these features."""
    data = Dataset.build(bars, timedelta(hours=1), BARRIERS, Costs())
    ((symbol, labels),) = data.labels.items()
    frame = data.frames[symbol]
    features, panel = data.panel(asked, (labels.is_labelled,), seed=0)
    expansion, end = volatility_expansion(frame, horizon=BARRIERS.horizon)
    panel = replace(panel, expansion=(expansion,), expansion_end=(end,))
    rows = panel.usable()
    forecaster, timeout = (model.fit(panel, rows, seed=0) for model in (RidgeLogistic(), BaseRate()))
    humble = Calibration(np.zeros(2), np.ones(2))
    valuation = Valuation(humble, humble, TimeExit(), BARRIERS.upper, BARRIERS.lower, Costs(), slippage={"": 1e-4})
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
