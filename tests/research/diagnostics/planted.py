"""Noise markets whose volume was written by hand: nothing but the planted columns is known of anything."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import polars as pl
from tests.research.markets import market_from

from tradsys.data.simulate import simulate
from tradsys.features.feature_set import FeatureSet
from tradsys.features.momentum import LaggedReturns, Rsi, StandardReturns
from tradsys.models.trees.boosted import Boosted
from tradsys.research.calibration.scenarios import calibration_experiment
from tradsys.research.walk.experiment import run_experiment

N_BARS = 8_000


@dataclass(frozen=True, slots=True)
class Volume:
    """Two columns that say the same: the bar's log volume, and that with a little noise."""

    name: ClassVar[str] = "planted"
    columns: ClassVar[tuple[str, ...]] = ("volume", "volume_again")
    lookback: ClassVar[int] = 1
    is_odd: ClassVar[tuple[bool, ...]] = (False, False)
    is_volatility: ClassVar[tuple[bool, ...]] = (False, False)

    def compute(self, bars: pl.DataFrame) -> np.ndarray:
        value = bars["volume"].log().to_numpy()
        again = value + 0.1 * np.sin(1e4 * bars["close"].to_numpy())
        return np.column_stack([value, again])


def spec_of(features=(StandardReturns(), LaggedReturns(), Rsi()), *, seed=0):
    """The fast experiment with boosted trees, on a few columns and the planted ones."""
    fast = calibration_experiment("fast", seed=seed)
    planted = FeatureSet((*features, Volume()))
    return replace(fast, features=planted, regime_momentum=False, forecasters=(*fast.forecasters, Boosted()))


def outcome_of(spec, *, effect=0.0, level=0.0, seed=0):
    """The experiment on noise; `volume` differs by `effect` sd between a bar's long labels; `level` is added."""
    bars = simulate("noise", seed=seed, n_bars=N_BARS)
    rng = np.random.default_rng(seed)
    label = spec.barriers.label(bars).filter(side=1)
    known = np.full(N_BARS, 0.5)
    known[label["index"].to_numpy()] = label["label"].to_numpy()
    volume = np.exp(rng.standard_normal(N_BARS) + effect * (known - 0.5) + level)
    market = market_from({"X": bars.with_columns(volume=pl.Series(volume))})
    return run_experiment(market, spec)
