"""A stored run decided again: any profile on the forecasts that it kept, without fitting anything."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np
import polars as pl

from tradsys.backtest.simulate import Simulation
from tradsys.core.atr import wilder_atr
from tradsys.core.bars import split_symbols, to_arrays
from tradsys.core.errors import DataError
from tradsys.core.time import infer_interval, interval_ms, to_ms, ts_ms
from tradsys.profiles.catalogue import profile_named
from tradsys.profiles.forecast import Forecasts
from tradsys.profiles.profile import Profile
from tradsys.research.judging.trials import Tried
from tradsys.research.ranking.market_neutral import market_neutral_from
from tradsys.research.walk.experiment import profile_decisions, simulate_decisions
from tradsys.research.walk.experiment_spec import Experiment, experiment_from
from tradsys.runs.manifest import Kind
from tradsys.runs.stored import StoredRun
from tradsys.runs.tables import BARS, FORECASTS, MACRO_STATES
from tradsys.settings.config import RunConfig

_TRIED: Mapping[Kind, Callable[["Replay"], Tried]] = {
    "experiment": lambda run: run.spec,
    "ranks": lambda run: market_neutral_from(run.config),
}
"""What a run of each kind tried, from the settings that are stored with it."""


@dataclass(frozen=True)
class Replay(StoredRun):
    """A stored run with its settings as objects: its forecasts, and any profile simulated on them again."""

    @cached_property
    def config(self) -> RunConfig:
        """The settings that the run was made with."""
        return RunConfig(**self.manifest.config)

    @cached_property
    def tried(self) -> Tried:
        """What was tried and how it is judged, whichever procedure made the run."""
        return _TRIED[self.kind](self)

    @cached_property
    def spec(self) -> Experiment:
        """The experiment; a DataError where the run was none."""
        if self.kind != "experiment":
            raise DataError(
                f"{self.name} ranked symbols and made no forecasts, which this needs; name a run of tradsys "
                "run, or look at this one with tradsys compare"
            )
        n_symbols = len(self.metrics.market.symbols)  # those that are listed in the lock-box alone included
        return experiment_from(self.config, n_symbols=n_symbols, sides=self.manifest.sides)

    @cached_property
    def frames(self) -> dict[str, pl.DataFrame]:
        """Bars a symbol."""
        return split_symbols(self.table(BARS))

    @property
    def interval(self) -> timedelta:
        """Of the bars."""
        return infer_interval(next(iter(self.frames.values())))

    @property
    def span(self) -> tuple[int, int]:
        """When the first test block opens and the last bar has closed, ms."""
        opens = min(to_ms(fold.test_from) for fold in self.metrics.folds)
        return opens, max(int(ts_ms(frame)[-1]) for frame in self.frames.values()) + interval_ms(self.interval)

    def profile(self, name: str | None = None) -> Profile:
        """The profile of that name, or the deployed one, read as the run read it."""
        return profile_named(name or self.spec.deployed, self.spec.profiles)

    def forecasts(self) -> dict[str, Forecasts]:
        """What was known at each decision, a symbol."""
        stored = self.table(FORECASTS)
        return {
            symbol: self._forecasts(stored.filter(pl.col("symbol") == symbol), frame)
            for symbol, frame in self.frames.items()
        }

    def _forecasts(self, stored: pl.DataFrame, bars: pl.DataFrame) -> Forecasts:
        sides = [stored.filter(pl.col("side") == side) for side in (1, -1)]
        start = sides[0]["start"].dt.epoch("ms").to_numpy()
        arrays = to_arrays(bars)
        rows = np.searchsorted(arrays.ts + interval_ms(self.interval), start)
        regimes = [name for name in stored.columns if name.startswith("regime_")]
        states = [name for name in MACRO_STATES if stored[name].null_count() < len(stored)]
        audited = [one["audit"].to_numpy().astype(np.float64) for one in sides]
        return Forecasts(
            start=start,
            probability=np.column_stack([one["probability"] for one in sides]),
            expected_net=np.column_stack([one["expected_net"] for one in sides]),
            best_side=np.isnan(audited[0]).astype(np.int64),
            rank=np.column_stack([one["rank"] for one in sides]),
            regime=sides[0].select(regimes).to_numpy(),
            audit=np.where(np.isnan(audited[0]), audited[1], audited[0]),
            atr=wilder_atr(arrays.high, arrays.low, arrays.close, self.spec.barriers.atr_period)[rows],
            is_ready=np.ones(len(start), bool),
            macro=sides[0].select(states).to_numpy() if states else None,
        )

    def simulate(self, profile: Profile) -> Simulation:
        """The profile's trades from the kernel: those of `trades.parquet`, to the last bit."""
        decisions, (opens, closes) = profile_decisions(self.forecasts().items(), profile, self.spec), self.span
        return simulate_decisions(self.frames, decisions, self.spec, start=opens, end=closes)
