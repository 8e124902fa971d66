"""Market-neutral ranks as a procedure: long the strongest, short the weakest; nothing is fitted, nothing is chosen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import polars as pl

from tradsys.backtest.simulate import Simulation
from tradsys.core.errors import ConfigError
from tradsys.core.sides import SIDES
from tradsys.core.threads import one_thread
from tradsys.core.time import interval_ms, to_ms
from tradsys.data.alignment import check_alignment
from tradsys.data.market import Market
from tradsys.data.misaligned import Alignment
from tradsys.journal.entries import Choice
from tradsys.machine.executor import INLINE, Executor
from tradsys.machine.plan import Plan
from tradsys.predictor.rank_rule import NAME
from tradsys.research.lookahead.findings import Lookahead
from tradsys.research.ranking.lookahead import look_ahead_in_ranks
from tradsys.research.ranking.market_neutral import (
    MarketNeutralSpec,
    Traded,
    before_lockbox,
    market_neutral_from,
    trade,
)
from tradsys.research.ranking.metrics import rank_metrics
from tradsys.research.walk.experiment import Progress
from tradsys.runs.manifest import Kind
from tradsys.runs.metrics import RunMetrics
from tradsys.runs.tables import UNIVERSE, TableSchema
from tradsys.settings.config import RunConfig

SAMPLE_POINTS = 3
"""Times at which every run takes the future away."""

_STEPS = 3


@dataclass(frozen=True, slots=True)
class RankProcedure:
    """The rule of ranks and its universe, and the settings behind them."""

    spec: MarketNeutralSpec
    config: RunConfig
    kind: ClassVar[Kind] = "ranks"
    agent: ClassVar[str] = "ranks"

    @classmethod
    def of(cls, market: Market, config: RunConfig, plan: Plan | None = None) -> Self:
        """What the settings describe, whatever the market; nothing is fitted that a plan could bound.

        One side alone is a ConfigError.
        """
        del market, plan
        sides = config.portfolio.sides
        if sides is not None and set(sides) != set(SIDES):
            raise ConfigError(
                f"ranks are market-neutral and trade both sides, found portfolio.sides={','.join(sides)}; leave it "
                "out, or run profiles on one side with tradsys run"
            )
        return cls(market_neutral_from(config), config)

    def folder_title(self, market: Market) -> str:
        """How many symbols: there are too many to name them."""
        return f"rank-{len(market.symbols)}"

    def check_stamps(self, market: Market) -> Alignment:
        """Each symbol against the others, and the rates of funding."""
        return check_alignment(market, self.config.alignment.allow_lead)

    @one_thread()
    def simulate(self, market: Market, progress: Progress, executor: Executor = INLINE) -> "SimulatedRanks":
        """Trade the rule after the first part of the history and before its lock-box."""
        progress("ranking", 0, _STEPS)
        frames, start, end = before_lockbox(market, self.spec)
        traded = trade(frames, interval_ms(market.interval), self.spec, start=start, end=end)
        return SimulatedRanks(self.spec, market, frames, (start, end), traded, executor)


@dataclass(frozen=True, slots=True)
class SimulatedRanks:
    """What ranks traded in [start, end) ms, the `span`, on the bars before the lock-box."""

    spec: MarketNeutralSpec
    market: Market
    frames: Mapping[str, pl.DataFrame]
    span: tuple[int, int]
    traded: Traded
    executor: Executor = INLINE
    predictor: ClassVar[None] = None

    @property
    def simulations(self) -> Mapping[str, Simulation]:
        return {NAME: self.traded.simulation}

    @property
    def guard_bars(self) -> int:
        return self.spec.guard_bars

    @one_thread()
    def look_ahead(self, n_points: int | None, progress: Progress) -> Lookahead:
        progress("taking the future away", 1, _STEPS)
        start, end = self.span
        return look_ahead_in_ranks(
            self.frames,
            interval_ms(self.market.interval),
            self.spec,
            self.traded,
            start=start,
            end=end,
            n_points=SAMPLE_POINTS if n_points is None else n_points,
            executor=self.executor,
        )

    def metrics(self, benchmark: Simulation, progress: Progress) -> dict[str, Any]:
        progress("measuring", 2, _STEPS)
        start, end = self.span
        return rank_metrics(self.market, self.spec, self.traded, benchmark, start=start, end=end)

    def tables(self) -> Sequence[tuple[TableSchema, pl.DataFrame]]:
        return ((UNIVERSE, self.traded.universe.frame()),)

    def simulate_lockbox(self) -> Mapping[str, Simulation]:
        """The rule from the lock-box on, with all bars before it known."""
        step = interval_ms(self.market.interval)
        end = to_ms(self.market.bars["ts"].max()) + step  # type: ignore[arg-type]  # the column is Datetime
        return {NAME: trade(self.market.frames(), step, self.spec, start=self.span[1], end=end).simulation}

    def choices(self, run: str, metrics: RunMetrics) -> Iterator[Choice]:
        """A rule that is given chooses nothing."""
        return iter(())
