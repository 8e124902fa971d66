"""Counts that are fractions are refused wherever something is counted."""

import numpy as np
import pytest

from tradsys.core.counts import check_counts
from tradsys.core.errors import ConfigError
from tradsys.features.fractional import frac_diff, frac_diff_weights
from tradsys.features.momentum import Macd, Rsi, StandardReturns
from tradsys.labels import (
    BarrierSpec,
    cusum,
    draw_probabilities,
    sequential_bootstrap,
    triple_barrier,
    volatility_expansion,
)
from tradsys.regimes import RegimeModel, RegimeSpec, VolatilityRegimes
from tradsys.splits import CombinatorialPurgedCV, PurgedKFold, WalkForward
from tradsys.verdict import (
    Overlap,
    VerdictSpec,
    model_confidence_set,
    probability_of_backtest_overfitting,
    reliability_bins,
    superior_predictive_ability,
)

LOSSES = np.random.default_rng(0).normal(size=(40, 3))
TIMES = np.arange(10)


def bars():
    from tests.features.markets import ordinary

    return ordinary(100)


COUNTS = {
    "horizon of triple_barrier": lambda n: triple_barrier(bars(), horizon=n),
    "ATR period of triple_barrier": lambda n: triple_barrier(bars(), atr_period=n),
    "horizon of BarrierSpec": lambda n: BarrierSpec(horizon=n),
    "ATR period of cusum": lambda n: cusum(bars(), 1.0, atr_period=n),
    "horizon of volatility_expansion": lambda n: volatility_expansion(bars(), horizon=n),
    "ATR period of volatility_expansion": lambda n: volatility_expansion(bars(), atr_period=n),
    "draws of the sequential bootstrap": lambda n: sequential_bootstrap(
        TIMES, TIMES + 2, n, rng=np.random.default_rng(0)
    ),
    "period of Rsi": lambda n: Rsi(period=n),
    "windows of Macd": lambda n: Macd(fast=n),
    "horizons of StandardReturns": lambda n: StandardReturns((3, n)),
    "states": lambda n: RegimeModel(n_states=n),
    "starts": lambda n: RegimeModel(n_starts=n),
    "window of RegimeSpec": lambda n: RegimeSpec(window=n),
    "window of VolatilityRegimes": lambda n: VolatilityRegimes(window=n),
    "PurgedKFold": lambda n: PurgedKFold(n),
    "CombinatorialPurgedCV": lambda n: CombinatorialPurgedCV(n, 1),
    "test groups": lambda n: CombinatorialPurgedCV(6, n),
    "WalkForward": lambda n: WalkForward(n_splits=n),
    "draws of SPA": lambda n: superior_predictive_ability(LOSSES[:, 0], LOSSES[:, 1:], n_bootstrap=n),
    "draws of the confidence set": lambda n: model_confidence_set(LOSSES, n_bootstrap=n),
    "blocks of PBO": lambda n: probability_of_backtest_overfitting(LOSSES, n),
    "bins": lambda n: reliability_bins(np.full(5, 0.5), np.ones(5), np.ones(5), n_bins=n),
    "horizon of Overlap": lambda n: Overlap(TIMES, 1000, n),
    "trades of a verdict": lambda n: VerdictSpec(min_trades=n),
}


@pytest.mark.parametrize("count", [2.5, 4.0, -3, float("nan"), "5", None])
@pytest.mark.parametrize("door", COUNTS.values(), ids=COUNTS)
def test_what_is_no_count_is_refused(door, count) -> None:
    with pytest.raises(ConfigError):
        door(count)


@pytest.mark.parametrize("count", [3, np.int64(3)])
def test_whole_numbers_of_any_kind_are_counts(count: int) -> None:
    check_counts(n=count)


@pytest.mark.parametrize("count", [True, "3", None, 0])
def test_other_things_are_none(count) -> None:
    with pytest.raises(ConfigError, match="n counts and must be a whole number of at least 1, was"):
        check_counts(n=count)


@pytest.mark.parametrize("drawn", [[10], [-1], [1.5]])
def test_rows_that_are_not_there_cannot_have_been_drawn(drawn) -> None:
    with pytest.raises(ConfigError, match="drawn are rows of the 10 labels"):
        draw_probabilities(TIMES, TIMES + 2, drawn)


@pytest.mark.parametrize(("d", "tau"), [(float("nan"), 1e-4), (float("inf"), 1e-4), (1e9, 1e-4), (0.5, 1e-300)])
def test_weights_without_end_are_refused(d: float, tau: float) -> None:
    with pytest.raises(ConfigError, match="order"):
        frac_diff_weights(d, tau)
    with pytest.raises(ConfigError, match="order"):
        frac_diff(np.ones(50), d, tau)
