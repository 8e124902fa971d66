"""A finished run read back: its decisions for any profile, from what it stored, without fitting anything again."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tradsys.backtest.simulate import Simulation
from tradsys.core.atr import wilder_atr
from tradsys.core.bars import split_symbols, to_arrays
from tradsys.core.errors import DataError
from tradsys.core.time import infer_interval, interval_ms, to_ms, ts_ms
from tradsys.predictor.predictor import decisions_frame
from tradsys.profiles.catalogue import profile_named
from tradsys.profiles.forecast import Forecasts
from tradsys.profiles.profile import Profile
from tradsys.research.judging.trials import Tried
from tradsys.research.ranking.market_neutral import market_neutral_from
from tradsys.research.walk.experiment import simulate_decisions
from tradsys.research.walk.experiment_spec import Experiment, experiment_from
from tradsys.runs.tables import MACRO_STATES
from tradsys.settings.config import RunConfig

RANKS = "ranks"
"""`kind` in the manifest of what `tradsys rank` wrote; other runs name none."""


@dataclass(frozen=True)
class StoredRun:
    """What a run folder holds."""

    folder: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Configuration, fingerprint, code, seeds and limits."""
        return self._json("manifest.json")

    @cached_property
    def verdict(self) -> dict[str, Any]:
        """As it was when the run ended."""
        return self._json("verdict.json")

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """As measured."""
        return self._json("metrics.json")

    @property
    def is_ranks(self) -> bool:
        """Whether `tradsys rank` wrote it: no forecasts, one rule."""
        return self.manifest.get("kind") == RANKS

    @cached_property
    def tried(self) -> Tried:
        """What was tried and how it is judged, from the settings stored with the run."""
        return market_neutral_from(RunConfig(**self.manifest["config"])) if self.is_ranks else self.spec

    @cached_property
    def config(self) -> RunConfig:
        """The settings that the run was made with."""
        return RunConfig(**self.manifest["config"])

    @cached_property
    def spec(self) -> Experiment:
        """The experiment, from the settings stored with the run; a DataError where it was none."""
        if self.is_ranks:
            raise DataError(
                f"{self.folder.name} ranked symbols and made no forecasts, which this needs; name a run of tradsys "
                "run, or look at this one with tradsys compare"
            )
        n_symbols = len(self.metrics["market"]["symbols"])  # those that are listed in the lock-box alone included
        return experiment_from(self.config, n_symbols=n_symbols, sides=tuple(self.manifest["sides"]))

    @cached_property
    def frames(self) -> dict[str, pl.DataFrame]:
        """Bars a symbol."""
        return split_symbols(pl.read_parquet(self.folder / "bars.parquet"))

    @property
    def interval(self) -> timedelta:
        """Of the bars."""
        return infer_interval(next(iter(self.frames.values())))

    @property
    def span(self) -> tuple[int, int]:
        """When the first test block opens and the last bar has closed, ms."""
        opens = min(to_ms(when) for when in self._fold_opens())
        return opens, max(int(ts_ms(frame)[-1]) for frame in self.frames.values()) + interval_ms(self.interval)

    def profile(self, name: str | None = None) -> Profile:
        """The profile of that name, or the deployed one, read as the run read it."""
        return profile_named(name or self.spec.deployed, self.spec.profiles)

    def forecasts(self) -> dict[str, Forecasts]:
        """What was known at each decision, a symbol."""
        stored = pl.read_parquet(self.folder / "forecasts.parquet")
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
        states = [name for name in MACRO_STATES if name in stored.columns and stored[name].null_count() < len(stored)]
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
        spec = self.spec
        decided = [decisions_frame(symbol, said, profile, spec.barriers) for symbol, said in self.forecasts().items()]
        decisions = pl.concat(decided).sort("start", maintain_order=True)
        opens, closes = self.span
        return simulate_decisions(self.frames, decisions, spec, start=opens, end=closes)

    def _fold_opens(self) -> list[datetime]:
        return [datetime.fromisoformat(fold["test_from"]) for fold in self.metrics["folds"]]

    def _json(self, name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / name).read_text())
        return content
